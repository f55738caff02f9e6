// How the published library comes to load OpenTelemetry's SDK only when telemetry starts, which is a synchronous call.
// `loadSdkPart()` of lib/runtime/load-sdk-part.ts imports it at once. It stays that way in bundles, which know no other files at run
// time, and wherever ES modules cannot be loaded by require(). Else another module stands in its place.

/** The module that has the SDK imported, below the folder of a format. */
export const LOADER = 'runtime/load-sdk-part.js';
const ON_DEMAND = 'runtime/load-sdk-part-on-demand.js';

/**
 * By this name the other modules import one of the two: `imports` of package.json says which. Only Node says `module-sync`, in the
 * versions in which require() loads ES modules; bundlers say `module`, or neither.
 */
export const LOADER_NAME = '#load-sdk-part';

/** For the build that joins modules: all import the loader by its name, so that what it imports stays apart from them. */
export const loaderByName = {
  name: 'loader-by-name',
  setup({ onResolve }) {
    onResolve({ filter: /\/load-sdk-part\.js$/ }, ({ kind }) =>
      kind === 'entry-point' ? undefined : { path: LOADER_NAME, external: true },
    );
  },
};

/** The loader on demand of the ES modules, by path. `require` has the modules of `import`: there are no two of any. */
export const ESM_LOADER = {
  [ON_DEMAND]: `let part;

export function loadSdkPart() {
  return (part ??= load());
}

function load() {
  const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);
  try {
    return require('./load-sdk-part.js').loadSdkPart();
  } catch (error) {
    // Node refuses while an import() of one of the modules goes on, and so does a loader that knows no ES modules in require().
    // Two copies of the library share what they keep.
    try {
      return require('../../cjs/runtime/load-sdk-part.js').loadSdkPart();
    } catch {
      throw error;
    }
  }
}
`,
};

/** The loader on demand of CommonJS, by path: bundlers follow a require() wherever it is. */
export const CJS_LOADER = {
  [ON_DEMAND]: `"use strict";
let part;

exports.loadSdkPart = () => (part ??= require('./load-sdk-part.js').loadSdkPart());
`,
};

/** The code of a CommonJS module with the path of the loader on demand instead of its name. */
export function nameToPath(code, pathToFolder) {
  return code.replaceAll(`require("${LOADER_NAME}")`, `require("${pathToFolder}${ON_DEMAND}")`);
}
