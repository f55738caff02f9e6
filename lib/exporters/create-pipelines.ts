import cluster from 'node:cluster';

import type { Resource } from '@opentelemetry/resources';
import { LoggerProvider, type LogRecordProcessor } from '@opentelemetry/sdk-logs';
import { type IMetricReader, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { ConsoleSpanExporter, SimpleSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace';

import type { PrometheusConfig } from '../config/metrics.js';
import type { TelemetryConfig } from '../config/telemetry-config.interface.js';
import { encodeSpan } from '../engine/encoding/encode-span.js';
import { type FlushableLoggerProvider } from '../engine/limited-logger-provider.js';
import { warnOnce } from '../errors/warnings.js';
import { resetExporterReports } from './exporter-report.js';
import { createJaegerBatcher } from './jaeger/jaeger-batcher.js';
import { EncodingLoggerProvider } from './otlp/encoded-batcher.js';
import {
  createEncodedBatcher,
  createLogRecordBatcher,
  createSpanBatcher,
  type OtlpRoute,
  takesEncodedRequests,
} from './otlp/otlp-batcher.js';
import { createOtlpMetricExporter } from './otlp/otlp-metric-exporter.js';
import { createPrometheusScrape, type PrometheusScrape } from './prometheus/prometheus-scrape.js';
import { collectLogRecords, collectSpans, createSpanProcessor } from './sending/item-batcher.js';

/**
 * Creates the span processors of a configuration: a batch for each OTLP and Jaeger target, the
 * console, and the user's own. Only the packages of configured exporters are loaded, in the
 * background.
 */
export function createSpanProcessors({ traces, engine, limits }: TelemetryConfig): SpanProcessor[] {
  resetExporterReports('traces');
  const { batch } = traces;
  const maxBytes = limits.queueBytes;
  const otlp = traces.otlp.map((target) => {
    const route: OtlpRoute = { signal: 'traces', target, batch: target.settings?.batch ?? batch, maxBytes };
    if (engine !== 'fast' || !takesEncodedRequests(target)) return collectSpans(createSpanBatcher(route));
    const batcher = createEncodedBatcher(route);
    return createSpanProcessor(batcher, (span) => {
      batcher.add(span, span.instrumentationScope, span.resource, encodeSpan);
    });
  });
  const jaeger = traces.jaeger.map((target) => collectSpans(createJaegerBatcher(target, batch, maxBytes)));
  const printer = traces.console ? [new SimpleSpanProcessor({ exporter: new ConsoleSpanExporter() })] : [];
  return [...otlp, ...jaeger, ...printer, ...traces.processors];
}

/**
 * Creates the logger provider of a configuration; undefined when it has no destination for log
 * records. The SDK's provider is used if the user has processors, which need records as objects, or
 * if a target takes JSON, which the SDK's serializers write.
 */
export function createLoggerProvider(
  config: TelemetryConfig,
  resource: Resource,
): FlushableLoggerProvider | undefined {
  const { otlp, processors, attributeCount } = config.logs;
  const isEncoded = processors.length === 0 && otlp.length > 0 && otlp.every(takesEncodedRequests);
  if (config.engine === 'fast' && isEncoded) {
    resetExporterReports('logs');
    return new EncodingLoggerProvider(resource, logRoutes(config).map(createEncodedBatcher), attributeCount);
  }
  const all = createLogRecordProcessors(config);
  if (all.length === 0) return undefined;
  const logRecordLimits = { attributeCountLimit: attributeCount };
  return new LoggerProvider({ resource, processors: all, logRecordLimits });
}

/** Creates a batch for each OTLP target of log records, and adds the user's processors. */
export function createLogRecordProcessors(config: TelemetryConfig): LogRecordProcessor[] {
  resetExporterReports('logs');
  const batches = logRoutes(config).map((route) => collectLogRecords(createLogRecordBatcher(route)));
  return [...batches, ...config.logs.processors];
}

function logRoutes({ logs: { otlp, batch }, limits }: TelemetryConfig): OtlpRoute[] {
  return otlp.map((target) => ({
    signal: 'logs',
    target,
    batch: target.settings?.batch ?? batch,
    maxBytes: limits.queueBytes,
  }));
}

/** The readers of a meter provider, and the one that answers Prometheus. */
interface MetricReaders {
  /** A periodic reader for each OTLP target, the user's own, and the reader of `prometheus`. */
  readonly readers: IMetricReader[];
  /** Undefined when metrics are not served to Prometheus. */
  readonly prometheus: PrometheusScrape | undefined;
}

/** Creates the metric readers of a configuration, and loads only their packages. */
export function createMetricReaders({ metrics, limits }: TelemetryConfig): MetricReaders {
  resetExporterReports('metrics');
  const periodic = metrics.otlp.map((target) => {
    const { exportIntervalMillis, exportTimeoutMillis } = { ...metrics, ...target.settings };
    return new PeriodicExportingMetricReader({
      exporter: createOtlpMetricExporter(target, limits.queueBytes),
      exportIntervalMillis,
      // The reader throws when the timeout is longer than the interval.
      exportTimeoutMillis: Math.min(exportTimeoutMillis, exportIntervalMillis),
    });
  });
  if (metrics.prometheus !== undefined) warnAboutCluster(metrics.prometheus);
  const prometheus = metrics.prometheus && createPrometheusScrape({ prefix: metrics.prometheus.prefix });
  const scraped = prometheus === undefined ? [] : [prometheus.reader];
  return { readers: [...periodic, ...metrics.readers, ...scraped], prometheus };
}

/** Workers share the port of the application, so each scrape reaches another worker. */
function warnAboutCluster({ path, port }: PrometheusConfig): void {
  // PM2 sets this variable also in workers that node:cluster has not started.
  const isWorker = cluster.isWorker || process.env.exec_mode === 'cluster_mode';
  if (!isWorker || port !== undefined) return;
  warnOnce(
    'prometheus:cluster',
    `This process is one worker of a cluster, and a scrape of ${path} reaches any one of them: counters will seem to jump ` +
      'up and down. Send metrics by OTLP (otlpEndpoint) with a service.instance.id for each worker, or give each worker a ' +
      'separate scrape port: prometheus: { port: 9464 + n }, where n is a number that the worker and its replacement have, as ' +
      'NODE_APP_INSTANCE of PM2. enablePrometheus: false switches endpoint and warning off.',
  );
}
