// An application that brings parts of the SDK packages that it has installed. Prints what each of them got to see.
import 'reflect-metadata';

import { createRequire } from 'node:module';

import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { context } from '@opentelemetry/api';
import { CompositePropagator, suppressTracing, W3CTraceContextPropagator } from '@opentelemetry/core';
import { InMemoryLogRecordExporter, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import {
  AggregationTemporality,
  AggregationType,
  InMemoryMetricExporter,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BatchSpanProcessor,
  InMemorySpanExporter,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace';

const [format, engine] = process.argv.slice(2);
const library =
  format === 'esm' ? await import('nestjs-telemetry') : createRequire(import.meta.url)('nestjs-telemetry');
const { TelemetryModule, TelemetryService } = library;

const spans = new InMemorySpanExporter();
const logs = new InMemoryLogRecordExporter();
const metrics = new InMemoryMetricExporter(AggregationTemporality.DELTA);
const spanProcessor = new BatchSpanProcessor({ exporter: spans });
const reader = new PeriodicExportingMetricReader({ exporter: metrics });

class AppModule {}
Module({
  imports: [
    TelemetryModule.forRoot({
      engine,
      serviceName: 'with-installed-sdk',
      sampling: { sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(1) }) },
      propagators: [new CompositePropagator({ propagators: [new W3CTraceContextPropagator()] })],
      spanProcessors: [spanProcessor],
      metricReaders: [reader],
      views: [
        {
          instrumentName: 'weight',
          aggregation: { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options: { boundaries: [7] } },
        },
      ],
      logRecordProcessors: [new SimpleLogRecordProcessor({ exporter: logs })],
      logging: { destination: { write: () => undefined } },
    }),
  ],
})(AppModule);

const app = await NestFactory.createApplicationContext(AppModule, { abortOnError: false, logger: false });
const telemetry = await app.resolve(TelemetryService);
const headers = {};
await telemetry.trace('order', () => {
  telemetry.histogram('weight').record(8);
  telemetry.logInfo('weighed', { kg: 8 });
  library.injectTraceContext(headers);
});
context.with(suppressTracing(context.active()), () => telemetry.trace('not recorded', () => undefined));
await spanProcessor.forceFlush();
await reader.forceFlush();
const [span] = spans.getFinishedSpans();
const [record] = logs.getFinishedLogRecords().filter(({ body }) => body === 'weighed');
const weight = metrics
  .getMetrics()
  .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
  .find(({ descriptor }) => descriptor.name === 'weight');
console.log(
  JSON.stringify({
    spans: spans.getFinishedSpans().map(({ name, resource }) => [name, resource.attributes['service.name']]),
    logged: record?.spanContext?.spanId === span.spanContext().spanId && record.attributes.kg,
    buckets: weight?.dataPoints.map(({ value }) => value.buckets),
    sent: headers.traceparent === `00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`,
  }),
);
await app.close();
