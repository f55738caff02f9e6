import {
  type Attributes,
  type Counter,
  createNoopMeter,
  type Meter,
  type MeterProvider,
  type UpDownCounter,
} from '@opentelemetry/api';

import {
  ATTR_OTEL_SPAN_PARENT_ORIGIN,
  ATTR_OTEL_SPAN_SAMPLING_RESULT,
  METRIC_OTEL_SDK_SPAN_LIVE,
  METRIC_OTEL_SDK_SPAN_STARTED,
} from '../config/semantic-conventions.constants.js';

/** Where the parent of a span is; values of `otel.span.parent.origin`. */
export const PARENT_ORIGINS = ['none', 'local', 'remote'] as const;
/** In the order of the SDK's sampling decisions; values of `otel.span.sampling_result`. */
export const SAMPLING_RESULTS = ['DROP', 'RECORD_ONLY', 'RECORD_AND_SAMPLE'] as const;

/** Indices of `PARENT_ORIGINS` and `SAMPLING_RESULTS`. */
export const Origin = { none: 0, local: 1, remote: 2 } as const;
export const Result = { drop: 0, recordOnly: 1, sample: 2 } as const;

/** What was recorded in this process so far: plain numbers, since they are counted with each span and log record. */
interface RecordingCounts {
  /** Spans, at origin * 3 + result. */
  readonly started: number[];
  /** Recorded spans that have not ended. */
  live: number;
  logRecords: number;
}

/** Of this copy of the package: the one that started the runtime records, and observes the counts. */
export const recordingCounts: RecordingCounts = {
  started: Array.from({ length: PARENT_ORIGINS.length * SAMPLING_RESULTS.length }, () => 0),
  live: 0,
  logRecords: 0,
};

export function countStarted(origin: number, result: number): void {
  const { started } = recordingCounts;
  const index = origin * SAMPLING_RESULTS.length + result;
  started[index] = (started[index] ?? 0) + 1;
}

/** A meter provider for the SDK's tracer provider, whose own metrics about spans become these counts. */
export function countingMeterProvider(): MeterProvider {
  const started: Counter = {
    add: (_, attributes) => {
      countSdkSpan(attributes);
    },
  };
  const live: UpDownCounter = {
    add: (count) => {
      recordingCounts.live += count;
    },
  };
  const noop = createNoopMeter();
  const meter = Object.assign(Object.create(noop) as Meter, {
    createCounter: (name: string) =>
      name === METRIC_OTEL_SDK_SPAN_STARTED ? started : noop.createCounter(name),
    createUpDownCounter: (name: string) =>
      name === METRIC_OTEL_SDK_SPAN_LIVE ? live : noop.createUpDownCounter(name),
  });
  return { getMeter: () => meter };
}

function countSdkSpan(attributes: Attributes | undefined): void {
  const origin = PARENT_ORIGINS.findIndex((name) => name === attributes?.[ATTR_OTEL_SPAN_PARENT_ORIGIN]);
  const result = SAMPLING_RESULTS.findIndex((name) => name === attributes?.[ATTR_OTEL_SPAN_SAMPLING_RESULT]);
  if (origin >= 0 && result >= 0) countStarted(origin, result);
}
