import type { Attributes } from '@opentelemetry/api';

import type { ConfigFileSettings } from '../../config/config-file.js';
import { withoutUndefined } from '../../config/declare-options.js';
import { parseKeyValueList } from '../../config/environment.js';
import type { PrometheusOptions } from '../../config/metrics.js';
import type { OtlpTarget } from '../../config/otlp.js';
import { isPropagatorName, type PropagatorName } from '../../config/propagation.js';
import type { ConfigNode } from './config-node.js';
import { accept, readExporter, readProcessors, readTimeout } from './read-exporters.js';
import { readSampler } from './read-sampler.js';
import { readView } from './read-views.js';

/** The key of `distribution` under which options of this library stand. */
const DISTRIBUTION = 'nestjs-telemetry';
/** The port of a pull reader in the schema. */
const PROMETHEUS_PORT = 9_464;
/** What is always detected. */
const DETECTORS = ['container', 'host', 'process', 'service'];

/** Translates a document of the schema. What has no counterpart is a problem of its node. */
export function readDocument(root: ConfigNode): ConfigFileSettings {
  root.at('file_format');
  if (root.has('instrumentation/development'))
    root
      .at('instrumentation/development')
      .refuse(`Write the option instrumentation under distribution.${DISTRIBUTION}, or in code.`);
  const tracer = root.at('tracer_provider');
  const traces = readProcessors(tracer, 'traces');
  const logs = readProcessors(root.at('logger_provider'), 'logs');
  const { otlp: metrics, options: metricOptions } = readMetrics(root.at('meter_provider'));
  const sampler = tracer.has('sampler') ? readSampler(tracer.at('sampler')) : undefined;
  if (tracer.has('id_generator')) acceptIdGenerator(tracer.at('id_generator'));
  const named = sampler !== undefined && 'name' in sampler ? sampler : undefined;
  return {
    options: {
      resourceAttributes: readResource(root.at('resource')),
      propagators: readPropagators(root.at('propagator')),
      enableConsole: traces.console,
      ...metricOptions,
      ...(sampler !== undefined && 'instance' in sampler && { sampling: { sampler: sampler.instance } }),
    },
    values: withoutUndefined({
      OTEL_SDK_DISABLED: root.at('disabled').flag(),
      OTEL_LOG_LEVEL: readLevel(root.at('log_level')),
      OTEL_TRACES_SAMPLER: named?.name,
      OTEL_TRACES_SAMPLER_ARG: named?.ratio,
      OTEL_METRICS_EXEMPLAR_FILTER: readExemplarFilter(root.at('meter_provider').at('exemplar_filter')),
      ...readLimits(root),
    }),
    otlp: { traces: traces.otlp, metrics, logs: logs.otlp },
    distribution: readDistribution(root.at('distribution')),
  };
}

function readDistribution(distribution: ConfigNode): unknown {
  const all = distribution.raw() as Readonly<Record<string, unknown>> | null | undefined; // by the schema
  return all?.[DISTRIBUTION];
}

/** Severities of the schema have four steps (`warn2`), levels have one. */
function readLevel(level: ConfigNode) {
  const name = level.text()?.replace(/\d$/, '');
  return LEVELS.find((known) => known === name);
}

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

function readExemplarFilter(filter: ConfigNode): 'trace_based' | 'always_off' | undefined {
  const value = filter.text();
  if (value === undefined || value === 'trace_based' || value === 'always_off') return value;
  filter.refuse('Write trace_based: an exemplar outside of a sampled span leads to no trace.');
  return undefined;
}

function readLimits(root: ConfigNode): ConfigFileSettings['values'] {
  const common = root.at('attribute_limits');
  const spans = root.at('tracer_provider').at('limits');
  const records = root.at('logger_provider').at('limits');
  return withoutUndefined({
    OTEL_ATTRIBUTE_COUNT_LIMIT: common.at('attribute_count_limit').number(),
    OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: common.at('attribute_value_length_limit').number(),
    OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: spans.at('attribute_count_limit').number(),
    OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: spans.at('attribute_value_length_limit').number(),
    OTEL_SPAN_EVENT_COUNT_LIMIT: spans.at('event_count_limit').number(),
    OTEL_SPAN_LINK_COUNT_LIMIT: spans.at('link_count_limit').number(),
    OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT: spans.at('event_attribute_count_limit').number(),
    OTEL_LINK_ATTRIBUTE_COUNT_LIMIT: spans.at('link_attribute_count_limit').number(),
    OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT: records.at('attribute_count_limit').number(),
    OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT: records.at('attribute_value_length_limit').number(),
  });
}

function readResource(resource: ConfigNode): Attributes {
  const listed = resource.at('attributes_list');
  const { value: common = {}, remedy } = parseKeyValueList(listed.text() ?? '');
  if (remedy !== undefined) listed.refuse(remedy);
  const attributes: Attributes = { ...common };
  for (const entry of resource.at('attributes').list()) {
    const name = entry.at('name').text();
    entry.at('type'); // the schema has compared it with the value
    const value = entry.at('value').raw();
    if (name !== undefined && value !== null) attributes[name] = value; // by the schema
  }
  const detection = resource.at('detection/development');
  for (const detector of detection.at('detectors').list()) {
    const [kind, settings] = detector.choice() ?? [];
    if (kind !== undefined && !DETECTORS.includes(kind))
      settings?.refuse('Add what it finds to resourceAttributes in code.');
  }
  return attributes;
}

/** The schema has none where it names none. */
function readPropagators(propagator: ConfigNode): PropagatorName[] {
  const known = 'Write tracecontext, baggage, b3 or b3multi, or pass the propagator in code (propagators).';
  const names = new Set<string>();
  for (const entry of propagator.at('composite').list()) {
    const [name, settings] = entry.choice() ?? [];
    if (name === 'none' || isPropagatorName(name)) names.add(name);
    else settings?.refuse(known);
  }
  const listed = propagator.at('composite_list');
  for (const name of (listed.text() ?? '').split(',').map((entry) => entry.trim())) {
    if (name === 'none' || isPropagatorName(name)) names.add(name);
    else if (name !== '') listed.refuse(known);
  }
  return names.has('none') ? [] : [...names].filter(isPropagatorName);
}

function acceptIdGenerator(generator: ConfigNode): void {
  const [kind, settings] = generator.choice() ?? [];
  if (kind !== 'random') settings?.refuse('Leave it out: ids are random.');
}

function readMetrics(provider: ConfigNode): Pick<ConfigFileSettings, 'options'> & { otlp: OtlpTarget[] } {
  const otlp: OtlpTarget[] = [];
  let prometheus: PrometheusOptions | undefined;
  let cardinalityLimit: number | undefined;
  for (const reader of provider.at('readers').list()) {
    const [kind, settings] = reader.choice() ?? [];
    if (kind === undefined || settings === undefined) continue;
    if (kind === 'periodic') {
      const exporter = readExporter(settings.at('exporter'), 'metrics', {
        ...withoutUndefined({
          exportIntervalMillis: settings.at('interval').number(),
          exportTimeoutMillis: readTimeout(settings.at('timeout')),
        }),
      });
      if (typeof exporter === 'object') otlp.push(exporter);
    } else prometheus ??= readPrometheus(settings.at('exporter'));
    cardinalityLimit ??= settings.at('cardinality_limits').at('default').number();
  }
  const views = provider.at('views').list().map(readView);
  return {
    otlp,
    options: {
      enablePrometheus: prometheus !== undefined,
      ...(prometheus !== undefined && { prometheus }),
      ...(cardinalityLimit !== undefined && { cardinalityLimit }),
      ...(views.length > 0 && { views }),
    },
  };
}

function readPrometheus(exporter: ConfigNode): PrometheusOptions | undefined {
  const [kind, settings] = exporter.choice() ?? [];
  if (kind === undefined || settings === undefined) return undefined;
  if (kind !== 'prometheus/development') {
    settings.refuse('Write prometheus/development, or pass a metric reader in code (metricReaders).');
    return undefined;
  }
  accept(settings.at('translation_strategy'), 'underscore_escaping_with_suffixes');
  accept(settings.at('target_info_enabled/development'), true);
  accept(settings.at('scope_info_enabled'), false);
  const host = settings.at('host').text();
  return { port: settings.at('port').number() ?? PROMETHEUS_PORT, ...(host !== undefined && { host }) };
}
