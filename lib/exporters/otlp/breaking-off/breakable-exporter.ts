import { onAbandonedExports } from '../../abandon-exports.js';
import { type PushExporter } from '../../push-exporter.interface.js';
import { makeGrpcBreakable } from './break-off-grpc.js';
import { makeHttpBreakable } from './break-off-http.js';
import { type RetryingTransport, type Transport } from './transport.interface.js';

/**
 * The exporter itself, whose requests are broken off when a shutdown is over. Nothing public of OpenTelemetry's OTLP exporters
 * does that, so this knows what they are made of: their version is pinned, and a test fails before users could notice.
 */
export function breakableExporter<Items>(exporter: PushExporter<Items>): PushExporter<Items> {
  const transport = transportOf(exporter);
  if (transport !== undefined) {
    onAbandonedExports(isRetrying(transport) ? makeHttpBreakable(transport) : makeGrpcBreakable(transport));
  }
  return exporter;
}

/** Some of them are delegates themselves, the classes of the exporter packages have one. */
function transportOf(exporter: object): Transport | undefined {
  const delegate = '_delegate' in exporter ? exporter._delegate : exporter;
  if (typeof delegate !== 'object' || delegate === null || !('_transport' in delegate)) return undefined;
  return isTransport(delegate._transport) ? delegate._transport : undefined;
}

function isTransport(value: unknown): value is Transport {
  return typeof value === 'object' && value !== null && 'send' in value && 'shutdown' in value;
}

function isRetrying(transport: Transport): transport is RetryingTransport {
  return 'retry' in transport && '_transport' in transport && isTransport(transport._transport);
}
