import { SeverityNumber } from '@opentelemetry/api';

/** One severity under each of its names. */
export interface Severity {
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
