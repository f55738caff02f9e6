import { type Attributes } from '@opentelemetry/api';

import {
  ATTR_ERROR_TYPE,
  ATTR_OTEL_COMPONENT_NAME,
  ATTR_OTEL_COMPONENT_TYPE,
  ATTR_OTEL_SPAN_PARENT_ORIGIN,
  ATTR_OTEL_SPAN_SAMPLING_RESULT,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  METRIC_OTEL_SDK_EXPORTER_OPERATION_DURATION,
  METRIC_OTEL_SDK_LOG_CREATED,
  METRIC_OTEL_SDK_SPAN_LIVE,
  METRIC_OTEL_SDK_SPAN_STARTED,
  metricOfSdkExporter,
  metricOfSdkProcessor,
} from '../config/semantic-conventions.constants.js';
import { PARENT_ORIGINS, recordingCounts, SAMPLING_RESULTS } from '../engine/recording-counts.js';
import {
  type ExporterDestination,
  type ExporterHealth,
  exporterHealths,
  type QueueGauge,
  type Signal,
} from '../exporters/exporter-report.js';
import { type Observation } from './observable-handle.js';
import { createObservables, durations, type Observables } from './own-instruments.js';

/** Seconds of one attempt: from a collector on the same machine to the deadline. */
const DURATION_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const ITEM: Record<Signal, string> = { traces: 'span', logs: 'log', metrics: 'metric_data_point' };
const UNIT: Record<Signal, string> = { traces: '{span}', logs: '{log_record}', metrics: '{data_point}' };
const PROCESSORS = { traces: 'batching_span_processor', logs: 'batching_log_processor' } as const;
const EXPORTERS: Record<ExporterDestination['protocol'], string> = {
  grpc: 'otlp_grpc',
  'http/protobuf': 'otlp_http',
  'http/json': 'otlp_http_json',
  'jaeger-udp': 'jaeger_udp',
  'jaeger-http': 'jaeger_http',
};

/** One exporter as the metrics name it. */
interface Component {
  readonly health: ExporterHealth;
  readonly exporter: Attributes;
  readonly processor: Attributes;
}

/**
 * Metrics about the telemetry itself, by OpenTelemetry's names: what was recorded, waits, was sent
 * and lost. All but the duration of exports are read when metrics are collected, from numbers that
 * are counted anyway. Returns a function that removes them.
 */
export function startSdkMetrics(): () => void {
  const observables = createObservables();
  registerRecording(observables);
  const components = nameComponents();
  for (const signal of new Set(components.map(({ health }) => health.destination.signal))) {
    const ofSignal = components.filter(({ health }) => health.destination.signal === signal);
    registerExporters(observables, signal, ofSignal);
    if (signal !== 'metrics') registerQueues(observables, signal, ofSignal);
  }
  measureDurations(components);
  return () => {
    for (const { health } of components) health.onDuration = undefined;
    observables.remove();
  };
}

function registerRecording({ counter, upDownCounter }: Observables): void {
  const started = PARENT_ORIGINS.flatMap((origin) =>
    SAMPLING_RESULTS.map((result) => ({
      [ATTR_OTEL_SPAN_PARENT_ORIGIN]: origin,
      [ATTR_OTEL_SPAN_SAMPLING_RESULT]: result,
    })),
  );
  const unit = '{span}';
  counter(METRIC_OTEL_SDK_SPAN_STARTED, { unit, description: 'Spans that were created.' }, (result) => {
    for (const [index, attributes] of started.entries()) {
      const count = recordingCounts.started[index] ?? 0;
      if (count > 0) result.observe(count, attributes);
    }
  });
  const live = { unit, description: 'Recorded spans that have not ended.' };
  upDownCounter(METRIC_OTEL_SDK_SPAN_LIVE, live, () => recordingCounts.live);
  const logs = { unit: '{log_record}', description: 'Log records that were created.' };
  counter(METRIC_OTEL_SDK_LOG_CREATED, logs, () => recordingCounts.logRecords);
}

function registerExporters(
  { counter, upDownCounter }: Observables,
  signal: Signal,
  components: readonly Component[],
): void {
  const [item, unit] = [ITEM[signal], UNIT[signal]];
  counter(
    metricOfSdkExporter(item, 'exported'),
    { unit, description: 'Items whose export has ended; those that were lost have an error.type.' },
    () => components.flatMap(({ health, exporter }) => byErrorType(health.exportedByErrorType, exporter)),
  );
  upDownCounter(
    metricOfSdkExporter(item, 'inflight'),
    { unit, description: 'Items that are being sent.' },
    () => components.map(({ health, exporter }) => ({ value: health.inflight, attributes: exporter })),
  );
}

function registerQueues(
  { counter, upDownCounter }: Observables,
  signal: Exclude<Signal, 'metrics'>,
  components: readonly Component[],
): void {
  const [item, unit] = [ITEM[signal], UNIT[signal]];
  counter(
    metricOfSdkProcessor(item, 'processed'),
    { unit, description: 'Items handed to the exporter; those that were dropped have an error.type.' },
    () => components.flatMap(({ health, processor }) => byErrorType(health.processedByErrorType, processor)),
  );
  const ofQueues = (read: (queue: QueueGauge) => number) => () =>
    components.map(({ health: { queue }, processor }) => ({
      value: queue === undefined ? 0 : read(queue),
      attributes: processor,
    }));
  upDownCounter(
    metricOfSdkProcessor(item, 'queue.size'),
    { unit, description: 'Items that wait for the exporter.' },
    ofQueues((queue) => queue.size()),
  );
  upDownCounter(
    metricOfSdkProcessor(item, 'queue.capacity'),
    { unit, description: 'Items that may wait for the exporter.' },
    ofQueues((queue) => queue.capacity),
  );
}

function measureDurations(components: readonly Component[]): void {
  const attempts = durations(
    METRIC_OTEL_SDK_EXPORTER_OPERATION_DURATION,
    'Duration of one attempt to send a request.',
    DURATION_BUCKETS,
  );
  for (const { health, exporter } of components) {
    health.onDuration = (seconds, errorType) => {
      attempts.record(seconds, withErrorType(exporter, errorType));
    };
  }
}

function byErrorType(counts: ReadonlyMap<string, number>, attributes: Attributes): Observation[] {
  return [...counts].map(([errorType, value]) => ({
    value,
    attributes: withErrorType(attributes, errorType),
  }));
}

/** @param errorType empty or undefined: no error */
function withErrorType(attributes: Attributes, errorType = ''): Attributes {
  return errorType === '' ? attributes : { ...attributes, [ATTR_ERROR_TYPE]: errorType };
}

/** Each exporter with its attributes; components of one type are numbered. */
function nameComponents(): Component[] {
  const numbers = new Map<string, number>();
  const name = (type: string): Attributes => {
    const number = numbers.get(type) ?? 0;
    numbers.set(type, number + 1);
    return { [ATTR_OTEL_COMPONENT_TYPE]: type, [ATTR_OTEL_COMPONENT_NAME]: `${type}/${number}` };
  };
  return exporterHealths().map((health) => {
    const { signal, protocol, endpoint } = health.destination;
    const { hostname, port, protocol: scheme } = new URL(endpoint);
    const item = signal === 'metrics' ? 'metric' : ITEM[signal];
    return {
      health,
      exporter: {
        ...name(`${EXPORTERS[protocol]}_${item}_exporter`),
        [ATTR_SERVER_ADDRESS]: hostname,
        [ATTR_SERVER_PORT]: port === '' ? (scheme === 'https:' ? 443 : 80) : Number(port),
      },
      processor: signal === 'metrics' ? {} : name(PROCESSORS[signal]),
    };
  });
}
