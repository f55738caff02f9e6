import { inspect } from 'node:util';

import { Logger as NestLogger } from '@nestjs/common';
import { type Logger } from 'pino';

import { isError } from '../errors/is-error.js';
import { copyBounded } from '../recording/copy-bounded.js';
import { currentLogger, loggingState } from './logging-state.js';
import { describeThrown, isSerializedError, renderStack } from './serialize-error.js';
import { LEVEL_VALUES, writeLine } from './write-line.js';

/** What a line may carry: fields, an error, or fields with the error under `err`. `logError` takes whatever was thrown. */
export type LogExtra = Readonly<Record<string, unknown>> | Error;

type Level = 'debug' | 'info' | 'warn' | 'error';

const NEST_METHODS = { debug: 'debug', info: 'log', warn: 'warn', error: 'error' } as const;

/**
 * Writes lines for one class or component, whose name each line carries as `context`. Lines carry the active span's
 * ids and what `PinoLogger.assign` bound to the current request. Before logging is started, and when it is switched
 * off, lines go to NestJS's logger instead. No method throws.
 */
export class TelemetryLogger {
  constructor(readonly context: string) {}

  logDebug(message: string, extraOrError?: LogExtra): void {
    this.write('debug', message, extraOrError);
  }

  logInfo(message: string, extraOrError?: LogExtra): void {
    this.write('info', message, extraOrError);
  }

  logWarning(message: string, extraOrError?: LogExtra): void {
    this.write('warn', message, extraOrError);
  }

  /** Carries type, message, stack, own properties and the whole cause chain of an error. */
  logError(message: string, extraOrThrown?: unknown): void {
    this.write('error', message, extraOrThrown);
  }

  private write(level: Level, message: string, extra: unknown): void {
    try {
      const logger = currentLogger();
      if (logger === undefined)
        writeThroughNest(this.context, level, message, toFields(this.context, extra, 'err'));
      else this.writeThroughPino(logger, level, message, extra);
    } catch {
      // A getter of the extra threw before pino's guard could see it: the line goes out with what can be copied.
      const fields = { context: this.context, extra: copyBounded(extra) };
      currentLogger()?.[level](fields, message);
    }
  }

  private writeThroughPino(logger: Logger, level: Level, message: string, extra: unknown): void {
    if (logger.levelVal > LEVEL_VALUES[level]) return;
    const errorKey = loggingState().root?.config.pino.errorKey ?? 'err';
    writeLine(logger, level, toFields(this.context, extra, errorKey), message);
  }
}

function toFields(context: string, extra: unknown, errorKey: string): Record<string, unknown> {
  if (extra === undefined) return { context };
  if (typeof extra !== 'object' || extra === null || isError(extra)) {
    return { context, [errorKey]: describeThrown(extra) };
  }
  const fields: Record<string, unknown> = { ...extra, context };
  if ('context' in extra) fields.extra_context = extra.context;
  const { err } = fields;
  if (err === undefined) return fields;
  if (errorKey !== 'err') delete fields.err;
  fields[errorKey] = typeof err === 'object' && err !== null && !isError(err) ? err : describeThrown(err);
  return fields;
}

function writeThroughNest(
  context: string,
  level: Level,
  message: string,
  fields: Record<string, unknown>,
): void {
  const { err, ...rest } = fields;
  delete rest.context;
  const text =
    Object.keys(rest).length === 0 ? message : `${message} ${inspect(rest, { breakLength: Infinity })}`;
  const stack = isSerializedError(err) ? `\n${renderStack(err)}` : '';
  new NestLogger(context)[NEST_METHODS[level]](text + stack);
}
