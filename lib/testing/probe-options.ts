import { TraceFlags } from '@opentelemetry/api';
import { type LogRecordProcessor, type ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { type ReadableSpan, type SpanProcessor } from '@opentelemetry/sdk-trace';

import { flag, must, type OptionRule, shape } from '../config/option-rules.js';
import { type TelemetryOptions } from '../config/telemetry-options.js';
import { OnDemandReader } from '../metrics-sdk/on-demand.reader.js';
import { type LogLine } from './probe-records.js';

/** What a probe records, and how. */
export interface TelemetryProbeOptions {
  /**
   * Options of the application, of which `TelemetryTestingModule` and `probe.start()` take all but destinations and sampling.
   * Default none.
   */
  telemetry?: TelemetryOptions;
  /** Trace and span ids count from 1, in the order in which spans start, instead of being random. Default `false`. */
  fixedIds?: boolean;
  /**
   * The clock of spans stands still at this time, or at the beginning of the year 2000 with `true`, until
   * `probe.advanceClock(ms)`. Default `false`.
   */
  fixedClock?: boolean | Date;
}

export const PROBE_OPTIONS: OptionRule = shape<TelemetryProbeOptions>(
  {
    // The start validates them.
    telemetry: must((value) => typeof value === 'object' && value !== null, 'Write an object of options.'),
    fixedIds: flag,
    fixedClock: must(
      (value) => typeof value === 'boolean' || (value instanceof Date && !Number.isNaN(value.getTime())),
      'Write true, false or a valid Date.',
    ),
  },
  'an object with telemetry, fixedIds or fixedClock',
);

/** What a test does not take over: where telemetry goes, and which traces are recorded. */
const LEFT_OUT: ReadonlySet<string> = new Set<keyof TelemetryOptions>([
  'otlpEndpoint',
  'otlpHeaders',
  'otlpProtocol',
  'jaegerEndpoint',
  'prometheus',
  'sampling',
]);

const FIXED_CLOCK_MS = Date.UTC(2000, 0, 1);

/** The instant at which a fixed clock begins; undefined where the clock is that of the machine. */
export function clockStart({ fixedClock = false }: TelemetryProbeOptions): number | undefined {
  if (fixedClock === false) return undefined;
  return fixedClock === true ? FIXED_CLOCK_MS : fixedClock.getTime();
}

/** Keeps what telemetry hands to processors, readers and the log destination. */
export class Records {
  readonly spans: ReadableSpan[] = [];
  readonly logRecords: ReadableLogRecord[] = [];
  readonly lines: LogLine[] = [];
  /** By id. */
  readonly open = new Map<string, ReadableSpan>();
  /** Position of each span by its id, in the order in which they started. */
  readonly startedAs = new Map<string, number>();
  reader = new OnDemandReader();

  /** Options by which telemetry records here. */
  get options(): TelemetryOptions {
    return {
      spanProcessors: [this.spanProcessor()],
      metricReaders: [this.reader],
      logRecordProcessors: [this.logRecordProcessor()],
      logging: {
        format: 'json',
        level: 'trace',
        destination: {
          write: (line) => {
            this.lines.push(JSON.parse(line) as LogLine);
          },
        },
      },
    };
  }

  /**
   * The options of a start in memory: those of the application without its destinations, all traces, and nothing that watches the
   * process. A reader of metrics serves one start only.
   */
  optionsInMemory(telemetry: TelemetryOptions): TelemetryOptions {
    this.reader = new OnDemandReader();
    const kept = Object.fromEntries(Object.entries(telemetry).filter(([name]) => !LEFT_OUT.has(name)));
    const { options } = this;
    const { logging, instrumentation } = telemetry;
    const recorded = typeof options.logging === 'object' ? options.logging : {};
    // Nothing else can read them back.
    const { format, destination } = recorded;
    const written = { ...(format && { format }), ...(destination && { destination }) };
    return {
      environment: 'test',
      ...kept,
      enabled: true,
      enableConsole: false,
      enablePrometheus: false,
      dashboard: false,
      store: false,
      startCheck: false,
      processEvents: false,
      spanProcessors: [...(telemetry.spanProcessors ?? []), ...(options.spanProcessors ?? [])],
      metricReaders: options.metricReaders ?? [],
      logRecordProcessors: [...(telemetry.logRecordProcessors ?? []), ...(options.logRecordProcessors ?? [])],
      logging:
        logging === false ? false : { ...recorded, ...(typeof logging === 'object' && logging), ...written },
      instrumentation:
        instrumentation === false
          ? false
          : {
              runtimeMetrics: false,
              sdkMetrics: false,
              ...(typeof instrumentation === 'object' && instrumentation),
            },
    };
  }

  reset(): void {
    for (const kept of [this.spans, this.logRecords, this.lines]) kept.length = 0;
    this.startedAs.clear();
    for (const id of this.open.keys()) this.startedAs.set(id, this.startedAs.size);
  }

  /** The SDK's in-memory exporters forget all when the application is closed. */
  private spanProcessor(): SpanProcessor {
    return {
      onStart: (span) => {
        const { spanId, traceFlags } = span.spanContext();
        if ((traceFlags & TraceFlags.SAMPLED) === 0) return;
        this.startedAs.set(spanId, this.startedAs.size);
        this.open.set(spanId, span);
      },
      onEnd: (span) => {
        const { spanId, traceFlags } = span.spanContext();
        this.open.delete(spanId);
        if ((traceFlags & TraceFlags.SAMPLED) !== 0) this.spans.push(span);
      },
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    };
  }

  private logRecordProcessor(): LogRecordProcessor {
    return {
      onEmit: (record) => this.logRecords.push(record),
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    };
  }
}
