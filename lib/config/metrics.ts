import { type CanActivate, type Type } from '@nestjs/common';
import type { IMetricReader, ViewOptions } from '@opentelemetry/sdk-metrics';

import {
  decideAll,
  frozenList,
  option,
  type OptionsOf,
  type Resolved,
  type ValuesIn,
  type ValuesOf,
} from './declare-options.js';
import type { EnvironmentVariable } from './environment.js';
import {
  flag,
  hasMethods,
  having,
  isRecord,
  listOf,
  must,
  recordOf,
  shape,
  text,
  wholeNumber,
} from './option-rules.js';
import { type OtlpSection, type OtlpTarget, type OtlpValues, resolveOtlpTargets } from './otlp.js';

/** Where and how metrics are served to Prometheus. */
export interface PrometheusOptions {
  /**
   * Path of the scrape endpoint; a global prefix or version never changes it.
   * Default `/metrics`.
   */
  path?: string;
  /**
   * Serves the metrics on a separate port instead of the application's; `0` takes any free port.
   *
   * A port that is in use never stops the application: it is a warning.
   *
   * Default: the application's port. Env `OTEL_EXPORTER_PROMETHEUS_PORT`.
   */
  port?: number;
  /** Host name or IP address that the separate port listens on. Default `localhost`. Env `OTEL_EXPORTER_PROMETHEUS_HOST`. */
  host?: string;
  /**
   * Guard classes or instances that decide which requests may scrape.
   *
   * They are resolved in the application's container.
   *
   * Default none.
   */
  guards?: readonly (CanActivate | Type<CanActivate>)[];
  /** Prepended to each metric name with an underscore. Default none. */
  prefix?: string;
}

/** Options for metrics. */
export interface MetricSection {
  /** Serves metrics to Prometheus. Default `true`. Env `OTEL_METRICS_EXPORTER`. */
  enablePrometheus?: boolean;
  /** Where and how metrics are served to Prometheus. Default: `/metrics` on the application's port. */
  prometheus?: PrometheusOptions;
  /**
   * Keeps, for each series and bucket of histograms and counters, the newest measurement made inside a sampled span. OTLP receivers
   * and scrapers that ask for OpenMetrics get it. Default `true`. Env `OTEL_METRICS_EXEMPLAR_FILTER`.
   */
  exemplars?: boolean;
  /**
   * Series that one instrument may have until the process restarts, including the overflow series.
   *
   * From 1 to 1,000,000. The overflow series has `otel.metric.overflow="true"` and takes the measurements beyond the limit. One
   * warning names the instrument and the attribute with the most values.
   *
   * Default 2000. Env `TELEMETRY_CARDINALITY_LIMIT`.
   */
  cardinalityLimit?: number;
  /**
   * The same for single instruments, by name: `{ orders_total: 10_000 }`.
   *
   * A view's `aggregationCardinalityLimit` wins over it.
   *
   * Default none.
   */
  cardinalityLimits?: Readonly<Record<string, number>>;
  /**
   * Milliseconds between two exports of metrics by OTLP.
   *
   * An export may take 30 seconds, and never longer than this interval.
   *
   * Default 60000. Env `OTEL_METRIC_EXPORT_INTERVAL`.
   */
  metricExportIntervalMs?: number;
  /** Further metric readers. Default none. */
  metricReaders?: readonly IMetricReader[];
  /** Metric views. Default none. */
  views?: readonly ViewOptions[];
}

/** Destinations and limits of metrics. */
export interface MetricConfig {
  readonly otlp: readonly OtlpTarget[];
  readonly exportIntervalMillis: number;
  readonly exportTimeoutMillis: number;
  readonly exemplars: boolean;
  readonly cardinality: CardinalityConfig;
  readonly prometheus: PrometheusConfig | undefined;
  readonly readers: readonly IMetricReader[];
  readonly views: readonly ViewOptions[];
}

/** Series that an instrument may have, including the overflow series. */
export interface CardinalityConfig {
  readonly limit: number;
  /** Of single instruments, by name. */
  readonly limits: Readonly<Record<string, number>>;
}

/** `prometheus`, resolved. */
export interface PrometheusConfig extends Resolved<Omit<PrometheusOptions, 'port' | 'prefix'>> {
  /** undefined: served on the application's own port. */
  readonly port: number | undefined;
  readonly prefix: string | undefined;
}

const PROMETHEUS = {
  path: option(
    must(
      (value) => typeof value === 'string' && /^\/[^\s?#*:{}]*$/.test(value),
      'Write a path that starts with a slash and has no parameters, for example /metrics.',
    ),
    { default: '/metrics' },
  ),
  port: option(wholeNumber('a port from 0 to 65535 (0 takes any free one)', 0, 65_535), {
    env: {
      OTEL_EXPORTER_PROMETHEUS_PORT: {
        kind: 'integer',
        min: 0,
        max: 65_535,
        meaning: "Serves the metrics on a separate port instead of the application's.",
      },
    },
  }),
  host: option(text('a host name or an IP address'), {
    default: 'localhost',
    env: {
      OTEL_EXPORTER_PROMETHEUS_HOST: {
        kind: 'text',
        meaning: 'Host name or IP address that the separate port listens on; no effect without such a port.',
      },
    },
  }),
  guards: listOf(
    must(
      (value) => typeof value === 'function' || hasMethods(value, ['canActivate']),
      'Pass a guard class, or an instance with canActivate.',
    ),
    'guard classes or instances',
  ),
  prefix: must(
    (value) => typeof value === 'string' && /^[a-z_:][\w:]*$/i.test(value),
    'Write letters, digits and underscores, a digit not first, for example orders.',
  ),
} satisfies OptionsOf<PrometheusOptions>;

const seriesLimit = wholeNumber('a whole number of series from 1 to 1000000, for example 2000', 1, 1_000_000);

export const METRIC_SECTION = {
  enablePrometheus: option(flag, {
    default: true,
    env: {
      OTEL_METRICS_EXPORTER: {
        kind: 'list',
        choices: ['otlp', 'prometheus', 'none'],
        meaning:
          'Destinations of metrics; one that is listed and has no address gets its local default address.',
        otherwise: '`prometheus`, and `otlp` when it has an address',
        means: (exporters: readonly string[]) => exporters.includes('prometheus'),
      },
    },
  }),
  prometheus: shape(PROMETHEUS, 'an object; to switch Prometheus on or off use enablePrometheus'),
  exemplars: option(flag, {
    default: true,
    env: {
      OTEL_METRICS_EXEMPLAR_FILTER: {
        kind: 'choice',
        // A measurement outside of spans would lead nowhere: `always_on` is left out.
        choices: ['trace_based', 'always_off'],
        meaning:
          'Which measurements become exemplars: those inside a sampled span (`trace_based`), or none (`always_off`).',
        otherwise: '`trace_based`',
        means: (filter: string) => filter !== 'always_off',
      },
    },
  }),
  cardinalityLimit: option(seriesLimit, {
    default: 2_000,
    see: 'metrics.md',
    env: { TELEMETRY_CARDINALITY_LIMIT: { kind: 'integer', min: 1, max: 1_000_000 } },
  }),
  cardinalityLimits: recordOf(
    seriesLimit,
    'instrument names and numbers of series, for example { "orders_total": 10000 }',
  ),
  metricExportIntervalMs: option(
    wholeNumber('a whole number of milliseconds from 1, for example 60000', 1, 2 ** 31 - 1),
    { default: 60_000, env: { OTEL_METRIC_EXPORT_INTERVAL: { kind: 'integer', min: 1 } } },
  ),
  metricReaders: listOf(
    having(['setMetricProducer', 'collect', 'forceFlush', 'shutdown'], 'a metric reader'),
    'metric readers',
  ),
  views: listOf(
    must(isRecord, 'Pass the options of a view, for example { instrumentName: "requests_total" }.'),
    'metric views',
  ),
} satisfies OptionsOf<MetricSection>;

const EXPORT_TIMEOUT_MS = 30_000;

/** What only the environment sets, by the names of the specification. */
export const METRIC_VARIABLES = {
  OTEL_METRIC_EXPORT_TIMEOUT: {
    kind: 'integer',
    min: 1,
    meaning: 'Longest time for one export of metrics, in milliseconds; at most the interval.',
    otherwise: String(EXPORT_TIMEOUT_MS),
  },
} as const satisfies Readonly<Record<string, EnvironmentVariable>>;

export type MetricValues = ValuesIn<typeof METRIC_SECTION> &
  ValuesIn<typeof PROMETHEUS> &
  ValuesOf<typeof METRIC_VARIABLES>;

/**
 * Decides where metrics go, how often, and where they are served to Prometheus.
 *
 * @param inFile targets of a configuration file
 */
export function resolveMetrics(
  options: MetricSection & OtlpSection,
  env: MetricValues & OtlpValues,
  inFile?: readonly OtlpTarget[],
): MetricConfig {
  const decided = decideAll<MetricSection, typeof METRIC_SECTION>(METRIC_SECTION, options, env);
  const exportIntervalMillis = decided.metricExportIntervalMs;
  const inCode = options.metricExportIntervalMs;
  const withInterval = (target: OtlpTarget): OtlpTarget =>
    inCode === undefined
      ? target
      : { ...target, settings: { ...target.settings, exportIntervalMillis: inCode } };
  return Object.freeze({
    otlp: resolveOtlpTargets('metrics', options, env, env.OTEL_METRICS_EXPORTER, inFile?.map(withInterval)),
    exportIntervalMillis,
    // The SDK throws on a timeout longer than the interval.
    exportTimeoutMillis: Math.min(env.OTEL_METRIC_EXPORT_TIMEOUT ?? EXPORT_TIMEOUT_MS, exportIntervalMillis),
    exemplars: decided.exemplars,
    cardinality: Object.freeze({
      limit: decided.cardinalityLimit,
      limits: Object.freeze({ ...options.cardinalityLimits }),
    }),
    prometheus: decided.enablePrometheus ? resolvePrometheus(options.prometheus ?? {}, env) : undefined,
    readers: frozenList(options.metricReaders),
    views: frozenList(options.views),
  });
}

/** The path of the scrape endpoint, whether it is served or not. */
export function scrapePath({ prometheus }: MetricSection): string {
  return prometheus?.path ?? PROMETHEUS.path.default;
}

function resolvePrometheus(chosen: PrometheusOptions, env: MetricValues): PrometheusConfig {
  return Object.freeze({ ...decideAll(PROMETHEUS, chosen, env), guards: frozenList(chosen.guards) });
}
