import { type ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { type DataPoint, type MetricData } from '@opentelemetry/sdk-metrics';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';

import { resolveConfig } from '../config/resolve-config.js';
import { type TelemetryOptions } from '../config/telemetry-options.js';
import { type FixedTime } from '../engine/fixed-source.js';
import { TelemetryError } from '../errors/telemetry.error.js';
import { type TelemetryHandle } from '../runtime/sdk-runtime.js';
import { checkArgument, type ExpectedSpan } from './matchers/check-arguments.js';
import { describeTrees, explainAbsence, findSpans, readExpectedSpan } from './matchers/to-have-span.js';
import { pollUntil } from './poll-until.js';
import { clockStart, PROBE_OPTIONS, Records, type TelemetryProbeOptions } from './probe-options.js';
import { type LogLine, PROBE, type ProbeRecords } from './probe-records.js';
import { startForTest } from './start-for-test.js';
import { drawTree, placeSpans, type SpanNode, type TraceTreeOptions } from './trace-tree.js';

/** How long a test waits. */
export interface WaitOptions {
  /** Milliseconds, after which the promise is rejected. Default 2000. */
  readonly timeoutMs?: number;
}

/**
 * What a test sees of the telemetry of the code under test. Also the token by which the container has the probe of
 * `TelemetryTestingModule`: `app.get(TelemetryProbe)`.
 */
export abstract class TelemetryProbe {
  /** For `TelemetryModule.forRoot({ ...probe.options, serviceName: 'test' })`. */
  abstract readonly options: TelemetryOptions;
  /** Sampled spans in the order in which they ended; with `sampling.keep` those that were kept. */
  abstract spans(): readonly ReadableSpan[];
  /** The only finished span of that name; throws, with the names of all spans, if it is not one. */
  abstract span(name: string): ReadableSpan;
  /**
   * Resolves to the first span that is as expected, once it has ended; rejects with the message of `toHaveSpan()` when it does not
   * in time.
   */
  abstract waitForSpan(
    expected: string | RegExp | ExpectedSpan,
    options?: WaitOptions,
  ): Promise<ReadableSpan>;
  /** Resolves when every span that was started has ended; rejects, naming those that have not, when it takes too long. */
  abstract settled(options?: WaitOptions): Promise<void>;
  /**
   * The spans as text, each below its parent, for messages and snapshots: names, kinds and errors, without ids, times and process.
   */
  abstract traceTree(options?: TraceTreeOptions): string;
  /** The log records that were emitted for export. */
  abstract logRecords(): readonly ReadableLogRecord[];
  /** The lines that were written, parsed. */
  abstract logLines(): readonly LogLine[];
  /** Collects now and returns the metric of that name; undefined if nothing was recorded. */
  abstract metric(name: string): Promise<MetricData | undefined>;
  /**
   * Collects now and returns sum, last value or count of the series with exactly these attributes.
   */
  abstract metricValue(
    name: string,
    attributes?: Readonly<Record<string, unknown>>,
  ): Promise<number | undefined>;
  /** Forgets everything recorded so far; sums keep their value, as they do in production. */
  abstract reset(): void;
  /** Moves the clock of `fixedClock` on by so many milliseconds. */
  abstract advanceClock(ms: number): void;
  /**
   * Starts telemetry that only this probe sees, without NestJS: nothing is exported, no environment variable is read. Ends the
   * probe that ran before. `TelemetryTestingModule` calls it.
   *
   * @throws TelemetryError `TELEMETRY_INVALID_TEST` where telemetry runs that no probe has started
   */
  abstract start(): Promise<void>;
  /** Ends what `start()` has started, and takes its globals away. What was recorded stays. */
  abstract stop(): Promise<void>;
}

/**
 * Returns a probe that keeps spans, metrics, log records and JSON log lines in memory.
 *
 * @example
 * const probe = createTelemetryProbe();
 * const app = await Test.createTestingModule({ imports: [TelemetryTestingModule.register(probe), OrdersModule] }).compile();
 * await app.get(OrderService).process('42');
 * expect(probe).toHaveSpan({ name: 'OrderService.process', attributes: { 'order.id': '42' } });
 * await app.close();
 * @throws TelemetryError `TELEMETRY_INVALID_TEST` for wrong options
 */
export function createTelemetryProbe(options: TelemetryProbeOptions = {}): TelemetryProbe {
  checkArgument('createTelemetryProbe', 'options', options, PROBE_OPTIONS);
  return new RecordingProbe(options);
}

const DEFAULT_TIMEOUT_MS = 2_000;
/** Turns of the event loop in which nothing starts: what was put off to the next one has begun by then. */
const QUIET_TURNS = 3;

class RecordingProbe extends TelemetryProbe {
  readonly options: TelemetryOptions;
  readonly [PROBE]: ProbeRecords;
  private readonly records = new Records();
  private readonly time: FixedTime | undefined;
  private starting: Promise<() => Promise<void>> | undefined;
  private isReplaced = false;
  /** As they were at the stop: a reader that was stopped collects nothing. */
  private lastMetrics: readonly MetricData[] | undefined;

  constructor(private readonly given: TelemetryProbeOptions) {
    super();
    this.options = this.records.options;
    const startMs = clockStart(given);
    this.time = startMs === undefined ? undefined : { epochMs: startMs };
    this[PROBE] = {
      trees: () => this.trees(),
      lines: () => this.logLines(),
      metrics: () => this.metrics(),
    };
  }

  spans(): readonly ReadableSpan[] {
    return this.own().spans;
  }

  span(name: string): ReadableSpan {
    return findOne(this.spans(), name);
  }

  async waitForSpan(
    expected: string | RegExp | ExpectedSpan,
    { timeoutMs = DEFAULT_TIMEOUT_MS }: WaitOptions = {},
  ): Promise<ReadableSpan> {
    const wanted = readExpectedSpan('waitForSpan', expected);
    const found = await pollUntil(() => {
      const spans = findSpans(this.trees(), wanted);
      return spans.length >= (wanted.times ?? 1) ? spans[0]?.readable : undefined;
    }, timeoutMs);
    if (found !== undefined) return found;
    const trees = this.trees();
    throw new Error(`within ${timeoutMs} ms: ${explainAbsence(trees, wanted, findSpans(trees, wanted))}`);
  }

  async settled({ timeoutMs = DEFAULT_TIMEOUT_MS }: WaitOptions = {}): Promise<void> {
    let quietTurns = 0;
    const isSettled = await pollUntil(() => {
      quietTurns = this.own().open.size === 0 ? quietTurns + 1 : 0;
      return quietTurns >= QUIET_TURNS || undefined;
    }, timeoutMs);
    if (isSettled === true) return;
    const names = [...this.records.open.values()].map(({ name }) => `"${name}"`).join(', ');
    throw new Error(
      `Spans have not ended within ${timeoutMs} ms: ${names}\n\n${describeTrees(this.trees())}`,
    );
  }

  traceTree(options: TraceTreeOptions = {}): string {
    return drawTree(this.trees(), options);
  }

  logRecords(): readonly ReadableLogRecord[] {
    return this.own().logRecords;
  }

  logLines(): readonly LogLine[] {
    return this.own().lines;
  }

  async metric(name: string): Promise<MetricData | undefined> {
    return (await this.metrics()).find(({ descriptor }) => descriptor.name === name);
  }

  async metricValue(
    name: string,
    attributes: Readonly<Record<string, unknown>> = {},
  ): Promise<number | undefined> {
    const points: readonly DataPoint<number | { count: number }>[] =
      (await this.metric(name))?.dataPoints ?? [];
    const value = points.find((point) => sameAttributes(point.attributes, attributes))?.value;
    return typeof value === 'object' ? value.count : value;
  }

  reset(): void {
    this.records.reset();
  }

  advanceClock(ms: number): void {
    if (this.time === undefined || !Number.isFinite(ms) || ms < 0)
      throw new TelemetryError(
        'TELEMETRY_INVALID_TEST',
        `advanceClock() received ${String(ms)}${this.time === undefined ? ' and the clock of this probe is that of the machine' : ''}. ` +
          'Create the probe with fixedClock, and pass milliseconds from 0.',
      );
    this.time.epochMs += ms;
  }

  async start(): Promise<void> {
    const { telemetry = {}, fixedIds = false } = this.given;
    if (telemetry.engine === 'sdk' && (fixedIds || this.time !== undefined))
      throw new TelemetryError(
        'TELEMETRY_INVALID_TEST',
        "fixedIds and fixedClock need our engine, and telemetry.engine is 'sdk'. Leave one of them out.",
      );
    this.starting ??= startForTest({
      options: this.records.optionsInMemory(telemetry),
      fixedIds,
      fixedTime: this.time,
      onReplaced: () => {
        this.isReplaced = true;
      },
    });
    try {
      await this.starting;
      this.isReplaced = false;
      this.lastMetrics = undefined;
    } catch (error) {
      this.starting = undefined;
      throw error;
    }
  }

  async stop(): Promise<void> {
    const { starting } = this;
    if (starting === undefined) return;
    this.starting = undefined;
    const stop = await starting;
    if (!this.isReplaced) this.lastMetrics = await this.metrics();
    await stop();
  }

  private async metrics(): Promise<readonly MetricData[]> {
    const { reader } = this.own();
    if (this.lastMetrics !== undefined) return this.lastMetrics;
    const { resourceMetrics } = await reader.collect();
    return resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
  }

  private trees(): readonly SpanNode[] {
    const { spans, open, startedAs } = this.own();
    const position = (span: ReadableSpan): number => startedAs.get(span.spanContext().spanId) ?? Infinity;
    const all = [...spans, ...open.values()].sort((a, b) => position(a) - position(b) || 0);
    return placeSpans(all, new Set(open.values()));
  }

  /** @throws TelemetryError `TELEMETRY_INVALID_TEST` when another probe has taken over: nothing that is read here would be right */
  private own(): Records {
    if (!this.isReplaced) return this.records;
    throw new TelemetryError(
      'TELEMETRY_INVALID_TEST',
      'Another probe was started while this one ran, and has taken its place: OpenTelemetry has one of each provider in a process. ' +
        'Let these tests run one after another (no test.concurrent), and close each application (await app.close() in afterEach).',
    );
  }
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
