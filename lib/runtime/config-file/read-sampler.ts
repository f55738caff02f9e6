import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
} from '@opentelemetry/sdk-trace';

import type { SamplerName } from '../../config/sampling.js';
import { CallerSampler, RatioSampler } from '../sampling/probability-samplers.js';
import type { ConfigNode } from './config-node.js';

/** A sampler of the file: by the name of `OTEL_TRACES_SAMPLER` where it has one, else an instance. */
export type FileSampler =
  { readonly name: SamplerName; readonly ratio: number | undefined } | { readonly instance: Sampler };

/** A sampler that looks at no parent. */
interface RootSampler {
  readonly name: 'always_on' | 'always_off' | 'traceidratio';
  readonly ratio?: number | undefined;
}

/** What `parent_based` does with parents where the file says nothing else. */
const DELEGATES = {
  remote_parent_sampled: 'always_on',
  remote_parent_not_sampled: 'always_off',
  local_parent_sampled: 'always_on',
  local_parent_not_sampled: 'always_off',
} as const;

type Delegate = keyof typeof DELEGATES;

/** Reads the sampler; undefined where there is none that is supported. */
export function readSampler(sampler: ConfigNode): FileSampler | undefined {
  const [kind, settings] = sampler.choice() ?? [];
  if (kind !== 'parent_based' || settings === undefined) {
    const root = readRoot(sampler);
    return root && { name: root.name, ratio: root.ratio };
  }
  const root = settings.has('root') ? readRoot(settings.at('root')) : ({ name: 'always_on' } as const);
  const delegates = Object.keys(DELEGATES) as Delegate[];
  const given = delegates.map((name) => [name, readDelegate(settings, name)] as const);
  if (root === undefined) return undefined;
  if (given.every(([name, delegate]) => delegate.name === DELEGATES[name]))
    return { name: `parentbased_${root.name}`, ratio: root.ratio };
  const [remoteParentSampled, remoteParentNotSampled, localParentSampled, localParentNotSampled] = given.map(
    ([, delegate]) => createBelow(delegate),
  );
  return {
    instance: new ParentBasedSampler({
      root: create(root),
      ...(remoteParentSampled && { remoteParentSampled }),
      ...(remoteParentNotSampled && { remoteParentNotSampled }),
      ...(localParentSampled && { localParentSampled }),
      ...(localParentNotSampled && { localParentNotSampled }),
    }),
  };
}

function readDelegate(parentBased: ConfigNode, name: Delegate): RootSampler {
  const otherwise = { name: DELEGATES[name] };
  return parentBased.has(name) ? (readRoot(parentBased.at(name)) ?? otherwise) : otherwise;
}

function readRoot(sampler: ConfigNode): RootSampler | undefined {
  const [kind, settings] = sampler.choice() ?? [];
  switch (kind) {
    case undefined:
      return undefined;
    case 'always_on':
    case 'always_off':
      return { name: kind };
    case 'trace_id_ratio_based':
    case 'probability/development':
      return { name: 'traceidratio', ratio: settings?.at('ratio').number() };
    default:
      settings?.refuse(
        'Write always_on, always_off, trace_id_ratio_based or parent_based, or use sampling in code.',
      );
      return undefined;
  }
}

/** Keeps the threshold of the caller where it agrees with the decision, as the samplers do that have a name. */
function createBelow(delegate: RootSampler): Sampler {
  return delegate.name === 'traceidratio'
    ? create(delegate)
    : new CallerSampler(delegate.name === 'always_on');
}

function create({ name, ratio = 1 }: RootSampler): Sampler {
  if (name === 'traceidratio') return new RatioSampler(ratio);
  return name === 'always_on' ? new AlwaysOnSampler() : new AlwaysOffSampler();
}
