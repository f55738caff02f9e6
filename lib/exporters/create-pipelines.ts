import {
  ConsoleSpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';
import type { PrometheusConfig } from '../config/metrics.js';
import type { TelemetryConfig } from '../config/telemetry-config.interface.js';
import { resetExporterReports } from './exporter-report.js';
import { createJaegerBatcher } from './jaeger/jaeger-batcher.js';
import {
  createEncodedBatcher,
  createLogRecordBatcher,
  createSpanBatcher,
  takesEncodedRequests,
} from './otlp/otlp-batcher.js';
import { EncodingSpanProcessor } from './otlp/encoding/encoding-span.processor.js';
import { type ItemBatcher, ItemLogRecordProcessor, ItemSpanProcessor } from './sending/item-batcher.js';
import type { LoggerProvider as ApiLoggerProvider } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import { type LogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { EncodingLoggerProvider } from './otlp/encoding/encoding-logger-provider.js';
import cluster from 'node:cluster';
import { type IMetricReader, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { warnOnce } from '../errors/warnings.js';
import { createOtlpMetricExporter } from './otlp/otlp-metric-exporter.js';
import { type PrometheusScrape, createPrometheusScrape } from './prometheus/prometheus-scrape.js';

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

/** A provider that can be told to send what it holds. */
interface FlushableLoggerProvider extends ApiLoggerProvider {
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

/**
 * What log records are emitted to, or undefined when nobody wants any. Processors of the user need records that are
 * objects, and JSON is written by the SDK's exporter: then the SDK's provider serves all.
 */
export function createLoggerProvider(
  config: TelemetryConfig,
  resource: Resource,
): FlushableLoggerProvider | undefined {
  const { engine, limits, logs } = config;
  if (
    engine === 'fast' &&
    logs.otlp.length > 0 &&
    logs.processors.length === 0 &&
    logs.otlp.every(takesEncodedRequests)
  ) {
    resetExporterReports('logs');
    return new EncodingLoggerProvider(
      resource,
      logs.otlp.map((target) => createEncodedBatcher('logs', target, logs.batch, limits.queueBytes)),
    );
  }
  const processors = createLogRecordProcessors(config);
  return processors.length === 0 ? undefined : new LoggerProvider({ resource, processors });
}

/** What a logger provider needs to send log records: a batch per OTLP target, and the processors of the user. */
export function createLogRecordProcessors({ logs, limits }: TelemetryConfig): LogRecordProcessor[] {
  resetExporterReports('logs');
  const batches = logs.otlp.map(
    (target) => new ItemLogRecordProcessor(createLogRecordBatcher(target, logs.batch, limits.queueBytes)),
  );
  return [...batches, ...logs.processors];
}

/** What a meter provider needs, and what answers a scraper. */
interface MetricReaders {
  /** A periodic reader per OTLP target, the readers of the user, and the reader of `prometheus`. */
  readonly readers: IMetricReader[];
  /** undefined when metrics are not offered to Prometheus. */
  readonly prometheus: PrometheusScrape | undefined;
}

/** Readers for all places where the configuration wants metrics; only configured OTLP exporters are loaded. */
export function createMetricReaders({ metrics, limits }: TelemetryConfig): MetricReaders {
  resetExporterReports('metrics');
  const { exportIntervalMillis } = metrics;
  const periodic = metrics.otlp.map(
    (target) =>
      new PeriodicExportingMetricReader({
        exporter: createOtlpMetricExporter(target, limits.queueBytes),
        exportIntervalMillis,
        // The reader throws when an export may take longer than the interval.
        exportTimeoutMillis: Math.min(metrics.exportTimeoutMillis, exportIntervalMillis),
      }),
  );
  if (metrics.prometheus !== undefined) warnAboutCluster(metrics.prometheus);
  const prometheus = metrics.prometheus && createPrometheusScrape({ prefix: metrics.prometheus.prefix });
  const scraped = prometheus === undefined ? [] : [prometheus.reader];
  return { readers: [...periodic, ...metrics.readers, ...scraped], prometheus };
}

/** Workers share the port of the application, so each scrape is answered by another one. */
function warnAboutCluster({ path, port }: PrometheusConfig): void {
  // PM2's cluster mode is node:cluster, but its variable is set in workers that were started otherwise, too.
  const isWorker = cluster.isWorker || process.env.exec_mode === 'cluster_mode';
  if (!isWorker || port !== undefined) return;
  warnOnce(
    'prometheus:cluster',
    `This process is one worker of a cluster, and a scrape of ${path} reaches any one of them: counters will seem to jump ` +
      'up and down. Send metrics by OTLP (otlpEndpoint) with a service.instance.id for each worker, or give each worker a ' +
      'scrape port of its own: prometheus: { port: 9464 + cluster.worker.id }. enablePrometheus: false switches both off.',
  );
}
