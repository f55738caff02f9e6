import { readFileSync } from 'node:fs';

import { type Attributes } from '@opentelemetry/api';

import { ATTR_CONTAINER_ID, ATTR_K8S_NAMESPACE_NAME } from '../config/semantic-conventions.constants.js';

const CGROUP = '/proc/self/cgroup';
const MOUNTS = '/proc/self/mountinfo';
const NAMESPACE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

/** `docker-<id>.scope`, `cri-containerd-<id>.scope`, `<id>`: the last part of a path. ECS has ids of another form. */
const LAST_PART = /(?:^|[/:-])([0-9a-f]{64}|[0-9a-f]{32}-\d{8,10})(?:\.scope)?$/;
/** Where engines keep the files of a container that they mount into it, such as its /etc/hostname. */
const MOUNTED_FILE = /\/(?:containers|overlay-containers)\/([0-9a-f]{64})\//;

/** The id of the container that the process runs in, by what Linux lists of the process. */
export function containerIdIn(cgroup: string, mounts: string): string | undefined {
  for (const line of cgroup.split('\n')) {
    const found = LAST_PART.exec(line.trim())?.[1];
    if (found !== undefined) return found;
  }
  // With version 2 of cgroups the process sees no path of its own.
  return MOUNTED_FILE.exec(mounts)?.[1];
}

let described: Attributes | undefined;

/** What the process can read about its container, and its pod: once, because neither changes. */
export function describeContainer(): Attributes {
  described ??= {
    [ATTR_CONTAINER_ID]: containerIdIn(readText(CGROUP), readText(MOUNTS)),
    [ATTR_K8S_NAMESPACE_NAME]: readText(NAMESPACE).trim() || undefined,
  };
  return described;
}

/** Empty where there is no such file, as on other systems than Linux. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
