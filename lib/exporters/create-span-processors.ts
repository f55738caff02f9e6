import {
  ConsoleSpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';

import {
  type BatchLimits,
  type OtlpTarget,
  type TelemetryConfig,
} from '../config/telemetry-config.interface.js';
import { ClosingBatchSpanProcessor } from './closing-batch-span.processor.js';
import { countQueueDrops } from './count-queue-drops.js';
import { definedLimits } from './defined-limits.js';
import { resetExporterReports } from './exporter-reports.js';
import { createJaegerSpanExporter } from './jaeger/create-jaeger-span-exporter.js';
import { createOtlpSpanExporter } from './otlp/create-otlp-span-exporter.js';
import { createEncodedExporter, takesEncodedRequests } from './otlp/encoding/create-encoded-exporter.js';
import { EncodedQueue } from './otlp/encoding/encoded-queue.js';
import { EncodingSpanProcessor } from './otlp/encoding/encoding-span.processor.js';
import { type ReportedExporter } from './reported.exporter.js';

/** The specification's default of `OTEL_BSP_SCHEDULE_DELAY`. */
const SCHEDULED_DELAY_MS = 5_000;

/**
 * What a tracer provider needs to send spans wherever the configuration says: a batch per OTLP and Jaeger target, the
 * console, and the processors of the user. Only the packages of configured exporters are loaded, in the background.
 */
export function createSpanProcessors({ traces, engine }: TelemetryConfig): SpanProcessor[] {
  resetExporterReports('traces');
  const otlp = traces.otlp.map((target) =>
    engine === 'fast' && takesEncodedRequests(target)
      ? createEncodingProcessor(target, traces.batch)
      : createBatchProcessor(createOtlpSpanExporter(target), traces.batch),
  );
  const jaeger = traces.jaeger.map((target) =>
    createBatchProcessor(createJaegerSpanExporter(target), traces.batch),
  );
  const printer = traces.console ? [new SimpleSpanProcessor({ exporter: new ConsoleSpanExporter() })] : [];
  return [...otlp, ...jaeger, ...printer, ...traces.processors];
}

function createEncodingProcessor(target: OtlpTarget, limits: BatchLimits): SpanProcessor {
  const exporter = createEncodedExporter('traces', target);
  return new EncodingSpanProcessor(
    new EncodedQueue({
      exporter,
      limits,
      scheduledDelayMillis: SCHEDULED_DELAY_MS,
      onDrop: (count) => {
        exporter.health.dropFromQueue(count);
      },
    }),
  );
}

function createBatchProcessor(
  exporter: ReportedExporter<ReadableSpan[]>,
  limits: BatchLimits,
): SpanProcessor {
  return new ClosingBatchSpanProcessor({
    exporter,
    selfObsMeterProvider: countQueueDrops((count) => {
      exporter.health.dropFromQueue(count);
    }),
    ...definedLimits(limits),
  });
}
