import type { EnvironmentVariable, VariableValue } from './environment.js';
import {
  EXEMPLAR_FILTERS,
  LOG_LEVELS,
  OTLP_PROTOCOLS,
  PROPAGATOR_NAMES,
  SAMPLER_NAMES,
} from './known-values.constants.js';
import { INCOMING_MODES } from './propagation.js';

/** Names of `OTEL_LOG_LEVEL` in the specification that pino calls otherwise are mapped in resolve-logging. */
const LOG_LEVEL_CHOICES = [...LOG_LEVELS, 'none', 'verbose', 'all'] as const;

const endpointOf = (signal: string) =>
  ({
    kind: 'otlpEndpoint',
    description: `Complete OTLP address for ${signal}, used as it is; wins over \`OTEL_EXPORTER_OTLP_ENDPOINT\`.`,
    default: `\`OTEL_EXPORTER_OTLP_ENDPOINT\` + \`/v1/${signal}\``,
    option: 'otlpEndpoint',
  }) as const;

const headersOf = (signal: string) =>
  ({
    kind: 'headers',
    description: `OTLP headers for ${signal}; added to the common ones, and win over them.`,
    default: 'none',
    option: 'otlpHeaders',
  }) as const;

const protocolOf = (signal: string) =>
  ({
    kind: 'choice',
    choices: OTLP_PROTOCOLS,
    description: `How OTLP is spoken for ${signal}.`,
    default: '`OTEL_EXPORTER_OTLP_PROTOCOL`',
    option: 'otlpProtocol',
  }) as const;

const count = (description: string, defaultValue: string, min = 0) =>
  ({ kind: 'integer', min, description, default: defaultValue }) as const;

/** Every environment variable this library reads itself; docs/configuration.md is tested against this table. */
export const ENVIRONMENT_VARIABLES = {
  OTEL_SDK_DISABLED: {
    kind: 'boolean',
    description: '`true` makes the whole module a no-op; logs are still written.',
    default: '`false`',
    option: 'enabled',
  },
  OTEL_SERVICE_NAME: {
    kind: 'text',
    description: '`service.name` of everything that is sent.',
    default:
      '`service.name` of `OTEL_RESOURCE_ATTRIBUTES`, else `name` of the package.json of the application',
    option: 'serviceName',
  },
  OTEL_ENVIRONMENT: {
    kind: 'text',
    description: '`deployment.environment.name`; `production` or `prod` selects the production defaults.',
    default: '`deployment.environment.name` of `OTEL_RESOURCE_ATTRIBUTES`, else `NODE_ENV`',
    option: 'environment',
  },
  NODE_ENV: {
    kind: 'text',
    description: 'Stands in for `OTEL_ENVIRONMENT`.',
    default: '`development`',
    option: 'environment',
  },
  OTEL_RESOURCE_ATTRIBUTES: {
    kind: 'attributes',
    description:
      'Further resource attributes: `key=value` pairs separated by commas, values percent-encoded.',
    default: 'none',
    option: 'resourceAttributes',
  },
  OTEL_EXPORTER_JAEGER_ENDPOINT: {
    kind: 'jaegerEndpoint',
    description: 'Where Jaeger listens; every spelling of `jaegerEndpoint`.',
    default: 'not sent',
    option: 'jaegerEndpoint',
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    kind: 'otlpEndpoint',
    description: 'Base address of an OTLP receiver, with or without scheme.',
    default: 'not sent',
    option: 'otlpEndpoint',
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    kind: 'headers',
    description:
      'Sent with each OTLP request: `key=value` pairs separated by commas, values percent-encoded.',
    default: 'none',
    option: 'otlpHeaders',
  },
  OTEL_EXPORTER_OTLP_PROTOCOL: {
    kind: 'choice',
    choices: OTLP_PROTOCOLS,
    description: 'How OTLP is spoken.',
    default: '`grpc` for port 4317, else `http/protobuf`',
    option: 'otlpProtocol',
  },
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpointOf('traces'),
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: endpointOf('metrics'),
  OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: endpointOf('logs'),
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: headersOf('traces'),
  OTEL_EXPORTER_OTLP_METRICS_HEADERS: headersOf('metrics'),
  OTEL_EXPORTER_OTLP_LOGS_HEADERS: headersOf('logs'),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: protocolOf('traces'),
  OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: protocolOf('metrics'),
  OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: protocolOf('logs'),
  OTEL_TRACES_EXPORTER: {
    kind: 'list',
    choices: ['otlp', 'jaeger', 'console', 'none'],
    description:
      'Which of the trace destinations are used; a listed one that has no address gets its local default.',
    default: 'each one that has an address',
    option: 'enableConsole',
  },
  OTEL_METRICS_EXPORTER: {
    kind: 'list',
    choices: ['otlp', 'prometheus', 'none'],
    description:
      'Which of the metric destinations are used; a listed one that has no address gets its local default.',
    default: '`prometheus`, and `otlp` when it has an address',
    option: 'enablePrometheus',
  },
  OTEL_LOGS_EXPORTER: {
    kind: 'list',
    choices: ['otlp', 'none'],
    description:
      'Whether log records are sent; a listed destination that has no address gets its local default.',
    default: '`otlp` when it has an address',
  },
  OTEL_TRACES_SAMPLER: {
    kind: 'choice',
    choices: SAMPLER_NAMES,
    description: 'Which traces are recorded.',
    default: '`parentbased_always_on`',
    option: 'sampling.sampler',
  },
  OTEL_TRACES_SAMPLER_ARG: {
    kind: 'ratio',
    description: 'Share of new traces to record, 0 to 1, for the two `traceidratio` samplers.',
    default: '1',
    option: 'sampling.ratio',
  },
  OTEL_PROPAGATORS: {
    kind: 'list',
    choices: [...PROPAGATOR_NAMES, 'none'],
    description: 'How trace context crosses processes.',
    default: '`tracecontext,baggage`',
    option: 'propagators',
  },
  TELEMETRY_PROPAGATION_INCOMING: {
    kind: 'choice',
    choices: INCOMING_MODES,
    description: 'What becomes of the trace context that callers send: `trust`, `link` or `ignore`.',
    default: '`trust`',
    option: 'propagation.incoming',
  },
  OTEL_EXPORTER_PROMETHEUS_HOST: {
    kind: 'text',
    description: 'Interface of the scrape port of its own; without such a port it has no effect.',
    default: '`localhost`',
    option: 'prometheus.host',
  },
  OTEL_EXPORTER_PROMETHEUS_PORT: {
    kind: 'integer',
    min: 0,
    max: 65_535,
    description: 'Serves the metrics on a port of its own instead of the port of the application.',
    default: 'the port of the application',
    option: 'prometheus.port',
  },
  OTEL_LOG_LEVEL: {
    kind: 'choice',
    choices: LOG_LEVEL_CHOICES,
    description:
      'Least severe level that is written. `none` means `silent`; `verbose` and `all` mean `trace`.',
    default: '`info` in production, `debug` elsewhere',
    option: 'logging.level',
  },
  TELEMETRY_DASHBOARD: {
    kind: 'boolean',
    description: 'Whether the dashboard is served; in production `TELEMETRY_DASHBOARD_TOKEN` is needed too.',
    default: '`true` in `development`, `false` in every other environment',
    option: 'dashboard.enabled',
  },
  TELEMETRY_DASHBOARD_TOKEN: {
    kind: 'text',
    description:
      'What visitors of the dashboard must send; at least 16 characters without spaces. `false`: no token is needed (ignored in production).',
    default: 'made at random and kept beside the store; in production none, and the dashboard is not served',
    option: 'dashboard.token',
  },
  TELEMETRY_STORE: {
    kind: 'boolean',
    description: 'Whether telemetry is kept in the embedded database that the dashboard shows.',
    default: '`true` where the dashboard is served, and in `development`',
    option: 'store.enabled',
  },
  TELEMETRY_STORE_FILE: {
    kind: 'text',
    description:
      'SQLite file of the store, or `:memory:`; naming one switches the store on in every environment.',
    default: '`.telemetry/telemetry.db`; `:memory:` in tests',
    option: 'store.file',
  },
  TELEMETRY_PROCESS_EVENTS: {
    kind: 'boolean',
    description: '`false` leaves signals, uncaught exceptions and the exit of the process alone.',
    default: '`true`',
    option: 'processEvents',
  },
  TELEMETRY_SPOOL: {
    kind: 'text',
    description: 'Folder for what could not be sent before the process ended; `false` for none.',
    default: '`spool` beside the store, else a folder for temporary files; `false` in tests',
    option: 'processEvents.spool',
  },
  OTEL_METRIC_EXPORT_INTERVAL: count('Milliseconds between two exports of metrics.', '60000', 1),
  OTEL_METRIC_EXPORT_TIMEOUT: count(
    'Milliseconds one export of metrics may take; at most the interval.',
    '30000',
    1,
  ),
  OTEL_METRICS_EXEMPLAR_FILTER: {
    kind: 'choice',
    choices: EXEMPLAR_FILTERS,
    description:
      'Which measurements become exemplars: those inside a sampled span (`trace_based`), or none (`always_off`).',
    default: '`trace_based`',
    option: 'exemplars',
  },
  TELEMETRY_CARDINALITY_LIMIT: {
    kind: 'integer',
    min: 1,
    max: 1_000_000,
    description: 'Series that one instrument may have, including the one that takes what exceeds the limit.',
    default: '2000',
    option: 'cardinalityLimit',
  },
  OTEL_BSP_SCHEDULE_DELAY: count('Milliseconds between two exports of spans.', '5000'),
  OTEL_BSP_EXPORT_TIMEOUT: count('Milliseconds one export of spans may take.', '30000'),
  OTEL_BSP_MAX_QUEUE_SIZE: count('Ended spans that may wait; further ones are dropped.', '2048', 1),
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: count('Spans of one export; at most the queue size.', '512', 1),
  OTEL_BLRP_SCHEDULE_DELAY: count('Milliseconds between two exports of log records.', '1000'),
  OTEL_BLRP_EXPORT_TIMEOUT: count('Milliseconds one export of log records may take.', '30000'),
  OTEL_BLRP_MAX_QUEUE_SIZE: count('Log records that may wait; further ones are dropped.', '2048', 1),
  OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: count('Log records of one export; at most the queue size.', '512', 1),
  OTEL_ATTRIBUTE_COUNT_LIMIT: count(
    'Attributes of a span, unless `OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT` says otherwise.',
    '128',
  ),
  OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: {
    kind: 'integer',
    min: 0,
    description:
      'Characters of an attribute value, unless the variable of spans or log records says otherwise; `0` for no limit.',
    default: '16384',
    option: 'limits.attributeValueLength',
  },
  OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT: {
    kind: 'integer',
    min: 0,
    description: 'Characters of the body or an attribute value of a log record.',
    default: '`OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`',
    option: 'limits.attributeValueLength',
  },
  OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: count('Attributes of a span.', '`OTEL_ATTRIBUTE_COUNT_LIMIT`'),
  OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: {
    kind: 'integer',
    min: 0,
    description: 'Characters of an attribute value of a span.',
    default: '`OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`',
    option: 'limits.attributeValueLength',
  },
  OTEL_SPAN_EVENT_COUNT_LIMIT: count('Events of a span.', '128'),
  OTEL_SPAN_LINK_COUNT_LIMIT: count('Links of a span.', '128'),
  OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT: count('Attributes of a span event.', '128'),
  OTEL_LINK_ATTRIBUTE_COUNT_LIMIT: count('Attributes of a span link.', '128'),
  TELEMETRY_QUEUE_BYTES: {
    kind: 'integer',
    min: 1,
    description: 'Bytes that may wait in front of each exporter; what comes beyond is dropped and counted.',
    default: '33554432',
    option: 'limits.queueBytes',
  },
} as const satisfies Record<string, EnvironmentVariable>;

export type EnvironmentVariableName = keyof typeof ENVIRONMENT_VARIABLES;

/** What was read, by variable; what is unset, empty or wrong is missing. */
export type EnvironmentValues = {
  readonly [N in EnvironmentVariableName]?: VariableValue<(typeof ENVIRONMENT_VARIABLES)[N]>;
};
