import { type ReadableSpan } from '@opentelemetry/sdk-trace';

import { type OtlpTarget } from '../../config/telemetry-config.interface.js';
import { createReportedExporter } from '../create-reported-exporter.js';
import { type PushExporter } from '../push-exporter.interface.js';
import { type ReportedExporter } from '../reported.exporter.js';
import { otlpDestination, otlpPackage } from './otlp-destination.js';
import { grpcOptions, httpOptions } from './otlp-exporter-options.js';
import { withoutVariables } from '../without-variables.js';
import { breakableExporter } from './breaking-off/breakable-exporter.js';
import { OTLP_HEADER_VARIABLES } from './otlp-header-variables.constants.js';

/** A span exporter that speaks OTLP to `target`; its package starts loading now. */
export function createOtlpSpanExporter(target: OtlpTarget): ReportedExporter<ReadableSpan[]> {
  return createReportedExporter(
    otlpDestination('traces', target),
    { packageName: otlpPackage('traces', target), load: async () => breakableExporter(await load(target)) },
    (spans) => spans.length,
  );
}

async function load(target: OtlpTarget): Promise<PushExporter<ReadableSpan[]>> {
  if (target.protocol === 'grpc') {
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-grpc');
    return withoutVariables(OTLP_HEADER_VARIABLES, () => new OTLPTraceExporter(grpcOptions(target)));
  }
  const { OTLPTraceExporter } =
    target.protocol === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto');
  return withoutVariables(OTLP_HEADER_VARIABLES, () => new OTLPTraceExporter(httpOptions(target)));
}
