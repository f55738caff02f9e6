import { PinoLogger } from 'nestjs-pino';
import { type Logger } from 'pino';

import { loggingState } from './logging-state.js';

/**
 * A PinoLogger without a container. Its methods read nestjs-pino's request store; made without the constructor,
 * because that would create nestjs-pino's root logger from whatever options come first.
 */
const scope = Object.create(PinoLogger.prototype) as PinoLogger;

/** Lets lines find what `PinoLogger.assign` bound to the current request, in this copy of nestjs-pino. */
export function followRequestScope(): void {
  loggingState().requestLoggers.add(requestLogger);
}

/**
 * Runs `fn` in a logging scope of its own, where `PinoLogger.assign` works and what it assigns is on every line. What
 * nestjs-pino's middleware does per request, at a tenth of the cost; without nestjs-pino's module it only runs `fn`.
 */
export function runInRequestScope<T>(fn: () => T): T {
  return nestPinoRoot() === undefined ? fn() : scope.runInContext(fn);
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
