import { ConsoleSpanExporter, SimpleSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace';

import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { ClosingBatchSpanProcessor } from './closing-batch-span.processor.js';
import { countQueueDrops } from './count-queue-drops.js';
import { definedLimits } from './defined-limits.js';
import { resetExporterReports } from './exporter-reports.js';
import { createJaegerSpanExporter } from './jaeger/create-jaeger-span-exporter.js';
import { createOtlpSpanExporter } from './otlp/create-otlp-span-exporter.js';

/**
 * What a tracer provider needs to send spans wherever the configuration says: a batch per OTLP and Jaeger target, the
 * console, and the processors of the user. Only the packages of configured exporters are loaded, in the background.
 */
export function createSpanProcessors({ traces }: TelemetryConfig): SpanProcessor[] {
  resetExporterReports('traces');
  const exporters = [
    ...traces.otlp.map(createOtlpSpanExporter),
    ...traces.jaeger.map(createJaegerSpanExporter),
  ];
  const batches = exporters.map(
    (exporter) =>
      new ClosingBatchSpanProcessor({
        exporter,
        selfObsMeterProvider: countQueueDrops((count) => {
          exporter.health.dropFromQueue(count);
        }),
        ...definedLimits(traces.batch),
      }),
  );
  const printer = traces.console ? [new SimpleSpanProcessor({ exporter: new ConsoleSpanExporter() })] : [];
  return [...batches, ...printer, ...traces.processors];
}
