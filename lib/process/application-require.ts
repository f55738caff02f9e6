// Not `import { createRequire }`: in its place webpack writes `undefined`, and the bundle does not
// start.
import * as modules from 'node:module';
import { join } from 'node:path';

/**
 * The `require()` of a file in the working directory, by which CommonJS packages that are loaded or
 * installed there are found.
 */
export function applicationRequire(): NodeJS.Require {
  const folder = process.cwd();
  if (made?.folder !== folder) {
    made = { folder, require: modules.createRequire(join(folder, 'package.json')) };
  }
  return made.require;
}

let made: { readonly folder: string; readonly require: NodeJS.Require } | undefined;
/**
 * A `require()` that finds a package of the application: from its main script, else from the
 * working directory. Bundlers do not see such a package, so they neither include it nor fail when
 * it is not installed.
 *
 * @returns undefined when the package is in neither place
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
      // Not there, or the place is none: a relative script, or a working directory that was
      // removed.
    }
  }
  return undefined;
}
