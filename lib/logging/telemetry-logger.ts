import { inspect } from 'node:util';

import { Logger as NestLogger } from '@nestjs/common';

import { copyBounded, textOf } from '../engine/copy-bounded.js';
import { describeThrown, isSerializedError, renderStack } from '../engine/describe-error.js';
import { isError } from '../errors/telemetry.error.js';
import { currentLogger, errorKeyInForce, isLineEnabled, writeLine } from './logging-state.js';

/** What a line may carry: fields, an error, or fields with the error under `err`. */
export type LogExtra = Readonly<Record<string, unknown>> | Error;

/** A text, or an error whose message, type and stack are written. */
export type LogMessage = string | Error;

type Level = 'debug' | 'info' | 'warn' | 'error';

const NEST_METHODS = { debug: 'debug', info: 'log', warn: 'warn', error: 'error' } as const;

/**
 * Writes lines of a class or component, with its name as `context`, the ids of the active span and
 * what `PinoLogger.assign` bound; without logging, to NestJS's logger. No method throws.
 */
export class TelemetryLogger {
  constructor(
    /** The `context` of its lines; in a `TelemetryService` also the name of its tracer and meter. */
    readonly name: string,
  ) {}

  /** Writes a DEBUG line that carries the active trace and span. */
  logDebug(message: LogMessage, extraOrError?: LogExtra): void {
    this.write('debug', message, extraOrError);
  }

  /** Writes an INFO line that carries the active trace and span. */
  logInfo(message: LogMessage, extraOrError?: LogExtra): void {
    this.write('info', message, extraOrError);
  }

  /** Writes a WARNING line that carries the active trace and span. */
  logWarning(message: LogMessage, extraOrError?: LogExtra): void {
    this.write('warn', message, extraOrError);
  }

  /** Writes an ERROR line with type, message, stack and causes of what was thrown. */
  logError(message: LogMessage, extraOrThrown?: unknown): void {
    this.write('error', message, extraOrThrown);
  }

  private write(level: Level, message: unknown, extra: unknown): void {
    if (typeof message === 'string') this.writeText(level, message, extra);
    else if (!isError(message)) this.writeText(level, textOf(message, MAX_MESSAGE), extra);
    else {
      const text = describeThrown(message).message;
      this.writeText(level, text, extra === undefined ? message : withError(message, extra));
    }
  }

  private writeText(level: Level, message: string, extra: unknown): void {
    const { name: context } = this;
    const logger = currentLogger();
    try {
      if (logger === undefined) writeThroughNest(context, level, message, toFields(context, extra, 'err'));
      else if (isLineEnabled(logger, level, context))
        writeLine(logger, level, toFields(context, extra, errorKeyInForce()), message);
    } catch {
      // A getter of the extra threw before pino's guard could see it.
      if (logger === undefined) new NestLogger(context)[NEST_METHODS[level]](message);
      else logger[level]({ context, extra: copyBounded(extra) }, message);
    }
  }
}

const MAX_MESSAGE = 8_192;

/** The error beside the fields of `extra`, of which an error becomes the cause. */
function withError(error: Error, extra: unknown): unknown {
  if (typeof extra !== 'object' || extra === null || isError(extra)) return { err: error, cause: extra };
  try {
    return { cause: (extra as { readonly err?: unknown }).err, ...extra, err: error };
  } catch {
    return { extra: copyBounded(extra), err: error };
  }
}

function toFields(context: string, extra: unknown, errorKey: string): Record<string, unknown> {
  if (extra === undefined) return { context };
  if (typeof extra !== 'object' || extra === null || isError(extra)) {
    return { context, [errorKey]: describeThrown(extra) };
  }
  // Spread, each of its items would become a field.
  if (Array.isArray(extra) || ArrayBuffer.isView(extra)) return { context, extra: copyBounded(extra) };
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
