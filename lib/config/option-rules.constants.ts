import { DASHBOARD_RULE } from './dashboard.js';
import { isHeaderName, isHeaderValue } from './header-syntax.js';
import { instrumentationRule, type InstrumentationSwitches } from './instrumentation.js';
import {
  LOG_FORMATS,
  LOG_LEVELS,
  OTLP_PROTOCOLS,
  PROPAGATOR_NAMES,
  TELEMETRY_ENGINES,
} from './known-values.constants.js';
import {
  HIDDEN,
  type OptionRule,
  type RulesOf,
  either,
  endpoint,
  flag,
  hasMethods,
  having,
  isRecord,
  listOf,
  must,
  number,
  oneOf,
  renderKind,
  renderReceived,
  shape,
  text,
} from './option-rules.js';
import { parseJaegerEndpoint } from './jaeger.js';
import { parseOtlpEndpoint } from './otlp.js';
import { PROCESS_EVENTS_RULE } from './process-events.js';
import { PROPAGATION_RULE } from './propagation.js';
import { REDACTION_RULE } from './redaction.js';
import { SAMPLING_RULE } from './sampling.js';
import { STORE_RULE } from './store.js';
import {
  type LimitOptions,
  type LoggingOptions,
  type PrometheusOptions,
  type TelemetryOptions,
} from './telemetry-options.interface.js';

const isText = (value: unknown): boolean => typeof value === 'string';
const isFlag = (value: unknown): boolean => typeof value === 'boolean';

const attributeValue = must(
  (value) => (Array.isArray(value) ? isUniform(value) : isPrimitive(value)),
  'Write a text, a number, a boolean, or an array of one of them.',
);

const attributes: OptionRule = {
  check: (value, name, report) => {
    if (!isRecord(value))
      report(name, renderReceived(value), 'Write an object of attributes, for example { "team": "orders" }.');
    else
      for (const [key, entry] of Object.entries(value))
        if (entry !== undefined) attributeValue.check(entry, `${name}.${key}`, report);
  },
};

const headers: OptionRule = {
  check: (value, name, report) => {
    if (!isRecord(value)) {
      report(name, isText(value) ? HIDDEN : renderKind(value), 'Write an object of header names and texts.');
      return;
    }
    for (const [key, entry] of Object.entries(value)) {
      const path = `${name}.${key}`;
      if (typeof entry !== 'string')
        report(path, renderKind(entry), 'Write the value of the header as a text; is its source set?');
      else if (!isHeaderName(key))
        report(path, HIDDEN, 'Write a name that HTTP allows: letters, digits and hyphens.');
      else if (!isHeaderValue(entry))
        report(path, HIDDEN, 'Write a value that HTTP allows in a header: one line of Latin-1 text.');
    }
  },
};

const prometheusRules: RulesOf<PrometheusOptions> = {
  path: must(
    (value) => typeof value === 'string' && /^\/[^\s?#*:{}]*$/.test(value),
    'Write a path that starts with a slash and has no parameters, for example /metrics.',
  ),
  port: number(0, 65_535, 'a port from 0 to 65535 (0 takes any free one)', true),
  host: text('a host name or an IP address'),
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
};

const loggingRules: RulesOf<LoggingOptions> = {
  level: oneOf(LOG_LEVELS),
  format: oneOf(LOG_FORMATS),
  redact: listOf(text('a pino path such as req.headers.authorization'), 'pino paths'),
  nestLogger: flag,
  requestLog: flag,
  spanEvents: flag,
  destination: having(['write'], 'a stream'),
  pino: {
    check: (value, name, report) => {
      if (!isRecord(value)) report(name, renderReceived(value), 'Write an object of pino options.');
      else
        for (const key of ['level', 'redact'])
          if (value[key] !== undefined)
            report(`${name}.${key}`, renderKind(value[key]), `Write logging.${key} instead.`);
    },
  },
};

const limitRules: RulesOf<LimitOptions> = {
  attributeValueLength: number(
    0,
    Number.MAX_SAFE_INTEGER,
    'a whole number of characters, for example 16384, or 0 for no limit',
    true,
  ),
  queueBytes: number(
    1,
    Number.MAX_SAFE_INTEGER,
    'a whole number of bytes greater than 0, for example 33554432',
    true,
  ),
};

const seriesLimit = number(
  1,
  1_000_000,
  'a whole number of series from 1 to 1000000, for example 2000',
  true,
);

const seriesLimits: OptionRule = {
  check: (value, name, report) => {
    if (!isRecord(value))
      report(
        name,
        renderReceived(value),
        'Write an object of instrument names and numbers of series, for example { "orders_total": 10000 }.',
      );
    else
      for (const [instrument, limit] of Object.entries(value))
        seriesLimit.check(limit, `${name}.${instrument}`, report);
  },
};

const optionRules: RulesOf<TelemetryOptions> = {
  enabled: flag,
  engine: oneOf(TELEMETRY_ENGINES),
  serviceName: text('a name'),
  serviceVersion: text('a version'),
  environment: text('a name'),
  resourceAttributes: attributes,
  jaegerEndpoint: endpoint(parseJaegerEndpoint, 'localhost:6831'),
  otlpEndpoint: endpoint(parseOtlpEndpoint, 'http://localhost:4318'),
  otlpHeaders: headers,
  otlpProtocol: oneOf(OTLP_PROTOCOLS),
  enablePrometheus: flag,
  prometheus: shape(prometheusRules, 'an object; to switch Prometheus on or off use enablePrometheus'),
  exemplars: flag,
  cardinalityLimit: seriesLimit,
  cardinalityLimits: seriesLimits,
  enableConsole: flag,
  sampling: SAMPLING_RULE,
  redaction: REDACTION_RULE,
  logging: either(isFlag, flag, shape(loggingRules, 'true, false or an object')),
  dashboard: DASHBOARD_RULE,
  store: STORE_RULE,
  // Holds the place: which switches there are says the caller of `telemetryOptionsRule()`.
  instrumentation: instrumentationRule({}),
  instrumentations: listOf(
    having(['enable', 'disable', 'setTracerProvider'], 'an OpenTelemetry instrumentation'),
    'instrumentations',
  ),
  propagators: listOf(
    either(
      isRecord,
      having(['inject', 'extract', 'fields'], 'a propagator by name or an instance'),
      oneOf(PROPAGATOR_NAMES),
    ),
    'propagator names or instances',
  ),
  processEvents: PROCESS_EVENTS_RULE,
  propagation: PROPAGATION_RULE,
  shutdownTimeoutMs: number(
    0,
    2 ** 31 - 1,
    'a number of milliseconds that is not negative, for example 5000',
  ),
  limits: shape(limitRules, 'an object of limits'),
  spanProcessors: listOf(
    having(['onStart', 'onEnd', 'forceFlush', 'shutdown'], 'a span processor'),
    'span processors',
  ),
  metricReaders: listOf(
    having(['setMetricProducer', 'collect', 'forceFlush', 'shutdown'], 'a metric reader'),
    'metric readers',
  ),
  logRecordProcessors: listOf(
    having(['onEmit', 'forceFlush', 'shutdown'], 'a log record processor'),
    'log record processors',
  ),
  views: listOf(
    must(isRecord, 'Pass the options of a view, for example { instrumentName: "requests_total" }.'),
    'metric views',
  ),
};

/** What `TelemetryOptions` may be. */
export function telemetryOptionsRule(instrumentations: InstrumentationSwitches): OptionRule {
  return shape<TelemetryOptions>(
    { ...optionRules, instrumentation: instrumentationRule(instrumentations) },
    'an object of options',
  );
}

/** Every option by its dotted name; docs/configuration.md is tested against this list. */
export function optionNames(instrumentations: InstrumentationSwitches): readonly string[] {
  return namesOf(telemetryOptionsRule(instrumentations), '');
}

function namesOf(rule: OptionRule, prefix: string): string[] {
  return Object.entries(rule.fields ?? {}).flatMap(([key, field]) => [
    `${prefix}${key}`,
    ...namesOf(field, `${prefix}${key}.`),
  ]);
}

function isPrimitive(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}

function isUniform(values: readonly unknown[]): boolean {
  const present = values.filter((value) => value !== null && value !== undefined);
  return present.every((value) => isPrimitive(value) && typeof value === typeof present[0]);
}
