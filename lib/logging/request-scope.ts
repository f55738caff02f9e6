import { AsyncLocalStorage } from 'node:async_hooks';
import { type Writable } from 'node:stream';

import { type Context, context as contextApi, createContextKey, trace } from '@opentelemetry/api';
import { PinoLogger } from 'nestjs-pino';
import type { Logger } from 'pino';

import { afterTurn, endedRootOf, type Lineage, lineageOf, localRootOf } from '../engine/lineage.js';
import { isOurs, loggingState } from './logging-state.js';

const SCOPE = createContextKey('nestjs-telemetry.request-scope');

/**
 * A PinoLogger without a container, whose methods read nestjs-pino's request store. Its constructor
 * would create nestjs-pino's root logger from the options that come first.
 */
const scope = Object.create(PinoLogger.prototype) as PinoLogger;

/** A response: a request that the client gave up is still being handled until it has ended. */
type Answer = Pick<Writable, 'writableEnded'>;

/** nestjs-pino's store of a request, carried by the OpenTelemetry context. */
class CarriedScope implements RequestStore {
  responseLogger: Logger | undefined;
  /** The method of a controller that the request reached. */
  handler: string | undefined;
  /** Set once the fields end. */
  end: { readonly root: Lineage | undefined; readonly answer: Answer | undefined } | undefined;
  /** Fields that work assigns which begins after the end: by its trace, or outside of any. */
  private later: { readonly traces: WeakMap<Lineage, CarriedScope>; untraced?: CarriedScope } | undefined;

  /**
   * @param entered the store nestjs-pino was in already; any other one that it enters later is
   *   nearer than this one
   */
  constructor(
    public logger: Logger,
    readonly entered: RequestStore | undefined,
  ) {}

  /**
   * The store for the code that runs now: this one until the end, and after it for work that began
   * before: a span of the request is open, or the response has not ended. Other work gets a store
   * without the fields of the request.
   */
  current(root: Logger): RequestStore {
    const { end } = this;
    if (end === undefined || end.answer?.writableEnded === false) return this;
    const lineage = lineageOf(trace.getSpan(contextApi.active()));
    const open =
      lineage === undefined || endedRootOf(lineage) !== undefined ? undefined : localRootOf(lineage);
    if (open !== undefined && open === end.root) return this;
    const { traces } = (this.later ??= { traces: new WeakMap() });
    if (open === undefined) return (this.later.untraced ??= new CarriedScope(root, this.entered));
    const scope = traces.get(open) ?? new CarriedScope(root, this.entered);
    traces.set(open, scope);
    return scope;
  }
}

/** Reads the store that nestjs-pino entered; undefined where it does not look into contexts. */
let readEntered: (() => RequestStore | undefined) | undefined;

/** Lets lines find what `PinoLogger.assign` bound to the request, in this copy of nestjs-pino. */
export function followRequestScope(): void {
  loggingState().requestLoggers.add(requestLogger);
  readEntered ??= lookIntoContexts();
}

/**
 * Returns `context` with its own logging scope, whose lines carry what `PinoLogger.assign`
 * assigns; `context` itself without nestjs-pino's module. Unlike nestjs-pino's middleware it enters
 * no storage: each one entered copies a map, there and at every call that opens a span below.
 */
export function withRequestScope(context: Context): Context {
  const root = nestPinoRoot();
  if (root === undefined || readEntered === undefined) return context;
  return context.setValue(SCOPE, new CarriedScope(root, readEntered()));
}

/** Notes which method of a controller handles the request of `context`, for its request line. */
export function noteHandler(context: Context, handler: string): void {
  const carried = scopeOf(context);
  if (carried !== undefined) carried.handler = handler;
}

/** Returns what was noted for the request of `context`; undefined when no handler was reached. */
export function handlerOf(context: Context): string | undefined {
  return scopeOf(context)?.handler;
}

/**
 * Ends the fields of the request of `context`, for work that begins from now on. Assigned fields
 * stay until all listeners of the response have run, so that lines of those have them.
 *
 * @param answer the response of a request that the client gave up
 */
export function endRequestScope(context: Context, answer?: Answer): void {
  const scope = scopeOf(context);
  if (scope === undefined || scope.end !== undefined) return;
  const end = { root: lineageOf(trace.getSpan(context)), answer };
  if (scope.logger === nestPinoRoot()) {
    scope.end = end;
    return;
  }
  afterTurn(() => (scope.end = end));
}

/** Runs `fn` in the logging scope of the active context, or in a new one where it has none. */
export function runInRequestScope<T>(fn: () => T): T {
  return nestPinoRoot() === undefined || scopeOf(contextApi.active()) !== undefined
    ? fn()
    : scope.runInContext(fn);
}

/**
 * Makes nestjs-pino's process-wide root write through `logger`, because the first root stays. One
 * of an earlier start becomes an empty child of the new root, and one of the application stays.
 */
export function redirectNestPinoRoot(logger: Logger): void {
  const root = nestPinoRoot();
  if (root === undefined || !isOurs(root)) return;
  for (const key of Reflect.ownKeys(root)) Reflect.deleteProperty(root, key);
  Object.setPrototypeOf(root, logger);
}

function scopeOf(context: Context): CarriedScope | undefined {
  return context.getValue(SCOPE) as CarriedScope | undefined;
}

/**
 * Lets nestjs-pino see the scope of the active context, where it has not entered another one since.
 */
function lookIntoContexts(): (() => RequestStore | undefined) | undefined {
  const storage = findNestPinoStorage(() => scope.logger);
  if (storage === undefined) return undefined;
  const read = storage.getStore.bind(storage);
  const entered = (): RequestStore | undefined => {
    const store = read();
    // nestjs-pino enters the previous store again on exit. Ours must be found by the context only.
    return store instanceof CarriedScope ? store.entered : store;
  };
  storage.getStore = () => {
    const store = entered();
    const carried = scopeOf(contextApi.active());
    if (carried === undefined || carried.entered !== store) return store;
    return carried.end === undefined ? carried : carried.current(nestPinoRoot() ?? carried.logger);
  };
  return entered;
}

/** The logger bound to the current request, when there is a request and it is bound to our root. */
function requestLogger(): Logger | undefined {
  const logger = scope.logger as Logger | undefined;
  return logger === undefined || logger === nestPinoRoot() ? undefined : logger;
}

/** Declared as always there, but undefined until nestjs-pino's module is instantiated. */
function nestPinoRoot(): Logger | undefined {
  return PinoLogger.root;
}

/** What nestjs-pino keeps for each request: `PinoLogger.assign` replaces the logger. */
export interface RequestStore {
  logger: Logger;
  responseLogger?: Logger | undefined;
}

/**
 * The storage in which nestjs-pino looks for its request store: the one that is read while `look`
 * makes nestjs-pino look, because it is not exported; undefined where none is read.
 */
export function findNestPinoStorage(look: () => unknown): AsyncLocalStorage<RequestStore> | undefined {
  const { prototype } = AsyncLocalStorage;
  const original = Object.getOwnPropertyDescriptor(prototype, 'getStore');
  if (original === undefined) return undefined;
  const read = original.value as (this: AsyncLocalStorage<RequestStore>) => RequestStore | undefined;
  const asked: AsyncLocalStorage<RequestStore>[] = [];
  Object.defineProperty(prototype, 'getStore', {
    ...original,
    value(this: AsyncLocalStorage<RequestStore>) {
      asked.push(this);
      return read.call(this);
    },
  });
  try {
    look();
  } catch {
    // It has no logger yet; it may have looked nevertheless.
  } finally {
    Object.defineProperty(prototype, 'getStore', original);
  }
  return asked[0];
}
