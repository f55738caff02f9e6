import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import { type Context, logs, metrics, trace } from '@opentelemetry/api';

import { guardListener } from '../errors/guard-listener.js';
import { warnOnce } from '../errors/warnings.js';
import { applicationRequire, findLoadedFiles } from '../process/application-modules.js';
import { undoAll } from '../process/undo-all.js';

/** The slots of OpenTelemetry's process-wide registry. */
export type GlobalSlot = 'trace' | 'metrics' | 'logs' | 'context' | 'propagation';

/**
 * Whether an implementation is registered. The API has only setters, which log an error if one is;
 * its registry is part of its compatibility contract between versions.
 */
export function isRegistered(slot: GlobalSlot): boolean {
  return registered(slot) !== undefined;
}

type Registry = Partial<Record<GlobalSlot | 'version', unknown>>;

/** The version of the API that made the registrations; undefined where there are none. */
export function registeredApiVersion(): string | undefined {
  const version = registry()?.version;
  return typeof version === 'string' ? version : undefined;
}

function registered(slot: GlobalSlot): unknown {
  return registry()?.[slot];
}

function registry(): Registry | undefined {
  return (globalThis as Partial<Record<symbol, Registry>>)[API_REGISTRY];
}

const API_REGISTRY = Symbol.for('opentelemetry.js.api.1');

/**
 * Makes `context` active around a synchronous call and returns the previous one, to be entered
 * after it; undefined where the context manager is not ours: then `context.with()` is needed.
 */
export function enterContext(context: Context): Context | undefined {
  const manager = registered('context') as { enter?: (entered: Context) => Context } | undefined;
  return manager?.enter?.(context);
}

/** The part of the API that registers a provider, by signal. */
const SETTERS = [
  ['trace', 'setGlobalTracerProvider', 'spans', 'spanProcessors'],
  ['metrics', 'setGlobalMeterProvider', 'metrics', 'metricReaders'],
  ['logs', 'setGlobalLoggerProvider', 'log records', 'logRecordProcessors'],
] as const;

type Setter = (this: unknown, provider: unknown) => unknown;
/** A copy of the API; an older version has no logs. */
type Api = Partial<Record<(typeof SETTERS)[number][0], object>>;

/**
 * Warns when another provider is registered after ours: the API refuses it, and logs that to its
 * diagnostic logger only, which is silent unless the application sets it. Returns the undo.
 */
export function noticeLateProviders(): () => void {
  const watched = new Map<unknown, () => void>();
  const watchOnce = (api: Api): void => {
    if (!watched.has(api.trace)) watched.set(api.trace, watchApi(api));
  };
  watchOnce({ trace, metrics, logs });
  const unfollow = followApiOfCommonJs(watchOnce);
  return () => {
    unfollow();
    undoAll([...watched.values()])();
  };
}

function watchApi(api: Api): () => void {
  return undoAll(
    SETTERS.map(([slot, method, what, option]) => {
      const owner = api[slot];
      return owner && watch(owner as Record<string, Setter>, method, what, option);
    }),
  );
}

function watch(
  owner: Record<string, Setter>,
  method: string,
  what: string,
  option: string,
): (() => void) | undefined {
  const original = owner[method];
  if (typeof original !== 'function' || Object.hasOwn(owner, method)) return undefined;
  const watched: Setter = function (provider) {
    const accepted = Reflect.apply(original, this, [provider]);
    if (accepted === false) warnRefused(provider, what, option);
    return accepted;
  };
  owner[method] = watched;
  return () => {
    // The prototype has the original.
    if (owner[method] === watched) Reflect.deleteProperty(owner, method);
  };
}

function warnRefused(provider: unknown, what: string, option: string): void {
  const name =
    typeof provider === 'object' && provider !== null ? provider.constructor.name : 'of an unknown class';
  warnOnce(
    `late-provider:${what}`,
    `Another OpenTelemetry provider (${name}) was registered after nestjs-telemetry, and the API refused it: its exporters get no ` +
      `${what}. Start it before the application is created, so that nestjs-telemetry joins it, or pass what it has in the option ` +
      `${option}.`,
  );
}

const API_PACKAGE = '@opentelemetry/api';
/** Path of the API's CommonJS file in the folder of the package, as each version has it. */
const FILE_IN_PACKAGE = /[\\/](?:build[\\/]src|dist)[\\/]index\.c?js$/;
const API_FILE = new RegExp(String.raw`[\\/]@opentelemetry[\\/]api${FILE_IN_PACKAGE.source}`);
const REQUIRED = 'tracing:module.require:end';

/** The package folders of the copies of the API that CommonJS packages have loaded. */
export function loadedApiFolders(): string[] {
  return findLoadedFiles(API_FILE).map((file) => file.replace(FILE_IN_PACKAGE, ''));
}

/**
 * Calls `found` with each copy of the API that CommonJS packages load: the loaded ones now, later ones when they have been loaded. Where
 * this module is an ES module that is another copy than its own, of fifty files, which an application may never need.
 * Returns the undo.
 */
function followApiOfCommonJs(found: (api: Api) => void): () => void {
  const { cache } = applicationRequire();
  for (const path of findLoadedFiles(API_FILE)) offer(cache[path]?.exports, found);
  const onRequired = guardListener(REQUIRED, (message) => {
    const { id, result } = message as { readonly id: string; readonly result?: unknown };
    if (id === API_PACKAGE || API_FILE.test(id)) offer(result, found);
  });
  subscribe(REQUIRED, onRequired);
  return () => {
    unsubscribe(REQUIRED, onRequired);
  };
}

/** Not where it could not be loaded. */
function offer(exports: unknown, found: (api: Api) => void): void {
  if (typeof exports === 'object' && exports !== null && 'trace' in exports) found(exports as Api);
}
