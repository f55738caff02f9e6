import { TraceFlags } from '@opentelemetry/api';
import type { LogRecordProcessor, ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { DataPoint, MetricData } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';

import { resolveConfig } from '../config/resolve-config.js';
import type { TelemetryOptions } from '../config/telemetry-options.js';
import { OnDemandReader } from '../metrics-sdk/on-demand.reader.js';
import type { TelemetryHandle } from '../runtime/sdk-runtime.js';

/** One written log line, parsed. */
export type LogLine = Readonly<Record<string, unknown>>;

/** What a test sees of the telemetry of the code under test. */
export interface TelemetryProbe {
  /** For `TelemetryModule.forRoot({ ...probe.options, serviceName: 'test' })`. */
  readonly options: TelemetryOptions;
  /** Sampled spans in the order in which they ended; with `sampling.keep` those that were kept. */
  spans(): readonly ReadableSpan[];
  /** The only finished span of that name; throws, with the names of all spans, if it is not one. */
  span(name: string): ReadableSpan;
  /** The log records that were emitted for export. */
  logRecords(): readonly ReadableLogRecord[];
  /** The lines that were written, parsed. */
  logLines(): readonly LogLine[];
  /** Collects now and returns the metric of that name; undefined if nothing was recorded. */
  metric(name: string): Promise<MetricData | undefined>;
  /**
   * Collects now and returns sum, last value or count of the series with exactly these attributes.
   */
  metricValue(name: string, attributes?: Readonly<Record<string, unknown>>): Promise<number | undefined>;
  /** Forgets everything recorded so far; sums keep their value, as they do in production. */
  reset(): void;
}

/**
 * Returns a probe that keeps spans, metrics, log records and JSON log lines in memory.
 *
 * @example
 * const probe = createTelemetryProbe();
 * const app = await Test.createTestingModule({ imports: [TelemetryModule.forRoot(probe.options), OrdersModule] }).compile();
 * await app.get(OrderService).process('42');
 * expect(probe.span('OrderService.process').attributes['order.id']).toBe('42');
 */
export function createTelemetryProbe(): TelemetryProbe {
  const spans: ReadableSpan[] = [];
  const logRecords: ReadableLogRecord[] = [];
  const lines: LogLine[] = [];
  const reader = new OnDemandReader();

  const metric = async (name: string): Promise<MetricData | undefined> => {
    const { resourceMetrics } = await reader.collect();
    return resourceMetrics.scopeMetrics
      .flatMap(({ metrics }) => metrics)
      .find(({ descriptor }) => descriptor.name === name);
  };

  return {
    options: {
      spanProcessors: [keepSpans(spans)],
      metricReaders: [reader],
      logRecordProcessors: [keepLogRecords(logRecords)],
      logging: {
        format: 'json',
        level: 'trace',
        destination: {
          write: (line) => {
            lines.push(JSON.parse(line) as LogLine);
          },
        },
      },
    },
    spans: () => spans,
    span: (name) => findOne(spans, name),
    logRecords: () => logRecords,
    logLines: () => lines,
    metric,
    metricValue: async (name, attributes = {}) => {
      const points: readonly DataPoint<number | { count: number }>[] = (await metric(name))?.dataPoints ?? [];
      const value = points.find((point) => sameAttributes(point.attributes, attributes))?.value;
      return typeof value === 'object' ? value.count : value;
    },
    reset: () => {
      for (const kept of [spans, logRecords, lines]) kept.length = 0;
    },
  };
}

/** The SDK's in-memory exporters forget all when the application is closed. */
function keepSpans(kept: ReadableSpan[]): SpanProcessor {
  return {
    onStart: () => undefined,
    onEnd: (span) => {
      if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0) kept.push(span);
    },
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
}

function keepLogRecords(kept: ReadableLogRecord[]): LogRecordProcessor {
  return {
    onEmit: (record) => kept.push(record),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
}

function findOne(spans: readonly ReadableSpan[], name: string): ReadableSpan {
  const found = spans.filter((span) => span.name === name);
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  const there = spans.map((span) => span.name).join(', ') || 'none';
  throw new Error(`expected one finished span "${name}", found ${found.length}; finished spans: ${there}`);
}

function sameAttributes(
  actual: Readonly<Record<string, unknown>>,
  expected: Readonly<Record<string, unknown>>,
): boolean {
  const keys = Object.keys(actual);
  return keys.length === Object.keys(expected).length && keys.every((key) => actual[key] === expected[key]);
}

/**
 * Returns telemetry that does nothing, for tests of something else.
 *
 * @example
 * Test.createTestingModule({ imports: [AppModule] }).overrideProvider(TELEMETRY_HANDLE).useValue(disabledTelemetry());
 */
export function disabledTelemetry(): TelemetryHandle {
  return {
    config: resolveConfig({ enabled: false, logging: false }, { env: {}, setIn: 'disabledTelemetry()' }),
    flush: () => Promise.resolve(true),
    shutdown: () => Promise.resolve(),
  };
}
