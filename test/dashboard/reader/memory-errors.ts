import {
  type ErrorAnswer,
  type ErrorDetailAnswer,
  type ErrorListAnswer,
  type ErrorPartAnswer,
} from '../../../lib/dashboard/reader/answers/errors.interface.js';
import {
  ERROR_STATES,
  type ErrorFilter,
  type TimeRange,
} from '../../../lib/dashboard/reader/telemetry-reader.interface.js';
import { type WrittenLog, type WrittenSpan } from './telemetry.js';

const MIN_PAUSE = 3_600_000;

/** One time that an error happened. */
interface Sighting {
  readonly service: string;
  readonly fingerprint: string;
  readonly type: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly time: number;
  readonly version: string;
  readonly route: string | undefined;
  readonly user: string | undefined;
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  /** How many it stands for. */
  readonly weight: number;
}

/** The answers about errors over lists: every question looks at everything. */
export function findErrors(
  spans: readonly WrittenSpan[],
  logs: readonly WrittenLog[],
  filter: ErrorFilter,
): ErrorListAnswer {
  const { service, state, route, text = '', order = 'lastSeen', limit = 200 } = filter;
  const all = errorsOf(spans, logs, filter)
    .filter((error) => service === undefined || error.service === service)
    .filter(({ routes }) => route === undefined || routes.some(({ value }) => value === route))
    .filter(({ type, message, fingerprint }) =>
      `${type}\n${message}\n${fingerprint}`.toLowerCase().includes(text.toLowerCase()),
    );
  const byLastSeen = (a: ErrorAnswer, b: ErrorAnswer) => b.lastSeen - a.lastSeen;
  const sorted = all
    .filter((error) => state === undefined || error.state === state)
    .sort((a, b) =>
      order === 'state'
        ? ERROR_STATES.indexOf(a.state) - ERROR_STATES.indexOf(b.state) || byLastSeen(a, b)
        : b[order] - a[order] || byLastSeen(a, b),
    );
  const ofState = (name: ErrorAnswer['state']) => all.filter((error) => error.state === name).length;
  return {
    times: timesOf(filter),
    errors: sorted.slice(0, limit).map(withoutDetails),
    states: { new: ofState('new'), back: ofState('back'), known: ofState('known'), gone: ofState('gone') },
  };
}

export function findError(
  spans: readonly WrittenSpan[],
  logs: readonly WrittenLog[],
  question: TimeRange & {
    readonly buckets: number;
    readonly service: string;
    readonly fingerprint: string;
  },
): ErrorDetailAnswer | undefined {
  return errorsOf(spans, logs, question).find(
    ({ service, fingerprint }) => service === question.service && fingerprint === question.fingerprint,
  );
}

function withoutDetails(detailed: ErrorDetailAnswer): ErrorAnswer {
  const error = { ...detailed };
  for (const key of ['times', 'stack', 'versions', 'routes', 'affectedUsers', 'samples'])
    Reflect.deleteProperty(error, key);
  return error;
}

function timesOf({ from, to, buckets }: TimeRange & { readonly buckets: number }): number[] {
  const width = (to - from) / buckets;
  return Array.from({ length: buckets }, (_, index) => from + index * width);
}

function errorsOf(
  spans: readonly WrittenSpan[],
  logs: readonly WrittenLog[],
  range: TimeRange & { readonly buckets: number },
): ErrorDetailAnswer[] {
  const groups = Map.groupBy(sightingsOf(spans, logs), ({ service, fingerprint }) =>
    JSON.stringify([service, fingerprint]),
  );
  const times = timesOf(range);
  const width = (range.to - range.from) / range.buckets;
  const within = (time: number, from: number, to: number) => time >= from && time < to;
  return [...groups.values()].map((unsorted) => {
    const sightings = unsorted.sort((a, b) => a.time - b.time);
    const [first, last] = [sightings[0]!, sightings.at(-1)!];
    const ofRange = sightings.filter(({ time }) => within(time, range.from, range.to));
    const isEstimated = standFor(ofRange) > ofRange.length;
    const seenIn = (from: number, to: number) => {
      const own = sightings.filter(({ time }) => within(time, from, to));
      return isEstimated ? standFor(own) : own.length;
    };
    const count = seenIn(range.from, range.to);
    const pause = Math.max(range.to - range.from, MIN_PAUSE);
    const isOfDeploy = deploysOf(spans).get(first.service) === first.version;
    const isNew = first.time >= range.from || isOfDeploy;
    const known = seenIn(range.from - pause, range.from) > 0 ? ('known' as const) : ('back' as const);
    const samples = sightings.map(({ time, traceId, spanId }) => ({ time, traceId, spanId })).reverse();
    const sample = samples.find(({ traceId }) => traceId !== undefined);
    const routes = partsOf(
      sightings.filter(({ route }) => route !== undefined),
      ({ route }) => route ?? '',
    );
    const users = partsOf(
      sightings.filter(({ user }) => user !== undefined),
      ({ user }) => user ?? '',
    );
    return {
      service: first.service,
      fingerprint: first.fingerprint,
      type: last.type,
      message: last.message,
      state: count === 0 ? 'gone' : isNew ? 'new' : known,
      count,
      total: countOf(sightings),
      firstSeen: first.time,
      lastSeen: last.time,
      firstVersion: first.version,
      lastVersion: last.version,
      counts: times.map((time) => seenIn(time, time + width)),
      route: routes[0]?.value,
      users: users.length,
      sample: sample && { traceId: sample.traceId!, spanId: sample.spanId! },
      times,
      stack: last.stack,
      versions: partsOf(sightings, ({ version }) => version).sort((a, b) => b.lastSeen - a.lastSeen),
      routes,
      affectedUsers: users.sort((a, b) => b.lastSeen - a.lastSeen),
      samples: samples.slice(0, 20),
    };
  });
}

const standFor = (sightings: readonly Sighting[]): number =>
  sightings.reduce((sum, { weight }) => sum + weight, 0);
const countOf = (sightings: readonly Sighting[]): number => Math.max(sightings.length, standFor(sightings));

/** The newest version of each service that has another one before it. */
function deploysOf(spans: readonly WrittenSpan[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const [service, own] of Map.groupBy(spans, (span) => span.service)) {
    const versions = [...new Set(own.map(({ version = '1.0.0' }) => version))];
    if (versions.length > 1) found.set(service, versions.at(-1)!);
  }
  return found;
}

function partsOf(sightings: readonly Sighting[], valueOf: (sighting: Sighting) => string): ErrorPartAnswer[] {
  return [...Map.groupBy(sightings, valueOf)]
    .map(([value, own]) => ({
      value,
      count: countOf(own),
      firstSeen: own[0]!.time,
      lastSeen: own.at(-1)!.time,
    }))
    .sort((a, b) => b.count - a.count);
}

function sightingsOf(spans: readonly WrittenSpan[], logs: readonly WrittenLog[]): Sighting[] {
  const failed = spans.filter(({ status }) => status === 'error');
  const ofSpans = failed.flatMap((span): Sighting[] => {
    const { service, traceId, spanId, version = '1.0.0', attributes, events } = span;
    const children = failed.filter(
      (one) => one.traceId === traceId && one.parentSpanId === spanId && !isHandledCall(one),
    );
    const fingerprint = fingerprintOf(span);
    const isOutside =
      fingerprint === undefined
        ? isHandledCall(span) || children.length > 0
        : children.some((child) => fingerprintOf(child) === fingerprint);
    if (isOutside) return [];
    const exception = events.find(({ name }) => name === 'exception')?.attributes ?? {};
    const type = textOf(exception['exception.type'] ?? attributes['error.type'] ?? 'Error');
    const message = textOf(exception['exception.message'] ?? span.statusMessage ?? span.name);
    const entry = entryOf(span, failed);
    return [
      {
        service,
        fingerprint: fingerprint ?? `${type} ${span.name}`,
        type,
        message,
        stack: exception['exception.stacktrace'] as string | undefined,
        time: span.start + span.durationMs,
        version,
        route: entry && `${entry.method!} ${entry.route!}`,
        user: (entry?.attributes['user.hash'] ?? entry?.attributes['user.id']) as string | undefined,
        traceId,
        spanId,
        weight: span.weight ?? 1,
      },
    ];
  });
  const ofLogs = logs
    .filter(({ level, traceId, attributes }) => {
      if (level < 50 || traceId === undefined) return level >= 50;
      return 'exception.type' in attributes && !failed.some((span) => span.traceId === traceId);
    })
    .map(({ service, version = '1.0.0', time, message, context, traceId, spanId, attributes }): Sighting => {
      const type = textOf(attributes['exception.type'] ?? context ?? 'Log line');
      return {
        service,
        fingerprint: textOf(attributes['exception.fingerprint'] ?? `${type} ${message}`),
        type,
        message: textOf(attributes['exception.message'] ?? message),
        stack: attributes['exception.stacktrace'] as string | undefined,
        time,
        version,
        route: undefined,
        user: undefined,
        traceId,
        spanId,
        // The spans of the traces that were recorded stand for it, too.
        weight: traceId === undefined ? 1 : 0,
      };
    });
  return [...ofSpans, ...ofLogs];
}

/** The request that failed with it: each span on the way has failed. */
function entryOf(span: WrittenSpan, failed: readonly WrittenSpan[]): WrittenSpan | undefined {
  if (span.kind === 'server') return span;
  const parent = failed.find((one) => one.traceId === span.traceId && one.spanId === span.parentSpanId);
  return parent && entryOf(parent, failed);
}

function fingerprintOf({ attributes, events }: WrittenSpan): string | undefined {
  const exception = events.find(({ name }) => name === 'exception')?.attributes;
  return (attributes['exception.fingerprint'] ?? exception?.['exception.type']) as string | undefined;
}

/** Whether it says nothing but that the other side failed. */
const isHandledCall = (span: WrittenSpan): boolean =>
  span.kind === 'client' && fingerprintOf(span) === undefined;

const textOf = (value: unknown): string => String(value);
