import { type OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';

import { type OtlpTarget } from '../../config/telemetry-config.interface.js';

type GrpcOptions = NonNullable<ConstructorParameters<typeof GrpcExporter>[0]>;
type GrpcMetadata = NonNullable<GrpcOptions['metadata']>;

/** Constructor options of the OTLP exporters that speak HTTP. */
export function httpOptions({ url, headers }: OtlpTarget): { url: string; headers: Record<string, string> } {
  return { url, headers: { ...headers } };
}

/** Constructor options of the OTLP exporters that speak gRPC. */
export function grpcOptions({ url, headers }: OtlpTarget): Pick<GrpcOptions, 'url' | 'metadata'> {
  return { url, metadata: toMetadata(headers) };
}

/**
 * The exporter clones this and copies the entries of its map into a Metadata of the gRPC library, which is the
 * exporter's dependency and not ours; values of `-bin` keys are base64 in the environment and bytes in the map.
 */
function toMetadata(headers: Readonly<Record<string, string>>): GrpcMetadata {
  const entries = Object.entries(headers).map(([key, value]) => [
    key.toLowerCase(),
    key.toLowerCase().endsWith('-bin') ? Buffer.from(value, 'base64') : value,
  ]);
  const metadata = {
    clone: () => metadata,
    getMap: () => Object.fromEntries(entries) as Record<string, string | Buffer>,
  };
  return metadata as unknown as GrpcMetadata; // only these two methods are called; the class is the gRPC library's, no dependency of ours
}
