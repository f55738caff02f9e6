import { type PushMetricExporter, type ResourceMetrics } from '@opentelemetry/sdk-metrics';

import { type OtlpTarget } from '../../config/telemetry-config.interface.js';
import { createReportedExporter } from '../create-reported-exporter.js';
import { type PushExporter } from '../push-exporter.interface.js';
import { withoutVariables } from '../without-variables.js';
import { breakableExporter } from './breaking-off/breakable-exporter.js';
import { readTemporalityPreference } from './read-temporality-preference.js';
import { otlpDestination, otlpPackage } from './otlp-destination.js';
import { grpcOptions, httpOptions } from './otlp-exporter-options.js';
import { OTLP_HEADER_VARIABLES } from './otlp-header-variables.constants.js';

/** A metric exporter that speaks OTLP to `target`; its package starts loading now. */
export function createOtlpMetricExporter(target: OtlpTarget): PushMetricExporter {
  const exporter = createReportedExporter(
    otlpDestination('metrics', target),
    { packageName: otlpPackage('metrics', target), load: async () => breakableExporter(await load(target)) },
    countDataPoints,
  );
  // The reader asks for the temporality when instruments are made, which is before the package has arrived.
  return Object.assign(exporter, { selectAggregationTemporality: readTemporalityPreference() });
}

async function load(target: OtlpTarget): Promise<PushExporter<ResourceMetrics>> {
  if (target.protocol === 'grpc') {
    const { OTLPMetricExporter } = await import('@opentelemetry/exporter-metrics-otlp-grpc');
    return withoutVariables(OTLP_HEADER_VARIABLES, () => new OTLPMetricExporter(grpcOptions(target)));
  }
  const { OTLPMetricExporter } =
    target.protocol === 'http/json'
      ? await import('@opentelemetry/exporter-metrics-otlp-http')
      : await import('@opentelemetry/exporter-metrics-otlp-proto');
  return withoutVariables(OTLP_HEADER_VARIABLES, () => new OTLPMetricExporter(httpOptions(target)));
}

function countDataPoints({ scopeMetrics }: ResourceMetrics): number {
  return scopeMetrics
    .flatMap(({ metrics }) => metrics)
    .reduce((sum, { dataPoints }) => sum + dataPoints.length, 0);
}
