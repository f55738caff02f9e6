import { applicationRequire } from './application-require.js';

/** The paths of the CommonJS cache, and those of them that match each pattern that was asked for. */
let known: readonly string[] = [];
const matching = new Map<RegExp, readonly string[]>();

/** Whether a list that was made before may be used without a look at the cache. */
let shares = false;
let isCurrent = false;
/** Whether `forgetLoadedFiles()` is called for each module that is loaded. */
let isTold = false;

/**
 * Finds the paths that match a pattern, of the CommonJS modules that this process has loaded so far. Nothing is loaded. A
 * path is matched once as long as none is removed: a test suite starts hundreds of applications in one process.
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

/** Lists the loaded files once for all calls of `findLoadedFiles()` in `work`, which is synchronous. */
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
 * While it is on, `forgetLoadedFiles()` is called for each module that is loaded, so that a list holds until then. Not where
 * the CommonJS cache is another than Node's, as in jest, which loads modules by itself.
 */
export function followLoading(isFollowed: boolean): void {
  isTold = isFollowed && applicationRequire().cache === cacheOfNode();
  if (!isTold) isCurrent = false;
}

function cacheOfNode(): unknown {
  return (process.getBuiltinModule('node:module') as { readonly _cache?: unknown })._cache;
}

/** A module has been loaded meanwhile: the next `findLoadedFiles()` lists them again. */
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

/** What has been loaded since comes after the others. */
function matchFurther(paths: readonly string[]): void {
  if (paths.length === 0) return;
  for (const [pattern, found] of matching)
    matching.set(pattern, [...found, ...paths.filter((path) => pattern.test(path))]);
}
