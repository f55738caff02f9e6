import { type Context, context, context as contextApi, ROOT_CONTEXT, trace } from '@opentelemetry/api';

import { describeThrown } from '../engine/describe-error.js';
import { isError } from '../errors/telemetry.error.js';
import { setWarningSink } from '../errors/warnings.js';
import { WITHOUT_SPAN_EVENT } from './log-sink.js';
import { currentLogger, loggingState, writeLine } from './logging-state.js';
import { nestWrites } from './nest-logger.js';

/** One finished HTTP request. Nothing is optional, so that no caller leaves out what failed. */
export interface FinishedRequest {
  readonly method: string;
  /** The route's pattern, `/orders/:id`; undefined when no route matched. */
  readonly route: string | undefined;
  /**
   * The method of the controller that answered, `OrdersController.find`; undefined when none was
   * reached.
   */
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
  /** The context whose span is the request's server span. */
  readonly context: Context;
}

const REQUEST_CONTEXT = 'HTTP';

/**
 * Writes the one line of a finished request, `GET /orders/:id 200 12ms`, with `method`, `route`,
 * `handler`, `path`, `status`, `duration_ms` and what failed as fields; flat names, because a line
 * is read and grepped by people, while spans and metrics carry the semantic-convention names. Level
 * info below 400, warn for 4xx and aborted requests, error from 500. Carries the ids of the server
 * span, and is not repeated on it. Does nothing when `logging.requestLog` is off.
 */
export function writeRequestLine(request: FinishedRequest): void {
  if (loggingState().root?.config.requestLog !== true) return;
  const logger = currentLogger();
  const level = readLevel(request);
  if (logger?.isLevelEnabled(level) !== true) return;
  const otelContext = contextOf(request);
  const write = (): void => {
    writeLine(logger, level, toFields(request), toMessage(request), otelContext);
  };
  writeOwnLine(level, () => {
    if (asksForActiveSpan()) contextApi.with(otelContext, write);
    else write();
  });
}

/**
 * Whether code of the application runs while a line is written, which may look for the active span.
 */
function asksForActiveSpan(): boolean {
  const { pino, destination } = loggingState().root?.config ?? {};
  const asking = [pino?.mixin, pino?.mixinMergeStrategy, pino?.hooks];
  return destination !== undefined || asking.some((option) => option !== undefined);
}

/** A span that has ended takes no events, so nothing has to keep the line from becoming one. */
function contextOf({ context }: FinishedRequest): Context {
  return trace.getSpan(context)?.isRecording() === true
    ? context.setValue(WITHOUT_SPAN_EVENT, true)
    : context;
}

function readLevel({ statusCode = 0, aborted }: FinishedRequest): 'info' | 'warn' | 'error' {
  if (statusCode >= 500) return 'error';
  return statusCode >= 400 || aborted ? 'warn' : 'info';
}

function toMessage({ method, route, path, statusCode, aborted, durationMs }: FinishedRequest): string {
  const outcome = aborted || statusCode === undefined ? 'aborted' : String(statusCode);
  return `${method} ${route ?? path} ${outcome} ${Math.round(durationMs)}ms`;
}

function toFields({
  method,
  route,
  handler,
  path,
  statusCode,
  aborted,
  durationMs,
  failure,
}: FinishedRequest): Record<string, unknown> {
  const duration_ms = Math.round(durationMs * 1_000) / 1_000;
  const context = REQUEST_CONTEXT;
  // An aborted request has no status: what the server would have answered never arrived.
  const fields: Record<string, unknown> = aborted
    ? { context, method, route, handler, path, aborted, duration_ms }
    : { context, method, route, handler, path, status: statusCode, duration_ms };
  if (failure !== undefined)
    fields[loggingState().root?.config.pino.errorKey ?? 'err'] = summarize(failure.error);
  return fields;
}

/**
 * Type and message only: the stack is on the span, and on the line of the code that caught the
 * error.
 */
function summarize(error: unknown): object {
  const { type, message } = describeThrown(error);
  return isError(error) ? { type, message } : { type: 'thrown', message };
}

const NEST_LEVELS = { info: 'log', warn: 'warn', error: 'error' } as const;

/** Levels of the lines that the library writes by itself. */
type OwnLineLevel = keyof typeof NEST_LEVELS;

/**
 * Runs `write`, which writes a line that the application did not ask for: a request line, a
 * warning, the address of the dashboard. Where NestJS's logger is silent for that level (`logger:
 * false`, `logger: ['error']`, `useLogger(false)`, `@nestjs/testing`), the line does not go to
 * standard output; it still becomes a log record. A destination that the user chose gets every
 * line.
 */
export function writeOwnLine(level: OwnLineLevel, write: () => void): void {
  const { root } = loggingState();
  if (root?.writesToStdout !== true || nestWrites(NEST_LEVELS[level])) write();
  else root.withoutOutput(write);
}

/**
 * Writes the library's own warnings as log lines; returns what sends them where they went before.
 */
export function installWarningSink(): () => void {
  return setWarningSink((message, code) => {
    // Outside any context: an export that fails belongs to no request, least of all to the one that
    // is active just now.
    context.with(ROOT_CONTEXT, () => {
      writeOwnLine('warn', () => {
        loggingState().root?.logger.warn({ context: 'nestjs-telemetry', code }, message);
      });
    });
  });
}
