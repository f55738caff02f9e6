import { type OtlpTarget } from '../../config/telemetry-config.interface.js';
import { type ExporterDestination, type Signal } from '../exporter-report.interface.js';

const PACKAGE_OF_PROTOCOL = { grpc: 'grpc', 'http/protobuf': 'proto', 'http/json': 'http' } as const;

/** The package that exports a signal the way `target` wants it. */
export function otlpPackage(signal: Signal, { protocol }: OtlpTarget): string {
  return `@opentelemetry/exporter-${signal === 'traces' ? 'trace' : signal}-otlp-${PACKAGE_OF_PROTOCOL[protocol]}`;
}

/** How an OTLP target is called in reports and warnings. */
export function otlpDestination(signal: Signal, { protocol, url }: OtlpTarget): ExporterDestination {
  return { signal, protocol, name: `OTLP ${protocol}`, endpoint: url };
}
