import { type Attributes, type TextMapPropagator } from '@opentelemetry/api';
import type { Instrumentation } from './otel-instrumentation.interface.js';
import { type LogRecordProcessor } from '@opentelemetry/sdk-logs';
import { type IMetricReader, type ViewOptions } from '@opentelemetry/sdk-metrics';
import { type SpanProcessor } from '@opentelemetry/sdk-trace';
import { type DestinationStream, type LoggerOptions } from 'pino';

import type { DashboardOptions } from './dashboard.js';
import { type InstrumentationOptions } from './instrumentation.js';
import type { RedactionOptions } from './redaction.js';
import { type PropagationOptions } from './propagation.js';
import type { SamplingOptions } from './sampling.js';
import { type ProcessEventsOptions } from './process-events.js';
import type { StoreOptions } from './store.js';

/** How OTLP is spoken; the names are those of `OTEL_EXPORTER_OTLP_PROTOCOL`. */
export type OtlpProtocol = 'grpc' | 'http/protobuf' | 'http/json';

/** What records spans and log records: ours, or OpenTelemetry's SDK. */
export type TelemetryEngine = 'fast' | 'sdk';

/** Severity threshold; pino's names. */
export type TelemetryLogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** Where and how metrics are offered to a scraper. */
export interface PrometheusOptions {
  /** Path on the application's own port, and on a port of its own. A global prefix or version never changes it. Default `/metrics`. */
  path?: string;
  /**
   * Serve on a port of its own instead of the application's. Default: the application's port.
   * A port that is taken is warned about and never stops the application. Env `OTEL_EXPORTER_PROMETHEUS_PORT`.
   */
  port?: number;
  /** Interface of the port of its own. Default `localhost`. Env `OTEL_EXPORTER_PROMETHEUS_HOST`. */
  host?: string;
  /** Guard classes or instances that decide who may scrape; resolved in the application's container. Default none. */
  guards?: readonly unknown[];
  /** Prepended to each metric name with an underscore. Default none. */
  prefix?: string;
}

/** What a log line looks like and where it goes. */
export interface LoggingOptions {
  /** Least severe level that is written. Default `info` in production, `debug` elsewhere. Env `OTEL_LOG_LEVEL`. */
  level?: TelemetryLogLevel;
  /**
   * `json`; `text`, which is `INFO - message [trace:…] [span:…]`; or `pretty`, which is what NestJS's
   * console logger writes, with colours and short ids. Default: `json` in production; `pretty` where
   * standard output is a terminal, except in tests; `text` elsewhere. Colours follow `NO_COLOR` and
   * `FORCE_COLOR`.
   */
  format?: 'json' | 'text' | 'pretty';
  /** pino paths whose values are replaced by `[Redacted]` in lines, log records and span events. Default none. */
  redact?: readonly string[];
  /** Let NestJS's own `Logger` write through this logger. Default true. A logger passed to NestFactory is never replaced. */
  nestLogger?: boolean;
  /** One line per finished HTTP request. Default true. */
  requestLog?: boolean;
  /** Attach log lines to the active span as events, so that Jaeger shows them. Default true. */
  spanEvents?: boolean;
  /** Where lines are written. Default standard output. */
  destination?: DestinationStream;
  /** Further pino options. */
  pino?: Omit<LoggerOptions, 'level' | 'redact'>;
}

/** How large recorded values and waiting telemetry may become. */
export interface LimitOptions {
  /**
   * Characters of a text in an attribute of a span, event or link, and in the body or an attribute of a log record; longer ones are cut.
   * 0 for no limit. Default 16384. Env `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`, `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT`,
   * `OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT`.
   */
  attributeValueLength?: number;
  /**
   * Bytes that may wait in front of each exporter, beside the bound on items (`OTEL_BSP_MAX_QUEUE_SIZE`); what comes beyond is dropped
   * and counted. Default 33554432 (32 MiB). Env `TELEMETRY_QUEUE_BYTES`.
   */
  queueBytes?: number;
}

/** Everything `TelemetryModule.forRoot()` and `configureTelemetry()` accept. Code wins over environment, environment over default. */
export interface TelemetryOptions {
  /** `false` makes the whole module a no-op (logs are still written). Default true. Env `OTEL_SDK_DISABLED`. */
  enabled?: boolean;
  /**
   * What records spans and log records and encodes OTLP: `fast` is ours, `sdk` is OpenTelemetry's SDK. Both do the same, with the
   * same samplers, processors, limits and transports. Default `fast`.
   */
  engine?: TelemetryEngine;
  /** `service.name`. Default: `name` of the application's package.json, else `unknown_service:node`. Env `OTEL_SERVICE_NAME`. */
  serviceName?: string;
  /** `service.version`. Default: `version` of the application's package.json, else `unknown`. Env `OTEL_RESOURCE_ATTRIBUTES`. */
  serviceVersion?: string;
  /** `deployment.environment.name`. Default `NODE_ENV`, else `development`. Env `OTEL_ENVIRONMENT`. */
  environment?: string;
  /** Further resource attributes. Default none. Env `OTEL_RESOURCE_ATTRIBUTES`. */
  resourceAttributes?: Attributes;
  /**
   * Where Jaeger listens: `host:6831` (compact Thrift over UDP), `host:6832` (binary Thrift over UDP),
   * `http://host:14268/api/traces` (Thrift over HTTP), or an OTLP port (`http://host:4318`, `http://host:4317`).
   * A host alone means `host:6831`; any other UDP port is spoken to in compact Thrift. OTLP works without another package; Thrift
   * needs `npm install @opentelemetry/exporter-jaeger@2`, and without it an address for Thrift is an error at the start.
   * Default: not sent. Env `OTEL_EXPORTER_JAEGER_ENDPOINT`.
   */
  jaegerEndpoint?: string;
  /**
   * Base address of an OTLP receiver, with or without scheme (`localhost:4317`, `http://collector:4318`).
   * HTTP gets `/v1/traces`, `/v1/metrics`, `/v1/logs` appended. Default: not sent. Env `OTEL_EXPORTER_OTLP_ENDPOINT` and its per-signal forms.
   */
  otlpEndpoint?: string;
  /** Sent with each OTLP request, beside those of the environment and winning over them by name. Default none. Env `OTEL_EXPORTER_OTLP_HEADERS` and its per-signal forms. */
  otlpHeaders?: Readonly<Record<string, string>>;
  /** How OTLP is spoken. Default: `grpc` for port 4317, else `http/protobuf`. Env `OTEL_EXPORTER_OTLP_PROTOCOL` and its per-signal forms. */
  otlpProtocol?: OtlpProtocol;
  /** Offer metrics to Prometheus. Default true. */
  enablePrometheus?: boolean;
  /** Where the metrics are offered. */
  prometheus?: PrometheusOptions;
  /**
   * Keep, for each series and bucket of histograms and counters, the newest measurement made inside a sampled span; OTLP receivers and
   * scrapers that ask for OpenMetrics get it. Default true. Env `OTEL_METRICS_EXEMPLAR_FILTER`.
   */
  exemplars?: boolean;
  /**
   * Series that one instrument may have until the process restarts, 1 to 1,000,000, including the one
   * with `otel.metric.overflow="true"` that takes what exceeds the limit. One warning names the
   * instrument and the attribute to blame. Default 2000. Env `TELEMETRY_CARDINALITY_LIMIT`.
   */
  cardinalityLimit?: number;
  /**
   * The same for single instruments, by name: `{ orders_total: 10_000 }`. A view's
   * `aggregationCardinalityLimit` wins over it. Default none.
   */
  cardinalityLimits?: Readonly<Record<string, number>>;
  /** Print each finished span to standard output, for debugging. Default false. */
  enableConsole?: boolean;
  /** Which traces are recorded: a share from 0 to 1, or an object. Env `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG`. */
  sampling?: number | SamplingOptions;
  /**
   * What is kept out of spans, metrics, log lines, resources and URLs: on by default with the usual names of secrets, tokens, keys
   * and card numbers. `false` switches it off, like `{ disable: true }`.
   */
  redaction?: boolean | RedactionOptions;
  /** What a log line looks like and where it goes; `false` leaves logging alone. */
  logging?: boolean | LoggingOptions;
  /**
   * The page that shows what was recorded, on the application's own port. Default: served in an
   * environment of `development` only. In production a token is needed too. Env `TELEMETRY_DASHBOARD`.
   */
  dashboard?: boolean | DashboardOptions;
  /**
   * The embedded database that the dashboard shows. Default: kept where the dashboard is served,
   * and in an environment of `development`. An object with any setting switches it on in every
   * environment. Env `TELEMETRY_STORE`.
   */
  store?: boolean | StoreOptions;
  /** Switches; `false` turns every automatic instrumentation off. */
  instrumentation?: boolean | InstrumentationOptions;
  /** Any OpenTelemetry instrumentation to enable beside our own. Default none. */
  instrumentations?: readonly Instrumentation[];
  /** How trace context crosses processes. Default W3C tracecontext and baggage. Env `OTEL_PROPAGATORS`. */
  propagators?: readonly (PropagatorName | TextMapPropagator)[];
  /**
   * What happens when the process ends by a signal, an uncaught exception or `process.exit()`; `false`
   * leaves the events of the process alone. Default: all on. Env `TELEMETRY_PROCESS_EVENTS`.
   */
  processEvents?: boolean | ProcessEventsOptions;
  /** What becomes of the trace context that callers send. Default: it is trusted. */
  propagation?: PropagationOptions;
  /** Longest time to flush at shutdown, in milliseconds. Default 5000. */
  shutdownTimeoutMs?: number;
  /** How large recorded values and waiting telemetry may become. */
  limits?: LimitOptions;
  /** Further span processors. Default none. */
  spanProcessors?: readonly SpanProcessor[];
  /** Further metric readers. Default none. */
  metricReaders?: readonly IMetricReader[];
  /** Further log record processors. Default none. */
  logRecordProcessors?: readonly LogRecordProcessor[];
  /** Metric views. Default none. */
  views?: readonly ViewOptions[];
}

/** Propagators by the names of `OTEL_PROPAGATORS`. */
export type PropagatorName = 'tracecontext' | 'baggage' | 'b3' | 'b3multi';
