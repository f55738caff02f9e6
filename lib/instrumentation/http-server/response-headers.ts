import { type OutgoingHttpHeader, type ServerResponse } from 'node:http';

import { type Context, isSpanContextValid, trace } from '@opentelemetry/api';

import { type TraceResponseHeader } from '../../config/instrumentation.js';
import { warnOnce } from '../../errors/warnings.js';
import { readTraceFlags } from '../../logging/log-entry.js';

const SERVER_TIMING = 'server-timing';
const TRACERESPONSE = 'traceresponse';

type WriteHead = (this: ServerResponse, ...args: unknown[]) => ServerResponse;

/**
 * Lets `response` show the trace of `context` in its headers. They are added when the headers are
 * written, because a framework passes its own only then, and early hints must not have them.
 */
export function addResponseHeaders(
  response: ServerResponse,
  names: readonly TraceResponseHeader[],
  context: Context,
): void {
  const written = response as { writeHead: WriteHead }; // one of several signatures
  const { writeHead } = written;
  written.writeHead = function (...args) {
    return writeHead.apply(this, this.headersSent ? args : withTrace(this, names, context, args));
  };
}

/** Sets the headers, and returns the arguments of `writeHead()` with what replaces some of them. */
function withTrace(
  response: ServerResponse,
  names: readonly TraceResponseHeader[],
  context: Context,
  args: unknown[],
): unknown[] {
  try {
    const spanContext = trace.getSpanContext(context);
    if (spanContext === undefined || !isSpanContextValid(spanContext)) return args;
    const { traceId, spanId, traceFlags } = spanContext;
    const value = `00-${traceId}-${spanId}-${readTraceFlags(traceFlags)}`;
    if (names.includes(TRACERESPONSE) && !response.hasHeader(TRACERESPONSE))
      response.setHeader(TRACERESPONSE, value);
    if (!names.includes(SERVER_TIMING)) return args;
    const metric = `traceparent;desc="${value}"`;
    const at = args.findIndex((argument) => typeof argument === 'object' && argument !== null);
    const replaced = at === -1 ? undefined : withTiming(args[at] as object, metric);
    // A header that is written with others would replace the one that is set.
    if (replaced !== undefined) return args.with(at, replaced);
    response.setHeader(SERVER_TIMING, append(response.getHeader(SERVER_TIMING), metric));
    return args;
  } catch (error) {
    warnOnce('http-server:headers', `A response does not show its trace: ${String(error)}`);
    return args;
  }
}

/** The headers with one more metric in their `Server-Timing`; undefined where they have none. */
function withTiming(headers: object, metric: string): object | undefined {
  if (!Array.isArray(headers)) {
    const given = headers as Readonly<Record<string, OutgoingHttpHeader | undefined>>;
    const key = Object.keys(given).find(isServerTiming);
    return key === undefined ? undefined : { ...given, [key]: append(given[key], metric) };
  }
  const list = headers as readonly unknown[];
  const pair = list.findIndex((item) => Array.isArray(item) && isServerTiming(item[0]));
  if (pair !== -1) {
    const [key, value] = list[pair] as [string, OutgoingHttpHeader];
    return list.with(pair, [key, append(value, metric)]);
  }
  const name = list.findIndex((item, index) => index % 2 === 0 && isServerTiming(item));
  if (name === -1) return undefined;
  return list.with(name + 1, append(list[name + 1] as OutgoingHttpHeader, metric));
}

function isServerTiming(name: unknown): boolean {
  return typeof name === 'string' && name.toLowerCase() === SERVER_TIMING;
}

function append(value: OutgoingHttpHeader | undefined, metric: string): string | string[] {
  if (Array.isArray(value)) return [...value, metric];
  return value === undefined || value === '' ? metric : `${value}, ${metric}`;
}
