import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { applicationPackage } from '../../config/application-package.js';
import { textOf } from '../../engine/copy-bounded.js';
import { guardListener } from '../../errors/guard-listener.js';
import { warnOnce } from '../../errors/warnings.js';
import { isWrappedByOthers } from '../../invocation/patch.js';
import {
  applicationRequire,
  findLoadedFiles,
  followLoading,
  forgetLoadedFiles,
} from '../../process/application-modules.js';
import { processWide } from '../../process/process-wide.js';
import { type Undo, undoAll } from '../../process/undo-all.js';

/** A package that is met once it is loaded: by the path of one of its files. */
export interface LoadedModulePattern {
  /** Name by which it is required, `pg`. */
  readonly name: string;
  /** Matches the path of the file whose exports are wanted. */
  readonly file: RegExp;
  /** Matches the path of any file of the package. */
  readonly anyFile: RegExp;
  /**
   * The same file as an ES module, by its path in the package; undefined where the package has
   * none.
   */
  readonly esModule?: string | undefined;
}

const SEPARATOR = String.raw`[\\/]`;

/**
 * Matches a file of a package wherever it is installed: `fileOf('pg', 'lib/index.js')`.
 *
 * @param file path in the package, which may have groups of a regular expression
 * @param esModule the same file as an ES module, of a package that is published as both
 */
export function fileOf(name: string, file: string, esModule?: string): LoadedModulePattern {
  const folder = SEPARATOR + toPattern(`node_modules/${name}/`);
  return { name, file: new RegExp(`${folder}${toPattern(file)}$`), anyFile: new RegExp(folder), esModule };
}

function toPattern(path: string): string {
  return path.replaceAll('.', String.raw`\.`).replaceAll('/', SEPARATOR);
}

/**
 * The paths and exports of every copy of a CommonJS module that this process has loaded so far,
 * without loading any. It is in the CommonJS cache, also when ESM imported it.
 */
function loadedFiles({ file }: LoadedModulePattern): [path: string, exports: unknown][] {
  const paths = findLoadedFiles(file);
  if (paths.length === 0) return [];
  const { cache } = applicationRequire();
  return paths
    .map((path) => [path, cache[path]] as const)
    .filter(([, module]) => module?.loaded !== false)
    .map(([path, module]) => [path, module?.exports as unknown]);
}

/** Why the calls of a copy of a package are not recorded. */
export interface UnrecordedCopy {
  readonly reason: string;
  /**
   * What the user can do about it; undefined where nothing is wrong, and then nothing is logged.
   */
  readonly remedy?: string;
}

export const UNKNOWN_SHAPE: UnrecordedCopy = {
  reason: 'this version has not the methods that are instrumented',
  remedy:
    'Use a version that docs/clients.md lists, or pass an OpenTelemetry instrumentation in `instrumentations`.',
};

/** What ends the recording of a copy of a package, or why there is none. */
export type PatchedCopy = Undo | UnrecordedCopy;

/**
 * Patches a class of a loaded copy, unless it lacks the method by which it is recognised, or another
 * instrumentation has wrapped that one.
 *
 * @param patch undefined where something else is missing
 */
export function patchCopy<T extends object>(
  prototype: T | undefined,
  method: string,
  patch: (prototype: T) => Undo | undefined,
): PatchedCopy {
  const present: unknown = prototype && Reflect.get(prototype, method);
  if (prototype === undefined || typeof present !== 'function') return UNKNOWN_SHAPE;
  return isWrappedByOthers(present)
    ? { reason: 'another instrumentation has patched it and records its calls' }
    : (patch(prototype) ?? UNKNOWN_SHAPE);
}

/**
 * Whether another instrumentation records a library whose calls are announced on channels:
 * OpenTelemetry's and agents wrap the method. Looked up once, when it is asked first.
 */
export function recordedByOthers(
  pattern: LoadedModulePattern,
  methodOf: (exports: unknown) => unknown,
): () => boolean {
  let recorded: boolean | undefined;
  return () =>
    (recorded ??= loadedFiles(pattern).some(([, exports]) => isWrappedByOthers(methodOf(exports))));
}

/**
 * Called with the exports of a file and its path; undefined where the file does not matter for this
 * version.
 */
type Found = (exports: unknown, path: string) => PatchedCopy | undefined;

interface Watched {
  readonly pattern: LoadedModulePattern;
  readonly found: Found;
  readonly seen: Map<unknown, () => void>;
}

const watched = new Set<Watched>();
const REQUIRED = 'tracing:module.require:end';
const onRequired = guardListener(REQUIRED, (message) => {
  // One event for each `require()`, and for each CommonJS file that ESM imports, by its whole path.
  const { id, parentFilename } = message as { readonly id: string; readonly parentFilename?: string };
  forgetLoadedFiles();
  for (const entry of watched) {
    const { name, anyFile } = entry.pattern;
    // A package may load its own files late, by their relative path.
    if (id === name || anyFile.test(id) || (parentFilename !== undefined && anyFile.test(parentFilename)))
      lookAgain(entry);
  }
});

/**
 * Calls `found` with each copy of a module: the loaded ones now, later ones when they have been
 * loaded. The undo that is returned calls the undo of each copy.
 *
 * ES modules that are loaded cannot be listed. The one of a package that is published as both is
 * taken from the dependencies of an application of ES modules, and loaded with the start of
 * telemetry: it is the instance that the application imports.
 */
export function whenModuleLoaded(pattern: LoadedModulePattern, found: Found): () => void {
  const entry: Watched = { pattern, found, seen: new Map() };
  watched.add(entry);
  if (watched.size === 1) {
    subscribe(REQUIRED, onRequired);
    followLoading(true);
  }
  lookAgain(entry);
  loadEsModule(pattern, (path, exports) => {
    if (watched.has(entry)) meet(entry, path, exports);
  });
  return () => {
    if (watched.delete(entry) && watched.size === 0) {
      unsubscribe(REQUIRED, onRequired);
      followLoading(false);
    }
    for (const undo of entry.seen.values()) undo();
    entry.seen.clear();
  };
}

function lookAgain(entry: Watched): void {
  for (const [path, exports] of loadedFiles(entry.pattern)) meet(entry, path, exports);
}

function meet({ pattern, found, seen }: Watched, path: string, exports: unknown): void {
  if (seen.has(exports)) return;
  const copy = found(exports, path);
  if (copy === undefined) {
    seen.set(exports, () => undefined);
    return;
  }
  const [undo, unrecorded] = typeof copy === 'function' ? [copy] : [undefined, copy];
  seen.set(exports, undoAll([undo, noteLibrary(pattern, path, unrecorded)]));
}

function loadEsModule(pattern: LoadedModulePattern, loaded: (path: string, exports: unknown) => void): void {
  const { name, esModule } = pattern;
  const { isEsm, dependencies } = applicationPackage();
  if (esModule === undefined || !isEsm || !dependencies.includes(name)) return;
  const require = applicationRequire();
  let path: string;
  try {
    path = join(folderOf(pattern, require.resolve(name)), esModule);
  } catch {
    // It is a dependency, and not installed: the application says so itself.
    return;
  }
  try {
    loaded(path, require(path));
  } catch {
    // The application is importing it right now: import() waits for that.
    import(pathToFileURL(path).href).then(
      (exports: unknown) => {
        loaded(path, exports);
      },
      (error: unknown) => {
        warnOnce(
          `library:${name}`,
          `The calls of ${name} are not recorded: ${path} could not be loaded: ${textOf(error)}`,
        );
      },
    );
  }
}

/** A client library that this process has loaded, and whether its calls are recorded. */
export interface LoadedLibrary {
  readonly name: string;
  /** undefined where its package.json cannot be read. */
  readonly version: string | undefined;
  readonly recorded: boolean;
  /** Why its calls are not recorded. */
  readonly reason?: string | undefined;
}

type PackagePattern = Pick<LoadedModulePattern, 'name' | 'anyFile'>;

/** By folder of the package: one may be instrumented in several of its files. */
const noted = processWide('recorded-libraries', () => new Map<string, LoadedLibrary>());
const versions = new Map<string, string | undefined>();

/**
 * Notes whether a loaded copy of a package is recorded, for the page and its API. Where it is not
 * and that can be changed, one warning names the version and the remedy. Returns the undo.
 *
 * @param unrecorded undefined where its calls are recorded
 */
function noteLibrary(pattern: PackagePattern, path: string, unrecorded: UnrecordedCopy | undefined): Undo {
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

/**
 * Whether a loaded copy has at least this version. Without a package.json it counts as a new one:
 * a call must never have two spans.
 */
export function isSince(
  pattern: PackagePattern,
  path: string,
  [major, minor]: readonly [number, number],
): boolean {
  const version = /^(\d+)\.(\d+)\./.exec(packageVersion(folderOf(pattern, path)) ?? '');
  if (version === null) return true;
  const [loadedMajor, loadedMinor] = [Number(version[1]), Number(version[2])];
  return loadedMajor > major || (loadedMajor === major && loadedMinor >= minor);
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
