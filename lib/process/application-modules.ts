// webpack replaces `import { createRequire }` by `undefined`, and the bundle does not start.
import * as modules from 'node:module';
import { join } from 'node:path';

let made: { readonly folder: string; readonly require: NodeJS.Require } | undefined;

/** The `require()` of a file in the working directory, by which its CommonJS packages are found. */
export function applicationRequire(): NodeJS.Require {
  const folder = process.cwd();
  if (made?.folder !== folder)
    made = { folder, require: modules.createRequire(join(folder, 'package.json')) };
  return made.require;
}

/** Finds what loads a package of the application, and its parts by path; undefined when the package is not there. */
export type FindPackage = (name: string) => ((path: string) => unknown) | undefined;

/**
 * A `require()` that finds a package of the application: from its main script, else from the
 * working directory; undefined when it is in neither place. Bundlers do not see such a package, so
 * they do not include it, nor fail when it is not installed.
 */
export function requireForPackage(name: string): NodeJS.Require | undefined {
  const mainScript = process.argv[1];
  const candidates = [
    ...(mainScript === undefined ? [] : [() => modules.createRequire(mainScript)]),
    applicationRequire,
  ];
  for (const candidate of candidates) {
    try {
      const require = candidate();
      require.resolve(name);
      return require;
    } catch {
      // Not there, or no place: a relative script, or a working directory that was removed.
    }
  }
  return undefined;
}

/** The paths of the CommonJS cache, and those that match each pattern. */
let known: readonly string[] = [];
const matching = new Map<RegExp, readonly string[]>();

/** Whether the list is used without a look at the cache. */
let shares = false;
let isCurrent = false;
/** Whether `forgetLoadedFiles()` is called for each module that is loaded. */
let isTold = false;

/**
 * Finds the paths that match a pattern, of the CommonJS modules that are loaded. A path is matched
 * once as long as none is removed: a test suite starts hundreds of applications.
 *
 * @param pattern one object per use, not made for each call: results are kept by it
 */
export function findLoadedFiles(pattern: RegExp): readonly string[] {
  listLoadedFiles();
  let found = matching.get(pattern);
  if (found === undefined) {
    found = known.filter((path) => pattern.test(path));
    matching.set(pattern, found);
  }
  return found;
}

/** Lists the loaded files once for all `findLoadedFiles()` in `work`, which is synchronous. */
export function listLoadedFilesOnce<T>(work: () => T): T {
  const outer = shares;
  shares = true;
  try {
    return work();
  } finally {
    shares = outer;
    isCurrent &&= outer || isTold;
  }
}

/**
 * While it is on, `forgetLoadedFiles()` is called for each module that is loaded, so that a list
 * holds until then. Not where the CommonJS cache is another than Node's, as in jest.
 */
export function followLoading(isFollowed: boolean): void {
  isTold = isFollowed && applicationRequire().cache === cacheOfNode();
  if (!isTold) isCurrent = false;
}

function cacheOfNode(): unknown {
  return (process.getBuiltinModule('node:module') as { readonly _cache?: unknown })._cache;
}

/** The next `findLoadedFiles()` lists the modules again. */
export function forgetLoadedFiles(): void {
  isCurrent = false;
}

function listLoadedFiles(): void {
  if (isCurrent) return;
  const listed = Object.keys(applicationRequire().cache);
  if (known.every((path, index) => path === listed[index])) matchFurther(listed.slice(known.length));
  else matching.clear();
  known = listed;
  isCurrent = shares || isTold;
}

/** New modules come after the others. */
function matchFurther(paths: readonly string[]): void {
  if (paths.length === 0) return;
  for (const [pattern, found] of matching)
    matching.set(pattern, [...found, ...paths.filter((path) => pattern.test(path))]);
}
