import { type Context, context as contextApi, createContextKey } from '@opentelemetry/api';
import { PinoLogger } from 'nestjs-pino';
import { type Logger } from 'pino';

import { loggingState } from './logging-state.js';
import { findNestPinoStorage, type RequestStore } from './nest-pino-storage.js';

const SCOPE = createContextKey('nestjs-telemetry.request-scope');

/**
 * A PinoLogger without a container. Its methods read nestjs-pino's request store; made without the constructor,
 * because that would create nestjs-pino's root logger from whatever options come first.
 */
const scope = Object.create(PinoLogger.prototype) as PinoLogger;

/** nestjs-pino's store of a request, carried by the OpenTelemetry context instead of an AsyncLocalStorage of its own. */
class CarriedScope implements RequestStore {
  responseLogger: Logger | undefined;
  /** The method of a controller that the request reached. */
  handler: string | undefined;

  /** @param entered the store nestjs-pino was in already; any other one that it enters later is nearer than this one */
  constructor(
    public logger: Logger,
    readonly entered: RequestStore | undefined,
  ) {}
}

/** Reads the store nestjs-pino entered by itself; undefined until it looks into contexts too, and where it cannot be made to. */
let readEntered: (() => RequestStore | undefined) | undefined;

/** Lets lines find what `PinoLogger.assign` bound to the current request, in this copy of nestjs-pino. */
export function followRequestScope(): void {
  loggingState().requestLoggers.add(requestLogger);
  readEntered ??= lookIntoContexts();
}

/**
 * `context` with a logging scope of its own, where `PinoLogger.assign` works and what it assigns is on every line. What nestjs-pino's
 * middleware does per request, but nothing is entered: each storage that is copies a map, there and at every call that opens
 * a span below. Gives back `context` itself without nestjs-pino's module.
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

/** Runs `fn` in the logging scope the active context carries, or opens one for it where it carries none. */
export function runInRequestScope<T>(fn: () => T): T {
  return nestPinoRoot() === undefined || carriedScope() !== undefined ? fn() : scope.runInContext(fn);
}

/**
 * Makes nestjs-pino's process-wide root write through `logger`. nestjs-pino keeps the first root for good; when that
 * one came from an earlier start of this library, it becomes an empty child of the new root. An application's own root
 * is left alone.
 */
export function repointNestPino(logger: Logger): void {
  const root = nestPinoRoot();
  if (root === undefined || !descendsFromOurs(root)) return;
  for (const key of Reflect.ownKeys(root)) Reflect.deleteProperty(root, key);
  Object.setPrototypeOf(root, logger);
}

function carriedScope(): CarriedScope | undefined {
  return contextApi.active().getValue(SCOPE) as CarriedScope | undefined;
}

/** Has nestjs-pino see a scope that the active context carries, where it has not entered another one since. */
function lookIntoContexts(): (() => RequestStore | undefined) | undefined {
  const storage = findNestPinoStorage(() => scope.logger);
  if (storage === undefined) return undefined;
  const read = storage.getStore.bind(storage);
  const entered = (): RequestStore | undefined => {
    const store = read();
    // Whoever leaves a store of nestjs-pino enters what it found before; a carried one is found by the context, and only there.
    return store instanceof CarriedScope ? store.entered : store;
  };
  storage.getStore = () => {
    const store = entered();
    const carried = carriedScope();
    return carried !== undefined && carried.entered === store ? carried : store;
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
