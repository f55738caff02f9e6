import {
  type Attributes,
  type Context,
  context as contextApi,
  ROOT_CONTEXT,
  trace,
} from '@opentelemetry/api';
import { type Logger } from 'pino';

import { describeThrown } from '../engine/describe-error.js';
import { isError } from '../errors/telemetry.error.js';
import { setWarningSink } from '../errors/warnings.js';
import { isReservedKey, type LineLevel } from './log-entry.js';
import { WITHOUT_SPAN_EVENT } from './log-sink.js';
import { currentLogger, errorKeyInForce, isLineEnabled, loggingState, writeLine } from './logging-state.js';
import { nestWrites } from './nest-logger.js';

/** One finished HTTP request. Nothing is optional, so that no caller leaves out what failed. */
export interface FinishedRequest {
  readonly method: string;
  /** The route's pattern, `/orders/:id`; undefined when no route matched. */
  readonly route: string | undefined;
  /** The method that answered, `OrdersController.find`; undefined when none was reached. */
  readonly handler: string | undefined;
  /** The path that was asked for, without the query. */
  readonly path: string;
  /** undefined when no answer was sent. */
  readonly statusCode: number | undefined;
  readonly durationMs: number;
  /** The client went away before the answer was complete. */
  readonly aborted: boolean;
  /** What was thrown while the request was handled; undefined when nothing was. */
  readonly failure: { readonly error: unknown } | undefined;
  /** The user, and fields of `annotate()`; undefined when there are none. */
  readonly annotations: Readonly<Attributes> | undefined;
  /** The context whose span is the request's server span. */
  readonly context: Context;
}

/**
 * Writes the line of a finished request, `GET /orders/:id 200 12ms`, with `method`, `route`,
 * `handler`, `path`, `status`, `duration_ms`, the failure, the user and those of `annotate()` as fields: people read and grep lines,
 * so their names are flat, not those of the semantic conventions. Level info below 400, warn for
 * 4xx and aborted requests, error from 500. It has the ids of the server span, and is not repeated
 * there. Does nothing when `logging.requestLog` is off.
 */
export function writeRequestLine(request: FinishedRequest): void {
  if (loggingState().root?.config.requestLog !== true) return;
  const logger = currentLogger();
  const level = readLevel(request);
  if (logger === undefined || !isRequestLineEnabled(logger, level)) return;
  const otelContext = contextOf(request);
  const write = (): void => {
    writeLine(logger, level, toFields(request), toMessage(request), otelContext);
  };
  writeOwnLine(level, () => {
    if (asksForActiveSpan()) contextApi.with(otelContext, write);
    else write();
  });
}

const REQUEST_CONTEXT = 'HTTP';

function isRequestLineEnabled(logger: Logger, level: LineLevel): boolean {
  return loggingState().levels === undefined
    ? logger.isLevelEnabled(level)
    : isLineEnabled(logger, level, REQUEST_CONTEXT);
}

/** Whether code of the application, which may read the active span, runs during a write. */
function asksForActiveSpan(): boolean {
  const { pino, destination } = loggingState().root?.config ?? {};
  const asking = [pino?.mixin, pino?.mixinMergeStrategy, pino?.hooks];
  return destination !== undefined || asking.some((option) => option !== undefined);
}

/** An ended span takes no events: the context need not prevent one. */
function contextOf({ context }: FinishedRequest): Context {
  return trace.getSpan(context)?.isRecording() === true
    ? context.setValue(WITHOUT_SPAN_EVENT, true)
    : context;
}

function readLevel({ statusCode = 0, aborted }: FinishedRequest): keyof typeof NEST_LEVELS {
  if (statusCode >= 500) return 'error';
  return statusCode >= 400 || aborted ? 'warn' : 'info';
}

function toMessage({ method, route, path, statusCode, aborted, durationMs }: FinishedRequest): string {
  const outcome = aborted || statusCode === undefined ? 'aborted' : String(statusCode);
  return `${method} ${route ?? path} ${outcome} ${Math.round(durationMs)}ms`;
}

function toFields(request: FinishedRequest): Record<string, unknown> {
  const { method, route, handler, path, statusCode, aborted, failure, annotations } = request;
  const duration_ms = Math.round(request.durationMs * 1_000) / 1_000;
  const context = REQUEST_CONTEXT;
  // An aborted request has no status: the answer never arrived.
  const fields: Record<string, unknown> = aborted
    ? { context, method, route, handler, path, aborted, duration_ms }
    : { context, method, route, handler, path, status: statusCode, duration_ms };
  if (failure !== undefined) fields[errorKeyInForce()] = summarize(failure.error);
  if (annotations !== undefined) addAnnotations(fields, annotations);
  return fields;
}

/** One that is called like a field of the line becomes `extra_status`, …. */
function addAnnotations(fields: Record<string, unknown>, annotations: Readonly<Attributes>): void {
  const taken = new Set(Object.keys(fields));
  for (const [key, value] of Object.entries(annotations))
    fields[taken.has(key) || isReservedKey(key) ? `extra_${key}` : key] = value;
}

/** Type and message only: the span and the line of the code that caught the error have a stack. */
function summarize(error: unknown): object {
  const { type, message } = describeThrown(error);
  return isError(error) ? { type, message } : { type: 'thrown', message };
}

const NEST_LEVELS = { info: 'log', warn: 'warn', error: 'error' } as const;

/**
 * Runs `write`, which writes a line of the library: of a request, a warning, the address of the
 * dashboard. Where NestJS's logger is silent for that level (`logger: false`, `logger: ['error']`,
 * `useLogger(false)`, `@nestjs/testing`), the line becomes a log record only and does not go to
 * standard output. A destination of the user gets every line.
 */
export function writeOwnLine(level: keyof typeof NEST_LEVELS, write: () => void): void {
  const { root } = loggingState();
  if (root?.writesToStdout !== true || nestWrites(NEST_LEVELS[level])) write();
  else root.withoutOutput(write);
}

/** Writes the warnings of the library as log lines; returns the undo. */
export function installWarningSink(): () => void {
  return setWarningSink((message, code) => {
    // Outside any context: an export that fails does not belong to the active request.
    contextApi.with(ROOT_CONTEXT, () => {
      writeOwnLine('warn', () => {
        loggingState().root?.logger.warn({ context: 'nestjs-telemetry', code }, message);
      });
    });
  });
}
