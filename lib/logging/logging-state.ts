import { type Context } from '@opentelemetry/api';
import { type Logger } from 'pino';

import { type LoggingConfig } from '../config/logging.js';
import { processWide } from '../process/process-wide.js';
import { type Destination } from './line-buffer.js';
import { LEVEL_VALUES, type LineLevel, OTEL_CONTEXT } from './log-entry.js';

/** The pino instance that all lines of this process pass, and what must happen when it ends. */
export interface RootLogger {
  readonly logger: Logger;
  readonly config: LoggingConfig;
  /**
   * Writes an enabled line of the root or a child without pino, byte for byte as pino would; false
   * where only pino can.
   */
  writeFast(
    logger: Logger,
    level: number,
    fields: Readonly<Record<string, unknown>>,
    message: string,
    otelContext?: Context,
  ): boolean;
  /** Whether lines end up on standard output, where NestJS's own lines do. */
  readonly writesToStdout: boolean;
  /** Runs `write`, whose lines become log records only: the destination does not get them. */
  withoutOutput(write: () => void): void;
  /** Writes what is buffered, synchronously where the destination can. Never throws. */
  readonly flush: () => void;
  /** Ends what the logger opened (a transport's worker). Later lines are lost. */
  close(): void;
}

/** Levels that were changed while the process runs. */
export interface ChangedLevels {
  /** Whether a line of `logger` is written. */
  allows(logger: Logger, level: number, context: unknown): boolean;
  /** pino's number; undefined where the configured level holds. */
  levelOf(context: unknown): number | undefined;
  /** Sets the level of a context, undefined for all; returns the undo. */
  set(context: string | undefined, level: string): () => void;
}

interface LoggingState {
  /** undefined while no level is changed, so that a line costs one comparison. */
  levels?: ChangedLevels | undefined;
  /** Stays until the next start, so that lines of the shutdown keep their form and place. */
  root: RootLogger | undefined;
  /** Restores NestJS's logger and the sink of warnings, which stay as long as `root`. */
  restore?: (() => void) | undefined;
  /** Standard output is opened once per way of writing, not once per start. */
  readonly stdout: Map<'each-line' | 'collected', Destination>;
  /** pino instances of this library. */
  readonly ours: WeakSet<object>;
  /** How each copy of nestjs-pino in use finds the logger bound to the current request. */
  readonly requestLoggers: Set<() => Logger | undefined>;
}

const state = processWide<LoggingState>('logging', () => ({
  root: undefined,
  stdout: new Map(),
  ours: new WeakSet(),
  requestLoggers: new Set(),
}));

export function loggingState(): LoggingState {
  return state;
}

/** The key of errors in a line: pino's `errorKey`. */
export function errorKeyInForce(): string {
  return state.root?.config.pino.errorKey ?? 'err';
}

/** A pino logger, and those whose child it is. */
export function* withParents(logger: unknown): Generator<object> {
  for (let link = logger; typeof link === 'object' && link !== null; link = Object.getPrototypeOf(link))
    yield link;
}

/** Whether the logger is a pino instance of this library, or a child of one. */
export function isOurs(logger: unknown): boolean {
  for (const link of withParents(logger)) if (state.ours.has(link)) return true;
  return false;
}

/** The logger bound to the current request, else the root; undefined before the start. */
export function currentLogger(): Logger | undefined {
  const { root, requestLoggers } = state;
  if (root === undefined) return undefined;
  for (const requestLogger of requestLoggers) {
    const bound = requestLogger();
    if (bound !== undefined) return bound;
  }
  return root.logger;
}

/** Whether a line of that level and context is written. */
export function isLineEnabled(logger: Logger, level: LineLevel, context: unknown): boolean {
  const { levels } = state;
  return levels === undefined
    ? logger.levelVal <= LEVEL_VALUES[level]
    : levels.allows(logger, LEVEL_VALUES[level], context);
}

/**
 * Writes a line whose level is enabled, without pino where that makes no difference to the line.
 *
 * @param fields made for this line: may be changed
 * @param otelContext the context the line belongs to. Default: the active one
 */
export function writeLine(
  logger: Logger,
  level: LineLevel,
  fields: Record<string, unknown>,
  message: string,
  otelContext?: Context,
): void {
  const { root } = state;
  if (root?.writeFast(logger, LEVEL_VALUES[level], fields, message, otelContext) === true) return;
  if (otelContext !== undefined) (fields as { [OTEL_CONTEXT]?: Context })[OTEL_CONTEXT] = otelContext;
  logger[level](fields, message);
}
