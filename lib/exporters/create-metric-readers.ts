import cluster from 'node:cluster';

import { type IMetricReader, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';

import { type PrometheusConfig, type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { warnOnce } from '../errors/warnings.js';
import { resetExporterReports } from './exporter-reports.js';
import { createOtlpMetricExporter } from './otlp/create-otlp-metric-exporter.js';
import { createPrometheusScrape, type PrometheusScrape } from './prometheus/prometheus-scrape.js';

/** What a meter provider needs, and what answers a scraper. */
export interface MetricReaders {
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
