import { type ISerializer } from '@opentelemetry/otlp-transformer';

import { type OtlpTarget } from '../../config/telemetry-config.interface.js';
import { createReportedExporter } from '../create-reported-exporter.js';
import { type Signal } from '../exporter-report.interface.js';
import { type PushExporter } from '../push-exporter.interface.js';
import { type ReportedExporter } from '../reported.exporter.js';
import { withoutVariables } from '../without-variables.js';
import { breakableExporter } from './breaking-off/breakable-exporter.js';
import { otlpDestination } from './otlp-destination.js';
import { grpcOptions, httpOptions } from './otlp-exporter-options.js';
import { OTLP_HEADER_VARIABLES } from './otlp-header-variables.constants.js';

/** What the OTLP exporters of OpenTelemetry say of themselves, by signal. */
const NAMES = {
  traces: {
    variables: 'TRACES',
    service: 'TraceExportService',
    exporter: 'span',
    item: 'span',
    proto: 'trace.v1.TraceService',
  },
  metrics: {
    variables: 'METRICS',
    service: 'MetricsExportService',
    exporter: 'metric',
    item: 'metric_data_point',
    proto: 'metrics.v1.MetricsService',
  },
  logs: {
    variables: 'LOGS',
    service: 'LogsExportService',
    exporter: 'log',
    item: 'log',
    proto: 'logs.v1.LogsService',
  },
} as const;

/** How requests are written and answers read; loaded with the transport. */
export interface OtlpSource<Items, Response> {
  /** Bytes as the protocol of the target wants them. */
  readonly loadSerializer: () => Promise<ISerializer<Items, Response>>;
  readonly countItems: (items: Items) => number;
}

/**
 * Sends what we write ourselves over the SDK's own transports: the same retries, compression, certificates, time limits and
 * environment variables as with its exporters. The transport starts loading now.
 */
export function createOtlpExporter<Items, Response>(
  signal: Signal,
  target: OtlpTarget,
  source: OtlpSource<Items, Response>,
): ReportedExporter<Items> {
  const packageName =
    target.protocol === 'grpc'
      ? '@opentelemetry/otlp-grpc-exporter-base'
      : '@opentelemetry/otlp-exporter-base';
  return createReportedExporter(
    otlpDestination(signal, target),
    { packageName, load: async () => breakableExporter(await load(signal, target, source)) },
    source.countItems,
  );
}

async function load<Items, Response>(
  signal: Signal,
  target: OtlpTarget,
  { loadSerializer, countItems }: OtlpSource<Items, Response>,
): Promise<PushExporter<Items>> {
  const { variables, service, exporter, item, proto } = NAMES[signal];
  const serializer = await loadSerializer();
  const metrics = { name: item, countItems };
  if (target.protocol === 'grpc') {
    const { convertLegacyOtlpGrpcOptions, createOtlpGrpcExportDelegate } =
      await import('@opentelemetry/otlp-grpc-exporter-base');
    return withoutVariables(OTLP_HEADER_VARIABLES, () =>
      createOtlpGrpcExportDelegate(
        // eslint-disable-next-line @typescript-eslint/no-deprecated -- what the exporters of this pinned release use themselves
        convertLegacyOtlpGrpcOptions(grpcOptions(target), variables),
        serializer,
        `otlp_grpc_${exporter}_exporter`,
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
        'Content-Type': target.protocol === 'http/json' ? 'application/json' : 'application/x-protobuf',
      }),
      serializer,
      `otlp_http_${exporter}_exporter`,
      metrics,
      undefined,
    ),
  );
}
