import { type Context } from '@opentelemetry/api';
import { type Logger } from 'pino';

import { type LoggingConfig } from '../config/logging.js';
import { type Destination } from './line-buffer.js';
import { LEVEL_VALUES, type LineLevel, OTEL_CONTEXT } from './log-entry.js';

/**
 * The pino instance that everything of this process logs through, and what must happen when it
 * ends.
 */
export interface RootLogger {
  readonly logger: Logger;
  readonly config: LoggingConfig;
  /**
   * Writes a line whose level is enabled without pino, exactly as pino would; false where only pino
   * can write it.
   *
   * @param level pino's number
   */
  writeFast(
    level: number,
    fields: Readonly<Record<string, unknown>>,
    message: string,
    otelContext: Context | undefined,
  ): boolean;
  /** Whether lines end up on standard output, where NestJS's own lines do. */
  readonly writesToStdout: boolean;
  /** Runs `write`, whose lines become log records only: the destination does not get them. */
  withoutOutput(write: () => void): void;
  /** Writes what is still buffered, synchronously where the destination can. Never throws. */
  flush(): void;
  /**
   * Gives up what the logger holds beyond standard output (a transport's worker). Lines after it
   * are lost.
   */
  close(): void;
}

/**
 * What must exist once per process, however many copies of this package are loaded (ESM, CommonJS).
 */
interface LoggingState {
  /**
   * Stays after a stop, so that lines of the shutdown keep their form and place; replaced by the
   * next start.
   */
  root: RootLogger | undefined;
  /**
   * Puts back NestJS's logger and the sink of warnings, which stay as long as the root logger does.
   */
  restore?: (() => void) | undefined;
  /** Standard output is opened once per way of writing, not once per start. */
  readonly stdout: Map<'each-line' | 'collected', Destination>;
  /**
   * pino instances made here: a root of nestjs-pino that descends from none of them is the
   * application's own.
   */
  readonly ours: WeakSet<object>;
  /** How each copy of nestjs-pino in use finds the logger bound to the current request. */
  readonly requestLoggers: Set<() => Logger | undefined>;
}

const STATE_KEY = Symbol.for('nestjs-telemetry.logging');

interface StateHolder {
  [STATE_KEY]?: LoggingState | undefined;
}

export function loggingState(): LoggingState {
  const holder = globalThis as StateHolder;
  return (holder[STATE_KEY] ??= {
    root: undefined,
    stdout: new Map(),
    ours: new WeakSet(),
    requestLoggers: new Set(),
  });
}

/**
 * The logger to write through now: the one bound to the current request, else the root; undefined
 * before the start.
 */
export function currentLogger(): Logger | undefined {
  const { root, requestLoggers } = loggingState();
  if (root === undefined) return undefined;
  for (const requestLogger of requestLoggers) {
    const bound = requestLogger();
    if (bound !== undefined) return bound;
  }
  return root.logger;
}

/**
 * Writes a line whose level is enabled: without pino where that makes no difference to the line, or
 * through it.
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
  const { root } = loggingState();
  // A child has bindings, and possibly options, of its own.
  if (root?.logger === logger && root.writeFast(LEVEL_VALUES[level], fields, message, otelContext)) return;
  if (otelContext !== undefined) (fields as { [OTEL_CONTEXT]?: Context })[OTEL_CONTEXT] = otelContext;
  logger[level](fields, message);
}
