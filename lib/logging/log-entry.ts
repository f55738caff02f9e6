import {
  type Context,
  context as contextApi,
  INVALID_TRACEID,
  SeverityNumber,
  type SpanContext,
  trace,
} from '@opentelemetry/api';

import { type SerializedError } from '../engine/describe-error.js';
import { withoutEndedTrace } from '../engine/lineage.js';
import { type Destination } from './line-buffer.js';

/**
 * One log line after redaction, of which log records, span events and the text formats are made.
 */
export interface LogEntry {
  /** pino's number: 10 trace, 20 debug, 30 info, 40 warn, 50 error, 60 fatal. */
  readonly level: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** When the line was seen, where another logger wrote `time`. Default: `time`. */
  readonly observedTime?: number;
  readonly message: string;
  /** The class that logs; the instrumentation scope of the log record. */
  readonly context: string | undefined;
  readonly error: SerializedError | undefined;
  /** What the caller attached, and `context`. Not changed. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Whether each field is a text, number or boolean, so that none needs a bounded copy. */
  readonly isPlain: boolean;
  /** The span in it is the one that the line belongs to. */
  readonly otelContext: Context;
  /** As the line has them; the text formats show them. */
  readonly traceId?: string | undefined;
  readonly spanId?: string | undefined;
}

/** An entry and its way of being written: `FastLine` or `PinoLine`. */
export interface Line {
  readonly otelContext: Context;
  /** To be read once it is written. */
  readonly entry: LogEntry;
  /**
   * Returns false, and writes nothing, where the other writer has to write it.
   *
   * @param destination undefined for a line that is only recorded
   */
  writeTo(destination: Destination | undefined): boolean;
}

/** Two hexadecimal digits, as in a `traceparent` header, by byte. */
const TRACE_FLAGS = Array.from({ length: 256 }, (_, flags) => flags.toString(16).padStart(2, '0'));

export function readTraceFlags(flags: number): string {
  return TRACE_FLAGS[flags & 0xff] ?? '';
}

/** The fields of each line; both writers and the reserved keys follow this list. */
export function readProcessFields({ serviceName }: { readonly serviceName: string }) {
  return { service: serviceName };
}

/** The fields of each line of a span. */
export const SPAN_FIELDS = [
  { key: 'trace_id', read: ({ traceId }: SpanContext) => traceId },
  { key: 'span_id', read: ({ spanId }: SpanContext) => spanId },
  { key: 'trace_flags', read: ({ traceFlags }: SpanContext) => readTraceFlags(traceFlags) },
] as const;

/** Keys that the logger writes on each line: a field of the caller becomes `extra_level`, …. */
export const OWN_KEYS: readonly string[] = [
  'level',
  'time',
  ...Object.keys(readProcessFields({ serviceName: '' })),
];
/** Beside these, keys of the logger and the resource that a field of the caller may replace. */
const NO_FIELDS = new Set([...OWN_KEYS, 'pid', 'hostname', ...SPAN_FIELDS.map(({ key }) => key as string)]);
/** Beside these, keys whose values the logger treats in its own way. */
const RESERVED_KEYS = new Set([...NO_FIELDS, 'msg', 'err', '__proto__']);

/** Whether only pino can write a field of this name. */
export function isReservedKey(key: string): boolean {
  return RESERVED_KEYS.has(key);
}

/** Whether the logger or the resource has the value, so that it is no field of the entry. */
export function isNoField(key: string): boolean {
  return NO_FIELDS.has(key);
}

/** On the fields of a line: its OpenTelemetry context, where that is not the active one. */
export const OTEL_CONTEXT = Symbol('nestjs-telemetry.otel-context');

/** The OpenTelemetry context that the fields of a line carry, or else the active one. */
export function otelContextOf(fields: unknown): Context {
  const carried =
    typeof fields === 'object' && fields !== null
      ? (fields as { readonly [OTEL_CONTEXT]?: Context })[OTEL_CONTEXT]
      : undefined;
  return carried ?? withoutEndedTrace(contextApi.active());
}

/** The identity of the span a line in `context` belongs to; undefined outside of a valid one. */
export function spanContextOf(context: Context): SpanContext | undefined {
  const spanContext = trace.getSpan(context)?.spanContext();
  return spanContext?.traceId === INVALID_TRACEID ? undefined : spanContext;
}

/** pino's numbers of its levels. */
export const LEVEL_VALUES = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 } as const;

export type LineLevel = keyof typeof LEVEL_VALUES;

/** One severity under each of its names. */
interface Severity {
  readonly number: SeverityNumber;
  /** OpenTelemetry's short name, on log records and span events. */
  readonly text: string;
  /** Python's name, in the text form. */
  readonly label: string;
}

const TRACE: Severity = { number: SeverityNumber.TRACE, text: 'TRACE', label: 'TRACE' };

/** By pino's level, divided by ten. */
const SEVERITIES: readonly Severity[] = [
  TRACE,
  TRACE,
  { number: SeverityNumber.DEBUG, text: 'DEBUG', label: 'DEBUG' },
  { number: SeverityNumber.INFO, text: 'INFO', label: 'INFO' },
  { number: SeverityNumber.WARN, text: 'WARN', label: 'WARNING' },
  { number: SeverityNumber.ERROR, text: 'ERROR', label: 'ERROR' },
  { number: SeverityNumber.FATAL, text: 'FATAL', label: 'CRITICAL' },
];

/** The severity of a level number of pino; a custom level counts as the next lower one. */
export function nameSeverity(level: number): Severity {
  return SEVERITIES[Math.min(6, Math.floor(level / 10))] ?? TRACE;
}
