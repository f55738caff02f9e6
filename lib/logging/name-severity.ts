import { SeverityNumber } from '@opentelemetry/api';

/** One severity under each of its names. */
export interface Severity {
  readonly number: SeverityNumber;
  /** OpenTelemetry's short name, on log records and span events. */
  readonly text: string;
  /** Python's name, in the text form. */
  readonly label: string;
}

const SEVERITIES: readonly (Severity & { readonly level: number })[] = [
  { level: 60, number: SeverityNumber.FATAL, text: 'FATAL', label: 'CRITICAL' },
  { level: 50, number: SeverityNumber.ERROR, text: 'ERROR', label: 'ERROR' },
  { level: 40, number: SeverityNumber.WARN, text: 'WARN', label: 'WARNING' },
  { level: 30, number: SeverityNumber.INFO, text: 'INFO', label: 'INFO' },
  { level: 20, number: SeverityNumber.DEBUG, text: 'DEBUG', label: 'DEBUG' },
];

const TRACE: Severity = { number: SeverityNumber.TRACE, text: 'TRACE', label: 'TRACE' };

/** The severity of one of pino's level numbers; a level of the application's own counts as the next lower one. */
export function nameSeverity(level: number): Severity {
  return SEVERITIES.find((severity) => level >= severity.level) ?? TRACE;
}
