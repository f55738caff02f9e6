import { type OtlpTarget } from '../../../config/telemetry-config.interface.js';
import { createReportedExporter } from '../../create-reported-exporter.js';
import { type PushExporter } from '../../push-exporter.interface.js';
import { type ReportedExporter } from '../../reported.exporter.js';
import { withoutVariables } from '../../without-variables.js';
import { breakableExporter } from '../breaking-off/breakable-exporter.js';
import { otlpDestination } from '../otlp-destination.js';
import { grpcOptions, httpOptions } from '../otlp-exporter-options.js';
import { OTLP_HEADER_VARIABLES } from '../otlp-header-variables.constants.js';
import { type EncodedRequest } from './encoded-queue.js';

type EncodedSignal = 'traces' | 'logs';

/** What the OTLP exporters of OpenTelemetry say of themselves, by signal. */
const NAMES = {
  traces: {
    variables: 'TRACES',
    service: 'TraceExportService',
    item: 'span',
    proto: 'trace.v1.TraceService',
  },
  logs: { variables: 'LOGS', service: 'LogsExportService', item: 'log', proto: 'logs.v1.LogsService' },
} as const;

/** Whether requests we encode can be sent there: JSON is written by the SDK's own exporters. */
export function takesEncodedRequests({ protocol }: OtlpTarget): boolean {
  return protocol !== 'http/json';
}

/**
 * Sends requests that are encoded already, over the SDK's own transports: the same retries, compression, certificates,
 * time limits and environment variables as with its exporters. The transport starts loading now.
 */
export function createEncodedExporter(
  signal: EncodedSignal,
  target: OtlpTarget,
): ReportedExporter<EncodedRequest> {
  const packageName =
    target.protocol === 'grpc'
      ? '@opentelemetry/otlp-grpc-exporter-base'
      : '@opentelemetry/otlp-exporter-base';
  return createReportedExporter(
    otlpDestination(signal, target),
    { packageName, load: async () => breakableExporter(await load(signal, target)) },
    ({ count }) => count,
  );
}

async function load(signal: EncodedSignal, target: OtlpTarget): Promise<PushExporter<EncodedRequest>> {
  const { variables, service, item, proto } = NAMES[signal];
  const serializer = await createSerializer(signal);
  const metrics = { name: item, countItems: ({ count }: EncodedRequest) => count };
  if (target.protocol === 'grpc') {
    const { convertLegacyOtlpGrpcOptions, createOtlpGrpcExportDelegate } =
      await import('@opentelemetry/otlp-grpc-exporter-base');
    return withoutVariables(OTLP_HEADER_VARIABLES, () =>
      createOtlpGrpcExportDelegate(
        // eslint-disable-next-line @typescript-eslint/no-deprecated -- what the exporters of this pinned release use themselves
        convertLegacyOtlpGrpcOptions(grpcOptions(target), variables),
        serializer,
        `otlp_grpc_${item}_exporter`,
        metrics,
        undefined,
        service,
        `/opentelemetry.proto.collector.${proto}/Export`,
      ),
    );
  }
  const { convertLegacyHttpOptions, createOtlpHttpExportDelegate } =
    await import('@opentelemetry/otlp-exporter-base/node-http');
  return withoutVariables(OTLP_HEADER_VARIABLES, () =>
    createOtlpHttpExportDelegate(
      // The address is complete, so that no path is appended.
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- what the exporters of this pinned release use themselves
      convertLegacyHttpOptions(httpOptions(target), variables, '', {
        'Content-Type': 'application/x-protobuf',
      }),
      serializer,
      `otlp_http_${item}_exporter`,
      metrics,
      undefined,
    ),
  );
}

/** Passes on what is encoded; reads answers, which say what a receiver did not accept, as the SDK does. */
async function createSerializer(signal: EncodedSignal) {
  const { ProtobufLogsSerializer, ProtobufTraceSerializer } = await import('@opentelemetry/otlp-transformer');
  const standard = signal === 'traces' ? ProtobufTraceSerializer : ProtobufLogsSerializer;
  return {
    serializeRequest: ({ body }: EncodedRequest) => body,
    deserializeResponse: (data: Uint8Array) => standard.deserializeResponse(data),
  };
}
