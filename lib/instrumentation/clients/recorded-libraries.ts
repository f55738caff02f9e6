import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { warnOnce } from '../../errors/warnings.js';
import { processWide } from '../../process/process-wide.js';

/** A client library that this process has loaded, and whether its calls are recorded. */
export interface LoadedLibrary {
  readonly name: string;
  /** undefined where its package.json cannot be read. */
  readonly version: string | undefined;
  readonly recorded: boolean;
  /** Why its calls are not recorded. */
  readonly reason?: string | undefined;
}

/** Name of a package, and a pattern of the paths of its files. */
interface PackagePattern {
  readonly name: string;
  readonly anyFile: RegExp;
}

interface Unrecorded {
  readonly reason: string;
  readonly remedy?: string;
}

/** By folder of the package: one may be instrumented in several of its files. */
const noted = processWide('recorded-libraries', () => new Map<string, LoadedLibrary>());
const versions = new Map<string, string | undefined>();

/**
 * Notes whether a loaded copy of a package is recorded, for the page and its API. Where it is not and that can be
 * changed, one warning names the version and the remedy. Returns the undo.
 *
 * @param unrecorded undefined where its calls are recorded
 */
export function noteLibrary(
  pattern: PackagePattern,
  path: string,
  unrecorded: Unrecorded | undefined,
): () => void {
  const { name } = pattern;
  const folder = folderOf(pattern, path);
  const known = noted.get(folder);
  const version = packageVersion(folder);
  const recorded = unrecorded === undefined || known?.recorded === true;
  noted.set(folder, { name, version, recorded, ...(recorded ? {} : { reason: unrecorded.reason }) });
  if (!recorded && unrecorded.remedy !== undefined) {
    warnOnce(
      `library:${name}@${String(version)}`,
      `The calls of ${name} ${version ?? '(unknown version)'} are not recorded: ${unrecorded.reason}. ${unrecorded.remedy}`,
    );
  }
  return () => {
    noted.delete(folder);
  };
}

/** The libraries that were noted, by the folder of the package. */
export function notedLibraries(): ReadonlyMap<string, LoadedLibrary> {
  return noted;
}

/** The version of the package that a file of it belongs to, as numbers; undefined where it cannot be read. */
export function versionAt(pattern: PackagePattern, path: string): readonly [number, number] | undefined {
  const [, major, minor] = /^(\d+)\.(\d+)\./.exec(packageVersion(folderOf(pattern, path)) ?? '') ?? [];
  return major === undefined ? undefined : [Number(major), Number(minor)];
}

/** Folder of the package that a file of it belongs to. */
export function folderOf({ anyFile }: PackagePattern, path: string): string {
  const [folder = path] = anyFile.exec(path) ?? [];
  return path.slice(0, path.lastIndexOf(folder) + folder.length);
}

/** The version in the package.json of a folder; undefined where it cannot be read. */
export function packageVersion(folder: string): string | undefined {
  if (!versions.has(folder)) {
    let version: unknown;
    try {
      ({ version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version?: unknown });
    } catch {
      // A bundle or a copied folder has no package.json: the version stays unknown.
    }
    versions.set(folder, typeof version === 'string' ? version : undefined);
  }
  return versions.get(folder);
}
