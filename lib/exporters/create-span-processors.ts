import {
  ConsoleSpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';

import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { resetExporterReports } from './exporter-reports.js';
import { createJaegerBatcher } from './jaeger/create-jaeger-batcher.js';
import { createEncodedBatcher, createSpanBatcher, takesEncodedRequests } from './otlp/create-otlp-batcher.js';
import { EncodingSpanProcessor } from './otlp/encoding/encoding-span.processor.js';
import { ItemSpanProcessor } from './sending/batch-processors.js';
import { type ItemBatcher } from './sending/item-batcher.js';

/**
 * What a tracer provider needs to send spans wherever the configuration says: a batch per OTLP and Jaeger target, the
 * console, and the processors of the user. Only the packages of configured exporters are loaded, in the background.
 */
export function createSpanProcessors({ traces, engine, limits }: TelemetryConfig): SpanProcessor[] {
  resetExporterReports('traces');
  const { queueBytes } = limits;
  const collect = (batcher: ItemBatcher<ReadableSpan>): SpanProcessor => new ItemSpanProcessor(batcher);
  const otlp = traces.otlp.map((target) =>
    engine === 'fast' && takesEncodedRequests(target)
      ? new EncodingSpanProcessor(createEncodedBatcher('traces', target, traces.batch, queueBytes))
      : collect(createSpanBatcher(target, traces.batch, queueBytes)),
  );
  const jaeger = traces.jaeger.map((target) =>
    collect(createJaegerBatcher(target, traces.batch, queueBytes)),
  );
  const printer = traces.console ? [new SimpleSpanProcessor({ exporter: new ConsoleSpanExporter() })] : [];
  return [...otlp, ...jaeger, ...printer, ...traces.processors];
}
