import { type OtlpTarget } from '../../config/telemetry-config.interface.js';
import { type ExporterDestination, type Signal } from '../exporter-report.interface.js';

/** How an OTLP target is called in reports and warnings. */
export function otlpDestination(signal: Signal, { protocol, url }: OtlpTarget): ExporterDestination {
  return { signal, protocol, name: `OTLP ${protocol}`, endpoint: url };
}
