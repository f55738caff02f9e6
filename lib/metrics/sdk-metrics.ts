import { type Attributes, type MetricOptions, type ObservableResult } from '@opentelemetry/api';

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
  type Signal,
} from '../exporters/exporter-report.js';
import { undoAll } from '../process/undo-all.js';
import {
  histogram,
  INSTRUMENTATION_SCOPE,
  observableCounter,
  observableUpDownCounter,
} from './instruments.js';

/** Seconds of one attempt: from a collector next door to the deadline. */
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
 * Metrics about the telemetry itself, by OpenTelemetry's names: what was recorded, waits, was sent and lost. All but the duration of
 * exports are read when metrics are collected, from numbers that are counted anyway. Returns what stops that.
 */
export function startSdkMetrics(): () => void {
  const stoppers: (() => void)[] = [];
  const register = (
    observe: typeof observableCounter,
    name: string,
    options: MetricOptions,
    callback: (result: ObservableResult) => void,
  ): void => {
    stoppers.push(observe(INSTRUMENTATION_SCOPE, name, callback, options).remove);
  };
  registerRecording(register);
  const components = nameComponents();
  for (const signal of new Set(components.map(({ health }) => health.destination.signal))) {
    const ofSignal = components.filter(({ health }) => health.destination.signal === signal);
    registerExporters(register, signal, ofSignal);
    if (signal !== 'metrics') registerQueues(register, signal, ofSignal);
  }
  measureDurations(components);
  return () => {
    for (const { health } of components) health.onDuration = undefined;
    undoAll(stoppers)();
  };
}

type Register = (
  observe: typeof observableCounter,
  name: string,
  options: MetricOptions,
  callback: (result: ObservableResult) => void,
) => void;

function registerRecording(register: Register): void {
  const started = PARENT_ORIGINS.flatMap((origin) =>
    SAMPLING_RESULTS.map((result) => ({
      [ATTR_OTEL_SPAN_PARENT_ORIGIN]: origin,
      [ATTR_OTEL_SPAN_SAMPLING_RESULT]: result,
    })),
  );
  const spans = { unit: '{span}' };
  register(
    observableCounter,
    METRIC_OTEL_SDK_SPAN_STARTED,
    { ...spans, description: 'Spans that were created.' },
    (result) => {
      for (const [index, attributes] of started.entries()) {
        const count = recordingCounts.started[index] ?? 0;
        if (count > 0) result.observe(count, attributes);
      }
    },
  );
  register(
    observableUpDownCounter,
    METRIC_OTEL_SDK_SPAN_LIVE,
    { ...spans, description: 'Recorded spans that have not ended.' },
    (result) => {
      result.observe(recordingCounts.live);
    },
  );
  register(
    observableCounter,
    METRIC_OTEL_SDK_LOG_CREATED,
    { unit: '{log_record}', description: 'Log records that were created.' },
    (result) => {
      result.observe(recordingCounts.logRecords);
    },
  );
}

function registerExporters(register: Register, signal: Signal, components: readonly Component[]): void {
  const [item, unit] = [ITEM[signal], UNIT[signal]];
  register(
    observableCounter,
    metricOfSdkExporter(item, 'exported'),
    { unit, description: 'Items whose export has ended; those that were lost have an error.type.' },
    (result) => {
      for (const { health, exporter } of components)
        observeByErrorType(result, health.exportedByErrorType, exporter);
    },
  );
  register(
    observableUpDownCounter,
    metricOfSdkExporter(item, 'inflight'),
    { unit, description: 'Items that are being sent.' },
    (result) => {
      for (const { health, exporter } of components) result.observe(health.inflight, exporter);
    },
  );
}

function registerQueues(
  register: Register,
  signal: Exclude<Signal, 'metrics'>,
  components: readonly Component[],
): void {
  const [item, unit] = [ITEM[signal], UNIT[signal]];
  register(
    observableCounter,
    metricOfSdkProcessor(item, 'processed'),
    { unit, description: 'Items handed to the exporter; those that were dropped have an error.type.' },
    (result) => {
      for (const { health, processor } of components)
        observeByErrorType(result, health.processedByErrorType, processor);
    },
  );
  register(
    observableUpDownCounter,
    metricOfSdkProcessor(item, 'queue.size'),
    { unit, description: 'Items that wait for the exporter.' },
    (result) => {
      for (const { health, processor } of components) result.observe(health.queue?.size() ?? 0, processor);
    },
  );
  register(
    observableUpDownCounter,
    metricOfSdkProcessor(item, 'queue.capacity'),
    { unit, description: 'Items that may wait for the exporter.' },
    (result) => {
      for (const { health, processor } of components) result.observe(health.queue?.capacity ?? 0, processor);
    },
  );
}

function measureDurations(components: readonly Component[]): void {
  const durations = histogram(INSTRUMENTATION_SCOPE, METRIC_OTEL_SDK_EXPORTER_OPERATION_DURATION, {
    unit: 's',
    description: 'Duration of one attempt to send a request.',
    advice: { explicitBucketBoundaries: DURATION_BUCKETS },
  });
  for (const { health, exporter } of components) {
    health.onDuration = (seconds, errorType) => {
      durations.record(
        seconds,
        errorType === undefined ? exporter : { ...exporter, [ATTR_ERROR_TYPE]: errorType },
      );
    };
  }
}

function observeByErrorType(
  result: ObservableResult,
  counts: ReadonlyMap<string, number>,
  attributes: Attributes,
): void {
  for (const [errorType, count] of counts)
    result.observe(count, errorType === '' ? attributes : { ...attributes, [ATTR_ERROR_TYPE]: errorType });
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
