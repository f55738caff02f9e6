import {
  type ExemplarAnswer,
  type JsonAttributes,
  type JsonValue,
  type Page,
} from '../../../lib/dashboard/reader/answers/answer-parts.interface.js';
import {
  type LogAnswer,
  type LogVolumeAnswer,
} from '../../../lib/dashboard/reader/answers/logs.interface.js';
import {
  type ChartAnswer,
  type InstrumentAnswer,
} from '../../../lib/dashboard/reader/answers/metrics.interface.js';
import { type ProcessHealthAnswer } from '../../../lib/dashboard/reader/answers/processes.interface.js';
import {
  type SelectionAnswer,
  type SpanAnswer,
  type TraceSummaryAnswer,
} from '../../../lib/dashboard/reader/answers/traces.interface.js';
import {
  type RouteAnswer,
  type RouteVersionAnswer,
  type ServiceAnswer,
  type StartAnswer,
  type TrendsAnswer,
} from '../../../lib/dashboard/reader/answers/traffic.interface.js';
import { durationStep, joinBars } from '../../../lib/dashboard/reader/duration-bars.js';
import { type FieldFilter, fulfils } from '../../../lib/dashboard/reader/field-filter.js';
import { stateOf } from '../../../lib/dashboard/reader/judge-process.js';
import { PROCESS_METRICS, type ProcessMetric } from '../../../lib/dashboard/reader/process-metrics.js';
import { OperationSums, rankOperations } from '../../../lib/dashboard/reader/sum-operations.js';
import { SDK_METRICS, SdkMetricSums } from '../../../lib/dashboard/reader/sum-sdk-metrics.js';
import { ServiceMapSums } from '../../../lib/dashboard/reader/sum-service-map.js';
import {
  LOG_LEVELS,
  type LogFilter,
  type LogLevelName,
  type LogVolumeFilter,
  type ProcessChoice,
  type RouteChoice,
  type Selection,
  type TelemetryReader,
  type TimeRange,
  type TraceFilter,
  type TrendFilter,
} from '../../../lib/dashboard/reader/telemetry-reader.interface.js';
import { traceIdIn } from '../../../lib/dashboard/reader/trace-id-in.js';
import { takeAllSteps, TimeSlice } from '../../../lib/dashboard/steps.js';
import { findError, findErrors } from './memory-errors.js';
import {
  type ReaderUnderTest,
  type Telemetry,
  type WrittenLog,
  type WrittenOrigin,
  type WrittenPoint,
  type WrittenSpan,
} from './telemetry.js';

interface Trace {
  readonly summary: TraceSummaryAnswer;
  readonly spans: readonly WrittenSpan[];
  readonly logs: readonly WrittenLog[];
}

interface Numbered extends WrittenLog {
  readonly id: number;
}

/**
 * A reader over lists: every question looks at everything. It shows that the contract is not about SQLite, and says in the fewest words
 * what each question means.
 */
export function createMemoryReader(): ReaderUnderTest {
  const spans: WrittenSpan[] = [];
  const logs: Numbered[] = [];
  const points: WrittenPoint[] = [];
  return {
    reader: choosing(spans, logs, points),
    write: (telemetry: Telemetry) => {
      spans.push(...(telemetry.spans ?? []));
      for (const log of telemetry.logs ?? []) logs.push({ ...log, id: logs.length + 1 });
      points.push(...(telemetry.points ?? []));
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
}

/** Questions about some processes: the answers of a reader that has nothing of the others. */
function choosing(
  spans: readonly WrittenSpan[],
  logs: readonly Numbered[],
  points: readonly WrittenPoint[],
): TelemetryReader {
  const all = readerOf(spans, logs, points);
  const of = (choice: ProcessChoice): TelemetryReader => {
    const isIt = (origin: WrittenOrigin): boolean => isChosen(origin, choice);
    return readerOf(spans.filter(isIt), logs.filter(isIt), points.filter(isIt));
  };
  /** Of the traces in which such a process took part. */
  const through = (choice: ProcessChoice & RouteChoice): TelemetryReader => {
    const isOfRoutes = choice.route !== undefined || choice.method !== undefined;
    const parts = (isOfRoutes ? entriesOf(spans) : spans).filter(
      (span) => isChosen(span, choice) && isOfRoute(span, choice),
    );
    const ids = new Set(parts.map(({ traceId }) => traceId));
    return readerOf(
      spans.filter(({ traceId }) => ids.has(traceId)),
      logs,
      points,
    );
  };
  return {
    ...all,
    addsUpMetrics: true,
    services: (filter, options) => of(filter).services(filter, options),
    overview: (filter, options) => of(filter).overview(filter, options),
    durations: (filter, options) => of(filter).durations(filter, options),
    trends: (filter, options) => of(filter).trends(filter, options),
    routes: (filter, options) => of(filter).routes(filter, options),
    starts: (filter, options) => of(filter).starts(filter, options),
    logs: (filter, options) => of(filter).logs(filter, options),
    logVolume: (filter, options) => of(filter).logVolume(filter, options),
    errors: (filter, options) => of(filter).errors(filter, options),
    error: (question, options) => of(question).error(question, options),
    operations: (filter, options) => of(filter).operations(filter, options),
    processes: (filter, options) => of(filter).processes(filter, options),
    traces: (filter, options) => through(filter).traces(filter, options),
    serviceMap: (filter, options) => through(filter).serviceMap(filter, options),
    selection: (filter, options) => through(filter).selection(filter, options),
  };
}

function isChosen(
  { version = '1.0.0', environment = 'test', instance, host }: WrittenOrigin,
  choice: ProcessChoice,
): boolean {
  const isIt = (wanted: string | undefined, actual: string | undefined): boolean =>
    wanted === undefined || wanted === actual;
  return (
    isIt(choice.version, version) &&
    isIt(choice.environment, environment) &&
    isIt(choice.process, instance ?? host)
  );
}

function readerOf(
  spans: readonly WrittenSpan[],
  logs: readonly Numbered[],
  points: readonly WrittenPoint[],
): TelemetryReader {
  /** Answers in a later turn, as a database does. */
  const answer = async <T>(signal: AbortSignal | undefined, question: () => T): Promise<T> => {
    signal?.throwIfAborted();
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
    return question();
  };
  const tracesOf = (): Trace[] =>
    [...Map.groupBy(spans, ({ traceId }) => traceId).values()].map((ofTrace) => {
      const sorted = [...ofTrace].sort((a, b) => a.start - b.start);
      const summary = summarize(sorted);
      return { spans: sorted, summary, logs: logs.filter(({ traceId }) => traceId === summary.traceId) };
    });
  /** Each as often as it stands for. */
  const counted = () => spans.flatMap((span) => Array.from({ length: span.weight ?? 1 }, () => span));
  const find = (traceId: string) => tracesOf().find(({ summary }) => summary.traceId === traceId);
  const instruments = (): InstrumentAnswer[] =>
    [...Map.groupBy(points, ({ service, name }) => `${service} ${name}`).entries()]
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([, own], index) => instrumentOf(own, index + 1));
  const pointsOf = ({ service, name }: InstrumentAnswer) =>
    points.filter((point) => point.service === service && point.name === name);

  return {
    services: (range, { signal } = {}) =>
      answer(signal, () =>
        [...Map.groupBy(counted(), ({ service }) => service)]
          .map(([name, own]) => ({
            ...serviceOf(name, own, range),
            failedWork: failedWorkOf(counted(), range).filter(({ service }) => service === name).length,
            errorLogs: logs.filter(
              ({ service, level, time }) =>
                service === name && level >= LOG_LEVELS.error && within(time, range),
            ).length,
          }))
          .sort((a, b) => b.count - a.count || a.name.localeCompare(b.name)),
      ),
    overview: ({ service, route, method, buckets, ...range }, { signal } = {}) =>
      answer(signal, () => {
        const width = (range.to - range.from) / buckets;
        const times = Array.from({ length: buckets }, (_, index) => range.from + index * width);
        const own = entriesOf(counted(), range).filter((span) => isOfRoute(span, { service, route, method }));
        const isOfService = route === undefined && method === undefined;
        const failedWork = isOfService
          ? failedWorkOf(counted(), range).filter((span) => service === undefined || span.service === service)
          : [];
        const all = times.map((time) => entriesOf(own, { from: time, to: time + width }));
        const quantiles = (q: number) => all.map((entries) => quantileOf(entries.map(duration), q));
        return {
          times,
          perSecond: all.map((entries) => entries.length / (width / 1_000)),
          failedWorkPerSecond: times.map(
            (time) =>
              failedWork.filter(({ start }) => within(start, { from: time, to: time + width })).length /
              (width / 1_000),
          ),
          errorsPerSecond: all.map((entries) => entries.filter(isFailed).length / (width / 1_000)),
          p50: quantiles(0.5),
          p95: quantiles(0.95),
          p99: quantiles(0.99),
          exemplars: [...own, ...failedWork].map(exemplarOf),
        };
      }),
    durations: ({ bars, ...filter }, { signal } = {}) =>
      answer(signal, () => {
        const own = entriesOf(counted(), filter).filter((span) => isOfRoute(span, filter));
        const steps = Map.groupBy(own, ({ durationMs }) => durationStep(durationMs));
        const counts = [...steps].map(([step, { length }]) => [step, length] as const);
        return { count: own.length, bars: joinBars(counts, bars) };
      }),
    trends: (filter, { signal } = {}) => answer(signal, () => trendsOf(counted(), filter)),
    routes: (filter, { signal } = {}) =>
      answer(signal, () =>
        [
          ...Map.groupBy(
            entriesOf(counted()),
            (span) => `${span.service} ${span.method ?? ''} ${span.route ?? ''}`,
          ).values(),
        ]
          .map((own) => routeOf(own, filter))
          .filter((route) => isOfRoute(route, filter))
          .sort((a, b) => b.count - a.count || a.route.localeCompare(b.route)),
      ),
    routeVersions: ({ service }, { signal } = {}) =>
      answer(signal, () =>
        [
          ...Map.groupBy(
            entriesOf(counted()),
            (span) => `${span.service} ${versionOf(span)} ${span.method ?? ''} ${span.route ?? ''}`,
          ).values(),
        ]
          .map(routeVersionOf)
          .filter((one) => service === undefined || one.service === service)
          .sort((a, b) => b.firstSeen - a.firstSeen || b.count - a.count),
      ),
    starts: ({ service, ...range }, { signal } = {}) =>
      answer(signal, () =>
        startsOf(spans).filter(
          (start) => within(start.time, range) && (service === undefined || start.service === service),
        ),
      ),
    requestCounts: (range, { signal } = {}) =>
      answer(signal, () =>
        [
          ...Map.groupBy(
            points.filter(({ name, time }) => name === 'http.server.request.duration' && within(time, range)),
            ({ service, attributes }) =>
              JSON.stringify([service, attributes['http.request.method'], attributes['http.route']]),
          ).values(),
        ].map((own) => {
          const [{ service, attributes }] = own as [WrittenPoint]; // groups are never empty
          const { 'http.request.method': method = '', 'http.route': route = '' } = attributes;
          const count = own.flatMap(({ counts = [] }) => counts).reduce((sum, each) => sum + each, 0);
          return { service, method, route, count };
        }),
      ),
    traces: (filter, { signal } = {}) =>
      answer(signal, () => {
        const found = tracesOf()
          .filter((trace) => traceMatches(trace, filter))
          .map(({ summary }) => summary)
          .sort((a, b) => b.start - a.start || b.traceId.localeCompare(a.traceId));
        return pageOf(found, filter.before, filter.limit ?? 50);
      }),
    trace: (traceId, { signal } = {}) =>
      answer(signal, () => {
        const trace = find(traceId);
        return (
          trace && {
            summary: trace.summary,
            spans: trace.spans.map(toSpan),
            logs: logs
              .filter((log) => log.traceId === traceId)
              .sort(byTime)
              .map(toLog),
          }
        );
      }),
    summaries: (traceIds, { signal } = {}) =>
      answer(signal, () => new Map(traceIds.flatMap((id) => pairOf(id, find(id)?.summary)))),
    spans: (traceIds, { signal } = {}) =>
      answer(signal, () => new Map(traceIds.flatMap((id) => pairOf(id, find(id)?.spans.map(toSpan))))),
    resources: (traceId, { signal } = {}) =>
      answer(signal, () =>
        Object.fromEntries(
          (find(traceId)?.spans ?? []).map(({ service }) => [service, { 'service.name': service }]),
        ),
      ),
    logs: (filter, { signal } = {}) =>
      answer(signal, () =>
        pageOf(
          logs
            .filter((log) => logMatches(log, filter))
            .sort((a, b) => -byTime(a, b))
            .map(toLog),
          filter.before,
          filter.limit ?? 100,
        ),
      ),
    logVolume: (filter, { signal } = {}) => answer(signal, () => countVolume(logs, filter)),
    errors: (filter, { signal } = {}) => answer(signal, () => findErrors(spans, logs, filter)),
    error: (question, { signal } = {}) => answer(signal, () => findError(spans, logs, question)),
    serviceMap: (filter, { signal } = {}) =>
      answer(signal, () => {
        const counted = tracesOf().filter(
          ({ summary: { start, services } }) =>
            within(start, filter) && (filter.service === undefined || services.includes(filter.service)),
        );
        const sums = new ServiceMapSums();
        const turn = new TimeSlice();
        for (const { summary, spans: all } of counted) {
          const mapped = all.map((span) => ({ links: [], ...span, failed: span.status === 'error' }));
          takeAllSteps(sums.addTrace(summary.traceId, mapped, turn));
        }
        const count = counted.reduce((total, trace) => total + trace.spans.length, 0);
        const covered = { traces: counted.length, spans: count, since: filter.from, complete: true };
        return takeAllSteps(sums.answer(filter, covered, turn));
      }),
    operations: (filter, { signal } = {}) =>
      answer(signal, () => {
        const counted = tracesOf().filter(({ summary: { start } }) => within(start, filter));
        const sums = new OperationSums(filter.service);
        for (const { spans: all } of counted) {
          const summed = all.map((span) => ({ ...span, failed: span.status === 'error' }));
          takeAllSteps(sums.addTrace(summed, new TimeSlice()));
        }
        const own = counted.filter((trace) =>
          trace.spans.some(({ service }) => filter.service === undefined || filter.service === service),
        );
        return {
          ...rankOperations(sums.answers(), filter),
          traces: own.length,
          spans: own.reduce((total, trace) => total + trace.spans.length, 0),
          since: filter.from,
          complete: true,
        };
      }),
    processValues: ({ service, ...range }, { signal } = {}) =>
      answer(signal, () => {
        const own = [
          ...spans.map((span) => ({ ...span, time: span.start })),
          ...logs,
          ...points.filter(({ name }) => Object.values(PROCESS_METRICS).some((one) => one.metric === name)),
        ].filter((one) => within(one.time, range) && (service === undefined || one.service === service));
        const values = (of: (origin: WrittenOrigin) => string | undefined): string[] =>
          [...new Set(own.map(of))].filter((value) => value !== undefined).sort();
        return {
          versions: values(({ version = '1.0.0' }) => version),
          environments: values(({ environment = 'test' }) => environment),
          processes: values(({ instance, host }) => instance ?? host),
        };
      }),
    instruments: (service, { signal } = {}) =>
      answer(signal, () => instruments().filter((one) => service === undefined || one.service === service)),
    chart: ({ instrument: id, filters = [], group, buckets, ...range }, { signal } = {}) =>
      answer(signal, () => {
        const instrument = instruments().find((one) => one.id === id);
        if (instrument === undefined) return undefined;
        const own = pointsOf(instrument).filter(
          ({ attributes, time }) =>
            within(time, range) && filters.every(({ key, value }) => attributes[key] === value),
        );
        const width = (range.to - range.from) / buckets;
        const times = Array.from({ length: buckets }, (_, index) => range.from + index * width);
        const lines = Map.groupBy(own, ({ attributes }) =>
          group === undefined ? '' : (attributes[group] ?? ''),
        );
        const series = [...lines].flatMap(([label, line]) =>
          drawLine(
            label,
            instrument,
            times.map((time) => line.filter((point) => within(point.time, { from: time, to: time + width }))),
            width,
          ),
        );
        return { instrument, times, series, exemplars: [] };
      }),
    processes: (range, { signal } = {}) =>
      answer(signal, () =>
        processesOf(points.filter(({ time }) => within(time, range))).sort((a, b) => b.lastSeen - a.lastSeen),
      ),
    process: ({ service, instance, buckets, ...range }, { signal } = {}) =>
      answer(signal, () => {
        const own = points.filter(
          (point) => point.service === service && (point.instance ?? '') === instance,
        );
        const process = processesOf(own).find((one) => one.instance === instance);
        if (process === undefined) return undefined;
        const width = (range.to - range.from) / buckets;
        const times = Array.from({ length: buckets }, (_, index) => range.from + index * width);
        return { process, times, series: processSeries(own, times, width) };
      }),
    processHealth: (range, { signal } = {}) =>
      answer(signal, () =>
        processHealthOf(points.filter(({ time }) => within(time, range))).sort(
          (a, b) => b.lastSeen - a.lastSeen,
        ),
      ),
    selection: (selection, { signal } = {}) =>
      answer(signal, () => {
        const { true: inside = [], false: outside = [] } = Object.groupBy(
          tracesOf().filter((trace) => ofSameRoute(trace, selection)),
          (trace) => `${isSelected(trace, selection)}` as const,
        );
        const pairs = new Map(
          inside.flatMap(({ spans: own }) =>
            own.flatMap(({ attributes }) =>
              Object.entries(attributes).map(([key, value]) => [
                `${key}\n${textOf(value)}`,
                { key, value: textOf(value) },
              ]),
            ),
          ),
        );
        return {
          selected: inside.length,
          others: outside.length,
          attributes: rankAttributes([...pairs.values()], inside, outside),
          traces: inside.map(({ summary }) => summary).sort((a, b) => b.start - a.start),
        };
      }),
    health: ({ signal } = {}) =>
      answer(signal, () => {
        const times = [...spans.map(({ start }) => start), ...logs.map(({ time }) => time)];
        const oldest = times.length === 0 ? undefined : Math.min(...times);
        return {
          bytes: 0,
          spans: spans.length,
          logs: logs.length,
          points: points.length,
          oldest,
          since: oldest,
        };
      }),
  };
}

/** Each instance of a service is one process. */
function processHealthOf(points: readonly WrittenPoint[]): ProcessHealthAnswer[] {
  const own = points.filter(({ name }) => SDK_METRICS.has(name));
  return [...Map.groupBy(own, ({ service, instance = '' }) => `${service} ${instance}`).values()].map(
    (ofOne) => {
      const [{ service, instance = '' }] = ofOne as [WrittenPoint];
      const times = ofOne.map(({ time }) => time);
      const sums = new SdkMetricSums();
      for (const series of Map.groupBy(
        ofOne,
        ({ name, attributes }) => `${name} ${JSON.stringify(attributes)}`,
      ).values()) {
        const last = series.at(-1)!;
        const total =
          last.type === 'counter' ? series.reduce((sum, { value }) => sum + value, 0) : last.value;
        sums.add(last.name, last.attributes, total);
      }
      return {
        service,
        instance,
        version: '1.0.0',
        environment: 'test',
        started: Math.min(...times),
        lastSeen: Math.max(...times),
        state: stateOf(Math.max(...times), 'sends'),
        ...sums.report(),
      };
    },
  );
}

const definitionOf = (point: WrittenPoint) =>
  Object.entries(PROCESS_METRICS).find(([, { metric }]) => metric === point.name);

/** The suite writes no instances: each service is one process. */
function processesOf(points: readonly WrittenPoint[]) {
  const own = points.filter((point) => definitionOf(point) !== undefined);
  const keyOf = ({ service, instance = '' }: WrittenPoint): string => `${service} ${instance}`;
  return [...Map.groupBy(own, keyOf).values()].map((ofOne) => ({
    service: ofOne[0]!.service,
    instance: ofOne[0]!.instance ?? '',
    version: ofOne[0]!.version ?? '1.0.0',
    environment: ofOne[0]!.environment ?? 'test',
    pid: undefined,
    host: ofOne[0]!.host,
    firstSeen: Math.min(...ofOne.map(({ time }) => time)),
    lastSeen: Math.max(...ofOne.map(({ time }) => time)),
  }));
}

function processSeries(points: readonly WrittenPoint[], times: readonly number[], width: number) {
  const lines = Map.groupBy(points, (point) => {
    const [metric = '', definition] = definitionOf(point) ?? [];
    const by = definition !== undefined && 'by' in definition ? definition.by : undefined;
    return JSON.stringify([metric, by === undefined ? '' : (point.attributes[by] ?? '')]);
  });
  const order = Object.keys(PROCESS_METRICS);
  return [...lines]
    .map(([key, line]) => {
      const [metric, label] = JSON.parse(key) as [ProcessMetric, string];
      const of = (time: number) =>
        line.filter((point) => within(point.time, { from: time, to: time + width }));
      const sum = (own: readonly WrittenPoint[]) => own.reduce((total, { value }) => total + value, 0);
      const counted = line[0]?.type === 'counter' || line[0]?.type === 'histogram';
      const level = (time: number): readonly [number | null, number | null] => {
        const own = of(time);
        if (counted) {
          const count = own.flatMap(({ counts = [] }) => counts).reduce((total, each) => total + each, 0);
          return [sum(own) / (width / 1_000), count === 0 ? null : sum(own) / count];
        }
        if (own.length === 0) return [null, null];
        const atOnce = [...Map.groupBy(own, ({ time: at }) => at).values()];
        const values = line[0]?.type === 'updowncounter' ? atOnce.map(sum) : own.map(({ value }) => value);
        return [values.reduce((total, each) => total + each, 0) / values.length, Math.max(...values)];
      };
      const levels = times.map(level);
      return { metric, label, values: levels.map(([value]) => value), peaks: levels.map(([, peak]) => peak) };
    })
    .filter(({ metric }) => order.includes(metric))
    .sort((a, b) => order.indexOf(a.metric) - order.indexOf(b.metric) || a.label.localeCompare(b.label));
}

const weightOf = ({ spans: [first] }: Trace): number => first?.weight ?? 1;
const standFor = (traces: readonly Trace[]): number =>
  traces.reduce((sum, trace) => sum + weightOf(trace), 0);
/** As many traces of one weight would say as much. */
const sizeOf = (traces: readonly Trace[]): number =>
  standFor(traces) ** 2 /
  Math.max(
    1,
    traces.reduce((sum, trace) => sum + weightOf(trace) ** 2, 0),
  );

/** Those that are telling, and one row for all that the same traces have. */
function rankAttributes(
  pairs: readonly FieldFilter[],
  inside: readonly Trace[],
  outside: readonly Trace[],
): SelectionAnswer['attributes'] {
  const ranked = pairs
    .map((pair) => {
      const [own, others] = [inside, outside].map((traces) =>
        traces.filter((trace) => hasField(trace, pair)),
      );
      const [size, otherSize] = [sizeOf(inside), sizeOf(outside)];
      const selectedShare = standFor(own!) / standFor(inside);
      const otherShare = outside.length === 0 ? 0 : standFor(others!) / standFor(outside);
      const share = (selectedShare * size + otherShare * otherSize) / (size + otherSize);
      const chance = Math.sqrt(share * (1 - share) * (1 / size + 1 / Math.max(1, otherSize)));
      const telling =
        own!.length >= (inside.length < 5 ? 1 : 2) &&
        selectedShare >= 1 / 20 &&
        selectedShare - otherShare > (outside.length === 0 ? 0 : 2 * chance);
      const traces = [...own!, ...others!].map(({ summary }) => summary.traceId).join();
      return { ...pair, selectedShare, otherShare, telling, traces };
    })
    .filter(({ telling }) => telling)
    .sort((a, b) => b.selectedShare - b.otherShare - (a.selectedShare - a.otherShare));
  return [...Map.groupBy(ranked, ({ traces }) => traces).values()].map(([first, ...rest]) => {
    const { key, value, selectedShare, otherShare } = first!;
    return {
      key,
      value,
      selectedShare,
      otherShare,
      alike: rest.map((one) => ({ key: one.key, value: one.value })),
    };
  });
}

const duration = ({ durationMs }: WrittenSpan): number => durationMs;
const isFailed = ({ status }: WrittenSpan): boolean => status === 'error';
const within = (time: number, { from = 0, to = Infinity }: Partial<TimeRange>): boolean =>
  time >= from && time < to;
const byTime = (a: Numbered, b: Numbered): number => a.time - b.time || a.id - b.id;
const textOf = (value: JsonValue): string => (typeof value === 'string' ? value : JSON.stringify(value));
const pairOf = <T>(id: string, value: T | undefined): [string, T][] =>
  value === undefined ? [] : [[id, value]];

const isEntry = ({ kind }: WrittenSpan): boolean => kind === 'server' || kind === 'consumer';
const entriesOf = (spans: readonly WrittenSpan[], range: Partial<TimeRange> = {}): WrittenSpan[] =>
  spans.filter((span) => isEntry(span) && within(span.start, range));

/** Failed spans, no entries and no calls, whose parent did not fail. */
function failedWorkOf(spans: readonly WrittenSpan[], range: TimeRange): WrittenSpan[] {
  const failed = spans.filter(isFailed);
  const ids = new Set(failed.map(({ traceId, spanId }) => `${traceId} ${spanId}`));
  return failed.filter(
    (span) =>
      !isEntry(span) &&
      span.kind !== 'client' &&
      within(span.start, range) &&
      !ids.has(`${span.traceId} ${span.parentSpanId ?? ''}`),
  );
}

function quantileOf(values: readonly number[], quantile: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)] ?? null;
}

function ratesOf(entries: readonly WrittenSpan[], { from, to }: TimeRange) {
  const count = entries.length;
  const errorShare = count === 0 ? 0 : entries.filter(isFailed).length / count;
  return { count, perSecond: count / ((to - from) / 1_000), errorShare };
}

function serviceOf(
  name: string,
  spans: readonly WrittenSpan[],
  range: TimeRange,
): Omit<ServiceAnswer, 'failedWork' | 'errorLogs'> {
  const entries = entriesOf(spans, range);
  const quantile = (q: number) => quantileOf(entries.map(duration), q) ?? 0;
  return {
    name,
    version: '1.0.0',
    environment: 'test',
    ...ratesOf(entries, range),
    p50: quantile(0.5),
    p95: quantile(0.95),
    p99: quantile(0.99),
    lastSeen: Math.max(...spans.map(({ start }) => start)),
  };
}

function routeOf(spans: readonly WrittenSpan[], range: TimeRange): RouteAnswer {
  const [{ service, method = '', route = '' }] = spans as [WrittenSpan]; // groups are never empty
  const entries = entriesOf(spans, range);
  return {
    service,
    method,
    route,
    handler: undefined,
    ...ratesOf(entries, range),
    p50: quantileOf(entries.map(duration), 0.5),
    p95: quantileOf(entries.map(duration), 0.95),
    lastSeen: Math.max(...spans.map(({ start }) => start)),
  };
}

/** What entered by a route, where one is named. */
const isOfRoute = (
  span: Partial<Pick<WrittenSpan, 'service' | 'route' | 'method'>>,
  { service, route, method }: RouteChoice,
): boolean =>
  (service === undefined || span.service === service) &&
  (route === undefined || span.route === route) &&
  (method === undefined || span.method === method);

function trendsOf(spans: readonly WrittenSpan[], filter: TrendFilter): TrendsAnswer {
  const { from, to, buckets } = filter;
  const width = (to - from) / buckets;
  const times = Array.from({ length: buckets }, (_, index) => from + index * width);
  const recentFrom = times.findLast((time) => time <= filter.recentFrom) ?? from;
  const called = entriesOf(spans, filter).filter((span) => isOfRoute(span, { service: filter.service }));
  const inBuckets = (entries: readonly WrittenSpan[]) =>
    times.map((time) => entriesOf(entries, { from: time, to: time + width }));
  const p95Of = (entries: readonly WrittenSpan[]) => quantileOf(entries.map(duration), 0.95);
  const figuresOf = (entries: readonly WrittenSpan[]) => {
    const { count, errorShare } = ratesOf(entries, filter);
    return { count, errorShare, p50: quantileOf(entries.map(duration), 0.5), p95: p95Of(entries) };
  };
  return {
    times,
    recentFrom,
    services: [...Map.groupBy(called, ({ service }) => service)].map(([service, own]) => ({
      service,
      perSecond: inBuckets(own).map((entries) => entries.length / (width / 1_000)),
      errorsPerSecond: inBuckets(own).map((entries) => entries.filter(isFailed).length / (width / 1_000)),
      p95: inBuckets(own).map(p95Of),
    })),
    routes: [
      ...Map.groupBy(called, (span) => `${span.service} ${span.method ?? ''} ${span.route ?? ''}`).values(),
    ].map((own) => {
      const [{ service, method = '', route = '' }] = own as [WrittenSpan]; // groups are never empty
      return {
        service,
        method,
        route,
        p95: inBuckets(own).map(p95Of),
        all: figuresOf(own),
        recent: figuresOf(entriesOf(own, { from: recentFrom, to })),
        earlier: figuresOf(entriesOf(own, { from, to: recentFrom })),
      };
    }),
  };
}

const versionOf = ({ version = '1.0.0' }: WrittenSpan): string => version;

function routeVersionOf(entries: readonly WrittenSpan[]): RouteVersionAnswer {
  const [first] = entries as [WrittenSpan]; // groups are never empty
  const { service, method = '', route = '' } = first;
  const starts = entries.map(({ start }) => Math.floor(start));
  return {
    service,
    version: versionOf(first),
    method,
    route,
    count: entries.length,
    errorShare: entries.filter(isFailed).length / entries.length,
    p50: quantileOf(entries.map(duration), 0.5) ?? 0,
    p95: quantileOf(entries.map(duration), 0.95) ?? 0,
    firstSeen: Math.min(...starts),
    lastSeen: Math.max(...starts),
  };
}

/** The first span of each process. */
function startsOf(spans: readonly WrittenSpan[]): StartAnswer[] {
  const processes = Map.groupBy(
    [...spans].sort((a, b) => a.start - b.start),
    (span) => `${span.service} ${versionOf(span)} ${span.instance ?? ''}`,
  );
  const newest = new Map<string, string>();
  return [...processes.values()].map((own) => {
    const [first] = own as [WrittenSpan]; // groups are never empty
    const { service, start: time } = first;
    const version = versionOf(first);
    const previousVersion = newest.get(service);
    newest.set(service, version);
    return { service, version, time, previousVersion };
  });
}

function exemplarOf(span: WrittenSpan): ExemplarAnswer {
  const { start, durationMs, traceId, spanId, name } = span;
  return { time: start + durationMs, value: durationMs, traceId, spanId, error: isFailed(span), label: name };
}

function summarize(spans: readonly WrittenSpan[]): TraceSummaryAnswer {
  const root =
    spans.find(({ parentSpanId }) => parentSpanId === undefined) ?? spans.find(isEntry) ?? spans[0]!;
  const errorCount = spans.filter(isFailed).length;
  return {
    traceId: root.traceId,
    name: root.name,
    service: root.service,
    route: isEntry(root) ? root.route : undefined,
    status: root.outcome,
    start: root.start,
    durationMs: root.durationMs,
    spanCount: spans.length,
    errorCount,
    services: [...new Set(spans.map(({ service }) => service))],
    pinned: errorCount > 0,
    state: root.parentSpanId === undefined || isEntry(root) ? undefined : 'partial',
  };
}

function countVolume(logs: readonly Numbered[], filter: LogVolumeFilter): LogVolumeAnswer {
  const { from, to, buckets, service, level } = filter;
  const step = (to - from) / buckets;
  const times = Array.from({ length: buckets }, (_, index) => from + index * step);
  const lines = logs.filter((log) => logMatches(log, { from, to, service, level })).map(toLog);
  const levels = Map.groupBy(lines, (line) => line.level);
  const counts = [...levels].map(([name, ofLevel]) => {
    const inBucket = (begin: number) =>
      ofLevel.filter(({ time }) => time >= begin && time < begin + step).length;
    return [name, times.map(inBucket)] as const;
  });
  return { times, counts: Object.fromEntries(counts) };
}

function traceMatches({ summary, spans, logs }: Trace, filter: TraceFilter): boolean {
  const { service, spanService, route, method, status } = filter;
  const { minMs = 0, maxMs = Infinity, attributes = [], text } = filter;
  const entered = spans.some(
    (span) =>
      isEntry(span) &&
      (route === undefined || span.route === route) &&
      (method === undefined || span.method === method) &&
      (service === undefined || span.service === service),
  );
  return (
    within(summary.start, filter) &&
    summary.durationMs >= minMs &&
    summary.durationMs <= maxMs &&
    (service === undefined || summary.services.includes(service)) &&
    (spanService === undefined || summary.services.includes(spanService)) &&
    ((route === undefined && method === undefined) || entered) &&
    statusMatches(summary, status) &&
    (attributes.length === 0 ||
      [...spans, ...logs].some(
        (part) =>
          (spanService === undefined || part.service === spanService) &&
          attributes.every((field) => isField(part.attributes, field)),
      )) &&
    (text === undefined || textMatches(summary, [...spans, ...logs], text.toLowerCase()))
  );
}

function statusMatches(
  { errorCount, status: outcome = '' }: TraceSummaryAnswer,
  status: string | undefined,
): boolean {
  if (status === undefined) return true;
  if (status === 'error' || status === 'ok') return errorCount > 0 === (status === 'error');
  return /^\dxx$/.test(status)
    ? outcome.length === 3 && outcome.startsWith(status.charAt(0))
    : outcome === status;
}

function textMatches(
  { traceId }: TraceSummaryAnswer,
  parts: readonly (WrittenSpan | WrittenLog)[],
  text: string,
): boolean {
  const textsOf = (part: WrittenSpan | WrittenLog) =>
    'message' in part ? [part.message, part.context] : [part.name, part.statusMessage];
  return (
    traceId === traceIdIn(text)?.toLowerCase() ||
    parts.some((part) =>
      [...textsOf(part), JSON.stringify(part.attributes)].join('\n').toLowerCase().includes(text),
    )
  );
}

const isField = (attributes: JsonAttributes, field: FieldFilter): boolean =>
  fulfils(Object.hasOwn(attributes, field.key) ? attributes[field.key] : undefined, field);
const hasField = ({ spans }: Trace, field: FieldFilter): boolean =>
  spans.some(({ attributes }) => isField(attributes, field));

const ofSameRoute = ({ summary, spans }: Trace, { service, route }: Selection): boolean =>
  (service === undefined || summary.services.includes(service)) &&
  (route === undefined || spans.some((span) => span.route === route));

function isSelected(trace: Trace, selection: Selection): boolean {
  const { minMs = 0, maxMs = Infinity } = selection;
  const { start, durationMs } = trace.summary;
  return (
    ofSameRoute(trace, selection) && within(start, selection) && durationMs >= minMs && durationMs <= maxMs
  );
}

function logMatches(log: WrittenLog, filter: LogFilter): boolean {
  const { service, level = 'trace', text = '', fields = [], context, traceId, spanId } = filter;
  const words = `${log.message} ${log.context ?? ''} ${JSON.stringify(log.attributes)}`
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u);
  const wanted = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return (
    within(log.time, filter) &&
    (service === undefined || log.service === service) &&
    log.level >= LOG_LEVELS[level] &&
    wanted.every((word) => words.some((each) => each.startsWith(word))) &&
    fields.every((field) => isField(log.attributes, field)) &&
    (context === undefined || log.context === context) &&
    (traceId === undefined || log.traceId === traceId) &&
    (spanId === undefined || log.spanId === spanId)
  );
}

/** A cursor is the number of items before it. */
function pageOf<T>(items: readonly T[], before: string | undefined, limit: number): Page<T> {
  const from = /^\d+$/.test(before ?? '') ? Number(before) : 0;
  const to = from + Math.max(1, limit);
  return {
    items: items.slice(from, to),
    next: to < items.length ? String(to) : undefined,
    total: before === undefined ? items.length : undefined,
  };
}

function toSpan(written: WrittenSpan): SpanAnswer {
  const span: SpanAnswer & Partial<WrittenSpan> = { ...written, links: written.links ?? [] };
  for (const key of ['version', 'instance', 'method', 'route', 'outcome'] as const)
    Reflect.deleteProperty(span, key);
  return span;
}

function toLog({
  id,
  time,
  level,
  service,
  context,
  message,
  traceId,
  spanId,
  attributes,
}: Numbered): LogAnswer {
  const names = Object.entries(LOG_LEVELS) as [LogLevelName, number][];
  const name = names.filter(([, number]) => number <= level).at(-1)?.[0] ?? 'trace';
  return { id, time, level: name, service, context, message, traceId, spanId, attributes };
}

function instrumentOf(points: readonly WrittenPoint[], id: number): InstrumentAnswer {
  const [{ service, name, unit, type }] = points as [WrittenPoint]; // groups are never empty
  const values: Record<string, string[]> = {};
  for (const { attributes } of points)
    for (const [key, value] of Object.entries(attributes))
      if (!(values[key] ??= []).includes(value)) values[key].push(value);
  for (const list of Object.values(values)) list.sort((a, b) => a.localeCompare(b));
  return { id, service, name, description: '', unit, type, attributes: values };
}

function drawLine(
  label: string,
  { type, name }: InstrumentAnswer,
  buckets: readonly (readonly WrittenPoint[])[],
  width: number,
): ChartAnswer['series'] {
  if (type === 'counter') {
    const sum = (points: readonly WrittenPoint[]) => points.reduce((total, { value }) => total + value, 0);
    return [{ label, values: buckets.map((points) => sum(points) / (width / 1_000)) }];
  }
  if (type !== 'histogram') {
    const levels = buckets.map((points) => points.map(({ value }) => value));
    const [min, max] = [Math.min, Math.max].map((extreme) =>
      levels.map((values) => (values.length === 0 ? null : extreme(...values))),
    ) as [(number | null)[], (number | null)[]]; // as many as functions
    const means = levels.map((values) =>
      values.length === 0 ? null : values.reduce((a, b) => a + b) / values.length,
    );
    const values = name.endsWith('.max') ? max : name.endsWith('.min') ? min : means;
    return [{ label, values, min, max }];
  }
  return [0.5, 0.95, 0.99].map((quantile) => {
    const bounds = (edge: 0 | 1) =>
      buckets.map((points) =>
        quantileOf(
          points.flatMap((point) => edgesOf(point).map((edges) => edges[edge])),
          quantile,
        ),
      );
    const [min, max] = [bounds(0), bounds(1)];
    return { label: `${label} p${quantile * 100}`.trim(), values: max, min, max };
  });
}

/** The bounds between which each recorded value lies. */
function edgesOf({
  counts = [],
  boundaries = [],
  min = 0,
  max = Infinity,
}: WrittenPoint): [number, number][] {
  return counts.flatMap((count, index) =>
    Array.from({ length: count }, (): [number, number] => [
      Math.max(min, boundaries[index - 1] ?? 0),
      Math.min(max, boundaries[index] ?? Infinity),
    ]),
  );
}
