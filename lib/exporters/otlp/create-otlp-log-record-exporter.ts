import { type ReadableLogRecord } from '@opentelemetry/sdk-logs';

import { type OtlpTarget } from '../../config/telemetry-config.interface.js';
import { createReportedExporter } from '../create-reported-exporter.js';
import { type PushExporter } from '../push-exporter.interface.js';
import { type ReportedExporter } from '../reported.exporter.js';
import { withoutVariables } from '../without-variables.js';
import { breakableExporter } from './breaking-off/breakable-exporter.js';
import { otlpDestination, otlpPackage } from './otlp-destination.js';
import { grpcOptions, httpOptions } from './otlp-exporter-options.js';
import { OTLP_HEADER_VARIABLES } from './otlp-header-variables.constants.js';

/** A log record exporter that speaks OTLP to `target`; its package starts loading now. */
export function createOtlpLogRecordExporter(target: OtlpTarget): ReportedExporter<ReadableLogRecord[]> {
  return createReportedExporter(
    otlpDestination('logs', target),
    { packageName: otlpPackage('logs', target), load: async () => breakableExporter(await load(target)) },
    (records) => records.length,
  );
}

async function load(target: OtlpTarget): Promise<PushExporter<ReadableLogRecord[]>> {
  if (target.protocol === 'grpc') {
    const { OTLPLogExporter } = await import('@opentelemetry/exporter-logs-otlp-grpc');
    return withoutVariables(OTLP_HEADER_VARIABLES, () => new OTLPLogExporter(grpcOptions(target)));
  }
  const { OTLPLogExporter } =
    target.protocol === 'http/json'
      ? await import('@opentelemetry/exporter-logs-otlp-http')
      : await import('@opentelemetry/exporter-logs-otlp-proto');
  return withoutVariables(OTLP_HEADER_VARIABLES, () => new OTLPLogExporter(httpOptions(target)));
}
