import { AsyncLocalStorage } from 'node:async_hooks';

import { type Context, context as contextApi, createContextKey, trace } from '@opentelemetry/api';
import { PinoLogger } from 'nestjs-pino';
import type { Logger } from 'pino';

import { afterTurn, endedRootOf, type Lineage, lineageOf, localRootOf } from '../engine/lineage.js';
import { loggingState } from './logging-state.js';

const SCOPE = createContextKey('nestjs-telemetry.request-scope');

/**
 * A PinoLogger without a container. Its methods read nestjs-pino's request store; made without the
 * constructor, because that would create nestjs-pino's root logger from whatever options come
 * first.
 */
const scope = Object.create(PinoLogger.prototype) as PinoLogger;

/** The response: a request that the client gave up is still being handled until this has ended. */
interface Answer {
  readonly writableEnded: boolean;
}

/**
 * nestjs-pino's store of a request, carried by the OpenTelemetry context instead of an
 * AsyncLocalStorage of its own.
 */
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
   * The store for what runs now: this one until the end, and after it for work that began before,
   * which is what an open span of the request or an unanswered response shows. Any other work gets
   * a store without the fields of the request.
   */
  current(root: Logger): RequestStore {
    const { end } = this;
    if (end === undefined || end.answer?.writableEnded === false) return this;
    const lineage = lineageOf(trace.getSpan(contextApi.active()));
    const open =
      lineage === undefined || endedRootOf(lineage) !== undefined ? undefined : localRootOf(lineage);
    if (open !== undefined && open === end.root) return this;
    this.later ??= { traces: new WeakMap() };
    if (open === undefined) return (this.later.untraced ??= new CarriedScope(root, this.entered));
    let scope = this.later.traces.get(open);
    if (scope === undefined) {
      scope = new CarriedScope(root, this.entered);
      this.later.traces.set(open, scope);
    }
    return scope;
  }
}

/**
 * Reads the store nestjs-pino entered by itself; undefined until it looks into contexts too, and
 * where it cannot be made to.
 */
let readEntered: (() => RequestStore | undefined) | undefined;

/**
 * Lets lines find what `PinoLogger.assign` bound to the current request, in this copy of
 * nestjs-pino.
 */
export function followRequestScope(): void {
  loggingState().requestLoggers.add(requestLogger);
  readEntered ??= lookIntoContexts();
}

/**
 * `context` with a logging scope of its own, where `PinoLogger.assign` works and what it assigns is
 * on every line. What nestjs-pino's middleware does per request, but nothing is entered: each
 * storage that is copies a map, there and at every call that opens a span below. Gives back
 * `context` itself without nestjs-pino's module.
 */
export function withRequestScope(context: Context): Context {
  const root = nestPinoRoot();
  if (root === undefined || readEntered === undefined) return context;
  return context.setValue(SCOPE, new CarriedScope(root, readEntered()));
}

/** Notes which method of a controller handles the request of `context`, for its request line. */
export function noteHandler(context: Context, handler: string): void {
  const carried = context.getValue(SCOPE) as CarriedScope | undefined;
  if (carried !== undefined) carried.handler = handler;
}

/** Returns what was noted for the request of `context`; undefined when no handler was reached. */
export function handlerOf(context: Context): string | undefined {
  return (context.getValue(SCOPE) as CarriedScope | undefined)?.handler;
}

/**
 * Ends the fields of the request that `context` is of, for work that begins from now on. Fields
 * that were assigned stay until all listeners of the response have run, so that what an application
 * logs there has them.
 *
 * @param answer the response of a request that the client gave up
 */
export function endRequestScope(context: Context, answer?: Answer): void {
  const scope = context.getValue(SCOPE) as CarriedScope | undefined;
  if (scope === undefined || scope.end !== undefined) return;
  const end = { root: lineageOf(trace.getSpan(context)), answer };
  if (scope.logger === nestPinoRoot()) {
    scope.end = end;
    return;
  }
  afterTurn(() => (scope.end = end));
}

/**
 * Runs `fn` in the logging scope the active context carries, or opens one for it where it carries
 * none.
 */
export function runInRequestScope<T>(fn: () => T): T {
  return nestPinoRoot() === undefined || carriedScope() !== undefined ? fn() : scope.runInContext(fn);
}

/**
 * Makes nestjs-pino's process-wide root write through `logger`. nestjs-pino keeps the first root
 * for good; when that one came from an earlier start of this library, it becomes an empty child of
 * the new root. An application's own root is left alone.
 */
export function redirectNestPinoRoot(logger: Logger): void {
  const root = nestPinoRoot();
  if (root === undefined || !descendsFromOurs(root)) return;
  for (const key of Reflect.ownKeys(root)) Reflect.deleteProperty(root, key);
  Object.setPrototypeOf(root, logger);
}

function carriedScope(): CarriedScope | undefined {
  return contextApi.active().getValue(SCOPE) as CarriedScope | undefined;
}

/**
 * Has nestjs-pino see a scope that the active context carries, where it has not entered another one
 * since.
 */
function lookIntoContexts(): (() => RequestStore | undefined) | undefined {
  const storage = findNestPinoStorage(() => scope.logger);
  if (storage === undefined) return undefined;
  const read = storage.getStore.bind(storage);
  const entered = (): RequestStore | undefined => {
    const store = read();
    // nestjs-pino enters the previous store again on exit. If that is one of ours, ignore it: ours
    // must be found through the context only.
    return store instanceof CarriedScope ? store.entered : store;
  };
  storage.getStore = () => {
    const store = entered();
    const carried = carriedScope();
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

function descendsFromOurs(logger: Logger): boolean {
  const { ours } = loggingState();
  for (
    let link: unknown = logger;
    typeof link === 'object' && link !== null;
    link = Object.getPrototypeOf(link)
  ) {
    if (ours.has(link)) return true;
  }
  return false;
}

/** What nestjs-pino keeps for each request: `PinoLogger.assign` replaces the logger. */
export interface RequestStore {
  logger: Logger;
  responseLogger?: Logger | undefined;
}

/**
 * The storage in which nestjs-pino looks for its request store; undefined where it looks in none.
 * It is exported nowhere, so it is taken for the one that is asked while `look` makes nestjs-pino
 * look.
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
