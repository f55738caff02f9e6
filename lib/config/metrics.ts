import { type EnvironmentValues } from './environment-variables.constants.js';
import { resolveOtlpTargets } from './otlp.js';
import { type PrometheusConfig, type TelemetryConfig } from './telemetry-config.interface.js';
import { type TelemetryOptions } from './telemetry-options.interface.js';

const EXPORT_INTERVAL_MS = 60_000;
const EXPORT_TIMEOUT_MS = 30_000;
const CARDINALITY_LIMIT = 2_000;

/** Decides where metrics go, how often, and what offers them to a scraper. */
export function resolveMetrics(
  options: TelemetryOptions,
  env: EnvironmentValues,
): TelemetryConfig['metrics'] {
  const chosen = env.OTEL_METRICS_EXPORTER;
  const asked = chosen?.includes('otlp') === true;
  const exportIntervalMillis = env.OTEL_METRIC_EXPORT_INTERVAL ?? EXPORT_INTERVAL_MS;
  const offered = options.enablePrometheus ?? chosen?.includes('prometheus') ?? true;
  return Object.freeze({
    otlp:
      chosen === undefined || asked ? resolveOtlpTargets('metrics', options, env, asked) : Object.freeze([]),
    exportIntervalMillis,
    // The SDK throws on a timeout longer than the interval.
    exportTimeoutMillis: Math.min(env.OTEL_METRIC_EXPORT_TIMEOUT ?? EXPORT_TIMEOUT_MS, exportIntervalMillis),
    exemplars: options.exemplars ?? env.OTEL_METRICS_EXEMPLAR_FILTER !== 'always_off',
    cardinality: Object.freeze({
      limit: options.cardinalityLimit ?? env.TELEMETRY_CARDINALITY_LIMIT ?? CARDINALITY_LIMIT,
      limits: Object.freeze({ ...options.cardinalityLimits }),
    }),
    prometheus: offered ? resolvePrometheus(options, env) : undefined,
    readers: Object.freeze([...(options.metricReaders ?? [])]),
    views: Object.freeze([...(options.views ?? [])]),
  });
}

function resolvePrometheus({ prometheus = {} }: TelemetryOptions, env: EnvironmentValues): PrometheusConfig {
  return Object.freeze({
    path: prometheus.path ?? '/metrics',
    port: prometheus.port ?? env.OTEL_EXPORTER_PROMETHEUS_PORT,
    host: prometheus.host ?? env.OTEL_EXPORTER_PROMETHEUS_HOST ?? 'localhost',
    guards: Object.freeze([...(prometheus.guards ?? [])]),
    prefix: prometheus.prefix,
  });
}
