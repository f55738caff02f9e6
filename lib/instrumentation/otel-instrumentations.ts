import { isBuiltin, syncBuiltinESMExports } from 'node:module';
import { join, sep } from 'node:path';

import { logs, metrics, trace } from '@opentelemetry/api';

import { type Instrumentation } from '../config/otel-instrumentation.interface.js';
import { warnOnce } from '../errors/warnings.js';
import { applicationRequire } from '../process/application-modules.js';
import { undoAll } from '../process/undo-all.js';

/**
 * Hands an OpenTelemetry instrumentation the providers of this process, enables it, and lets it
 * patch what was loaded before it: its own hooks only see what comes later. One that throws is left
 * out. Returns the undo.
 */
export function enableOtelInstrumentation(instrumentation: Instrumentation): () => void {
  let unpatch: () => void = () => undefined;
  try {
    instrumentation.setTracerProvider(trace.getTracerProvider());
    instrumentation.setMeterProvider(metrics.getMeterProvider());
    instrumentation.setLoggerProvider?.(logs.getLoggerProvider());
    instrumentation.enable();
    unpatch = patchLoadedModules(instrumentation);
  } catch (error) {
    const { instrumentationName } = instrumentation;
    warnOnce(
      `instrumentation:${instrumentationName}`,
      `${instrumentationName} could not be enabled: ${String(error)}`,
    );
  }
  return () => {
    instrumentation.disable();
    unpatch();
  };
}

/** What an instrumentation wants to patch; `moduleExports` is set once it was seen. */
interface ModuleFile {
  readonly name: string;
  moduleExports?: unknown;
  readonly unpatch?: (exports: unknown, version?: string) => void;
}

interface ModuleDefinition extends ModuleFile {
  readonly files?: readonly ModuleFile[];
}

/**
 * What `InstrumentationBase` keeps to itself: what its hook does with a module that is required.
 * Asking that is asking for the same version check, patch and, when it is disabled, unpatch; it has
 * been there by this name since 2022.
 */
interface HookedInstrumentation {
  readonly _modules: readonly ModuleDefinition[];
  _onRequire(definition: ModuleDefinition, exports: unknown, name: string, baseDir?: string): unknown;
}

/**
 * Lets an OpenTelemetry instrumentation patch the modules that were loaded before it: Node's own,
 * and those in the CommonJS cache, from ESM or CommonJS. Returns the undo, to be called once the
 * instrumentation is disabled.
 */
function patchLoadedModules(instrumentation: Instrumentation): () => void {
  if (!isHooked(instrumentation)) return () => undefined;
  return undoAll(
    instrumentation._modules.flatMap((definition) =>
      isBuiltin(definition.name)
        ? patchBuiltin(instrumentation, definition)
        : patchPackages(instrumentation, definition),
    ),
  );
}

function isHooked(instrumentation: object): instrumentation is HookedInstrumentation {
  return (
    '_modules' in instrumentation &&
    Array.isArray(instrumentation._modules) &&
    '_onRequire' in instrumentation &&
    typeof instrumentation._onRequire === 'function'
  );
}

function patchBuiltin(instrumentation: HookedInstrumentation, definition: ModuleDefinition): (() => void)[] {
  if (definition.moduleExports !== undefined) return [];
  instrumentation._onRequire(definition, process.getBuiltinModule(definition.name), definition.name);
  // `import { request } from 'node:http'` has its own copies.
  syncBuiltinESMExports();
  return [syncBuiltinESMExports];
}

function patchPackages(instrumentation: HookedInstrumentation, definition: ModuleDefinition): (() => void)[] {
  return findLoaded(definition).flatMap(({ wanted, folder, exports }) => {
    if (wanted.moduleExports === exports) return [];
    instrumentation._onRequire(definition, exports, wanted.name, folder);
    // The instrumentation remembers one copy of a package, and takes its patch from that one only.
    return () => {
      if (wanted.moduleExports !== undefined && wanted.moduleExports !== exports) wanted.unpatch?.(exports);
    };
  });
}

interface LoadedFile {
  /** The package by its main file, or another file of it: `mongodb/lib/cmap/connection.js`. */
  readonly wanted: ModuleFile;
  /** Folder of the package. */
  readonly folder: string;
  readonly exports: unknown;
}

function findLoaded(definition: ModuleDefinition): LoadedFile[] {
  const { name, files = [] } = definition;
  const require = applicationRequire();
  const { cache } = require;
  const inPackage = `${sep}node_modules${sep}${name.replaceAll('/', sep)}${sep}`;
  const folders = new Set(
    Object.keys(cache)
      .filter((path) => path.includes(inPackage))
      .map((path) => path.slice(0, path.lastIndexOf(inPackage) + inPackage.length - 1)),
  );
  return [...folders].flatMap((folder) => {
    const modules = folder.slice(0, -name.length);
    const paths: (readonly [ModuleFile, string])[] = files.map((file) => [file, join(modules, file.name)]);
    return [[definition, mainOf(require, folder) ?? ''] as const, ...paths].flatMap(([wanted, path]) => {
      const module = cache[path];
      return module?.loaded === true ? [{ wanted, folder, exports: module.exports as unknown }] : [];
    });
  });
}

function mainOf(require: NodeJS.Require, folder: string): string | undefined {
  try {
    return require.resolve(folder);
  } catch {
    // A package whose entry is only in `exports` has no main file to be found by its folder.
    return undefined;
  }
}
