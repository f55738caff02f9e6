import { type IMetricReader, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';

import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
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
  const prometheus = metrics.prometheus && createPrometheusScrape({ prefix: metrics.prometheus.prefix });
  const scraped = prometheus === undefined ? [] : [prometheus.reader];
  return { readers: [...periodic, ...metrics.readers, ...scraped], prometheus };
}
