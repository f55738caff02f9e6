import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { loadedApiFolders, registeredApiVersion } from '../runtime/registered-globals.js';
import { fault, type Result } from './finding.js';

/** One copy of a package. */
export interface Copy {
  readonly version: string;
  readonly folder: string;
}

const API = '@opentelemetry/api';

/** Main, minor and patch number; what follows them is left out. */
export function numbersOf(version: string): readonly [major: number, minor: number, patch: number] {
  const [major = 0, minor = 0, patch = 0] = version.split(/[.+-]/).map(Number);
  return [major, minor, patch];
}

/** The copies of the API that get no provider of the registered one: newer, or of another major version. */
export function unservedCopies<C extends Copy>(copies: readonly C[], registered: string): C[] {
  const [registeredMajor, registeredMinor] = numbersOf(registered);
  return copies.filter(({ version }) => {
    const [major, minor] = numbersOf(version);
    return major !== registeredMajor || minor > registeredMinor;
  });
}

/** Says which copies record nothing; undefined where all of them are served. */
export function judgeApiCopies(copies: readonly Copy[], used: Copy): Result | undefined {
  const unserved = unservedCopies(copies, used.version);
  if (unserved.length === 0) return undefined;
  return fault(
    `a second copy of ${API} records nothing: OpenTelemetry gives it no provider of the first.`,
    [used, ...unserved].map(({ version, folder }) => `${version} in ${folder}`).join('\n'),
    `Install one version: \`npm install ${API}@${newest(copies)}\`, then \`npm dedupe\`. In package.json, "overrides" forces it.`,
  );
}

function newest(copies: readonly Copy[]): string {
  const sorted = copies
    .map(({ version }) => version)
    .sort((a, b) => {
      const [first, second] = [numbersOf(a), numbersOf(b)];
      return first[0] - second[0] || first[1] - second[1] || first[2] - second[2];
    });
  return sorted.at(-1) ?? '1';
}

/** The same of the copies that CommonJS packages of this process have loaded. */
export function checkLoadedApi(): Result[] {
  const registered = registeredApiVersion();
  if (registered === undefined) return [];
  const copies = loadedApiFolders().flatMap((folder) => readCopy(folder));
  const used = copies.find(({ version }) => version === registered);
  const result = judgeApiCopies(copies, used ?? { version: registered, folder: 'the application' });
  return result === undefined ? [] : [result];
}

function readCopy(folder: string): Copy[] {
  try {
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      version?: unknown;
    };
    return typeof version === 'string' ? [{ version, folder }] : [];
  } catch {
    // A bundle, or a file system that was removed.
    return [];
  }
}
