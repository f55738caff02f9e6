import {
  type Context,
  INVALID_TRACEID,
  SeverityNumber,
  type SpanContext,
  context as contextApi,
  trace,
} from '@opentelemetry/api';
import { withoutEndedTrace } from '../recording/lineage.js';

let given: Context | undefined;

/** The context whose span a line belongs to. */
export function lineContext(): Context {
  return given ?? withoutEndedTrace(contextApi.active());
}

/** Two hexadecimal digits for each byte, as in a `traceparent` header. */
export const TRACE_FLAGS: readonly string[] = Array.from({ length: 256 }, (_, flags) =>
  flags.toString(16).padStart(2, '0'),
);

/** The identity of the span a line in `context` belongs to; undefined outside of a valid one. */
export function spanContextOf(context: Context): SpanContext | undefined {
  const spanContext = trace.getSpan(context)?.spanContext();
  return spanContext?.traceId === INVALID_TRACEID ? undefined : spanContext;
}

/**
 * Writes a line, at once, as one of `context`. Nothing is awaited while a line is written, so that no storage that follows
 * asynchronous calls has to be entered for it.
 */
export function writeLineIn(context: Context, write: () => void): void {
  const before = given;
  given = context;
  try {
    write();
  } finally {
    given = before;
  }
}

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

/** The severity of one of pino's level numbers; a level of the application's own counts as the next lower one. */
export function nameSeverity(level: number): Severity {
  return SEVERITIES[Math.min(6, Math.floor(level / 10))] ?? TRACE;
}
