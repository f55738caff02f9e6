import { type PushMetricExporter, type ResourceMetrics } from '@opentelemetry/sdk-metrics';

import { type OtlpTarget } from '../../config/telemetry-config.interface.js';
import { createOtlpExporter } from './create-otlp-exporter.js';
import { addToJson } from './exemplars/add-to-json.js';
import { addToProtobuf } from './exemplars/add-to-protobuf.js';
import { FreshExemplars } from './exemplars/fresh-exemplars.js';
import { readTemporalityPreference } from './read-temporality-preference.js';

/** A metric exporter that speaks OTLP to `target`, exemplars included; its transport starts loading now. */
export function createOtlpMetricExporter(target: OtlpTarget): PushMetricExporter {
  const exporter = createOtlpExporter('metrics', target, {
    loadSerializer: () => loadSerializer(target),
    countItems: countDataPoints,
  });
  // The reader asks for the temporality when instruments are made, which is before the transport has arrived.
  return Object.assign(exporter, { selectAggregationTemporality: readTemporalityPreference() });
}

/** OpenTelemetry's own, which knows of no exemplars: they are put into what it has written. */
async function loadSerializer({ protocol }: OtlpTarget) {
  const { JsonMetricsSerializer, ProtobufMetricsSerializer } =
    await import('@opentelemetry/otlp-transformer');
  const [standard, addExemplars] =
    protocol === 'http/json'
      ? ([JsonMetricsSerializer, addToJson] as const)
      : ([ProtobufMetricsSerializer, addToProtobuf] as const);
  const fresh = new FreshExemplars();
  return {
    serializeRequest: (metrics: ResourceMetrics) => {
      const request = standard.serializeRequest(metrics);
      const exemplars = fresh.of(metrics);
      return request === undefined || exemplars === undefined ? request : addExemplars(request, exemplars);
    },
    deserializeResponse: (data: Uint8Array) => standard.deserializeResponse(data),
  };
}

function countDataPoints({ scopeMetrics }: ResourceMetrics): number {
  return scopeMetrics
    .flatMap(({ metrics }) => metrics)
    .reduce((sum, { dataPoints }) => sum + dataPoints.length, 0);
}
