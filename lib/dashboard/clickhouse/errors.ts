import {
  ATTR_ERROR_TYPE,
  ATTR_EXCEPTION_FINGERPRINT,
  ATTR_EXCEPTION_MESSAGE,
  ATTR_EXCEPTION_STACKTRACE,
  ATTR_EXCEPTION_TYPE,
  ATTR_USER_HASH,
  ATTR_USER_ID,
} from '../../config/semantic-conventions.constants.js';
import { fingerprintTexts } from '../../tracing/fingerprint-exception.js';
import { getOrAdd } from '../get-or-add.js';
import {
  type ErrorAnswer,
  type ErrorDetailAnswer,
  type ErrorListAnswer,
  type ErrorPartAnswer,
  type ErrorState,
  MAX_COUNTED_USERS,
} from '../reader/answers/errors.interface.js';
import {
  ERROR_STATES,
  type ErrorFilter,
  type ErrorQuestion,
  type ProcessChoice,
  type QueryOptions,
  type TimeRange,
} from '../reader/telemetry-reader.interface.js';
import { type ClickHouse, type TableNames } from './clickhouse.js';
import {
  DURATION,
  FAILED,
  IS_ENTRY,
  known,
  METHOD,
  processConditions,
  ROUTE,
  START,
  VERSION,
} from './columns.js';
import { allOf, type Bindings } from './query.js';
import { WEIGHT } from './weight.js';

const HOUR_MS = 3_600_000;
/** So long before the range errors are looked for: what was not seen since then is new. */
const KNOWN_MS = 7 * 24 * HOUR_MS;
/** What was not seen for a shorter time is not back: it comes now and then. */
const MIN_PAUSE_MS = HOUR_MS;
const DEFAULT_LIMIT = 200;
const MAX_SAMPLES = 20;
const MAX_SHOWN_USERS = 100;
/** Errors of one text, version and route; those beyond it are left out, the rarest first. */
const MAX_GROUPS = 20_000;
const MAX_MESSAGE = 1_000;
const MAX_STACK = 16_384;

/** Sightings that have all but the time in common. Times are milliseconds. */
interface GroupRow {
  readonly service: string;
  /** Empty where neither the span nor the exception has one. */
  readonly fingerprint: string;
  readonly type: string;
  readonly message: string;
  readonly stack: string;
  /** What distinguishes errors without a fingerprint beside their texts: the name of a span that failed without an exception. */
  readonly name: string;
  readonly version: string;
  readonly route: string;
  readonly total: number;
  /** How many these stand for; 0 for a line whose trace was not recorded, as the spans that were stand for it, too. */
  readonly standFor: number;
  readonly before: number;
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly buckets: readonly number[];
  readonly counts: readonly number[];
  readonly weights: readonly number[];
  /** Users, how often and when their requests failed; in one order. */
  readonly users: readonly string[];
  readonly userCounts: readonly number[];
  readonly userFirst: readonly number[];
  readonly userLast: readonly number[];
  readonly samples: readonly (readonly [minusTime: number, traceId: string, spanId: string])[];
}

interface Place extends TimeRange, ProcessChoice {
  readonly buckets: number;
  readonly service?: string | undefined;
}

/** Where failed spans and error lines are. */
type ErrorTables = Pick<TableNames, 'traces' | 'logs'>;

interface Timeline {
  readonly times: readonly number[];
  readonly width: number;
}

function splitTime({ from, to, buckets }: Place): Timeline {
  const width = Math.max(1, Math.ceil((to - from) / Math.max(1, buckets)));
  return {
    width,
    times: Array.from({ length: Math.ceil((to - from) / width) }, (_, index) => from + index * width),
  };
}

/** Errors of a range and the times before, and how many of each state there are. */
export async function findErrors(
  clickHouse: ClickHouse,
  filter: ErrorFilter,
  options: QueryOptions = {},
): Promise<ErrorListAnswer> {
  const { state, route, text, order = 'lastSeen', limit = DEFAULT_LIMIT } = filter;
  const all = await readErrors(clickHouse, filter, options);
  const wanted = text?.toLowerCase() ?? '';
  const about = all.filter(
    ({ answer: { type, message, fingerprint }, details: { routes } }) =>
      `${type}\n${message}\n${fingerprint}`.toLowerCase().includes(wanted) &&
      (route === undefined || routes.some(({ value }) => value === route)),
  );
  const states = { new: 0, back: 0, known: 0, gone: 0 };
  for (const { answer } of about) states[answer.state] += 1;
  const errors = about
    .map(({ answer }) => answer)
    .filter((error) => state === undefined || error.state === state)
    .sort(ORDERS[order])
    .slice(0, limit);
  return { times: splitTime(filter).times, errors, states };
}

/** One error; undefined when it is not stored. */
export async function readError(
  clickHouse: ClickHouse,
  question: ErrorQuestion,
  options: QueryOptions = {},
): Promise<ErrorDetailAnswer | undefined> {
  const all = await readErrors(clickHouse, question, options);
  const found = all.find(({ answer }) => answer.fingerprint === question.fingerprint);
  return found && { ...found.answer, ...found.details };
}

/** An error, and what only the answer about it alone has. */
interface FoundError {
  readonly answer: ErrorAnswer;
  readonly details: Omit<ErrorDetailAnswer, keyof ErrorAnswer>;
}

const byLastSeen = (a: ErrorAnswer, b: ErrorAnswer): number => b.lastSeen - a.lastSeen;

const ORDERS: Readonly<
  Record<NonNullable<ErrorFilter['order']>, (a: ErrorAnswer, b: ErrorAnswer) => number>
> = {
  lastSeen: byLastSeen,
  firstSeen: (a, b) => b.firstSeen - a.firstSeen || byLastSeen(a, b),
  count: (a, b) => b.count - a.count || byLastSeen(a, b),
  state: (a, b) => ERROR_STATES.indexOf(a.state) - ERROR_STATES.indexOf(b.state) || byLastSeen(a, b),
};

async function readErrors(
  clickHouse: ClickHouse,
  place: Place,
  options: QueryOptions,
): Promise<FoundError[]> {
  const timeline = splitTime(place);
  const rollups = await clickHouse.rollups.since(place.from - KNOWN_MS, options);
  // Copies of failed spans and of error lines are enough.
  const tables: ErrorTables =
    rollups === undefined ? clickHouse.tables : { traces: rollups.failedSpans, logs: rollups.errorLines };
  const [spans, lines] = await Promise.all([
    clickHouse.rows<GroupRow>((bind) => failedSpans(bind, tables, place, timeline), options),
    clickHouse.rows<GroupRow>((bind) => errorLines(bind, tables, place, timeline), options),
  ]);
  const errors = new Map<string, GroupRow[]>();
  for (const row of [...spans, ...lines]) {
    const fingerprint = fingerprintOf(row);
    getOrAdd(errors, JSON.stringify([row.service, fingerprint]), (): GroupRow[] => []).push({
      ...row,
      fingerprint,
    });
  }
  const deploys = deploysOf([...spans, ...lines]);
  return [...errors.values()].map((rows) => describe(rows, place, timeline, deploys));
}

function fingerprintOf({ fingerprint, type, message, stack, name }: GroupRow): string {
  if (fingerprint !== '') return fingerprint;
  return fingerprintTexts(type, name === '' ? message : `${name}\n${message}`, known(stack));
}

/** The sums of sightings, which have a row each: what an error `says`, and its `trail`, are the message and the stack of `GroupRow`. */
function sums(bind: Bindings, { from, to }: Place, { width }: Timeline, sightings: string): string {
  const [begin, end] = [bind.integer(from), bind.integer(to)];
  const pause = bind.integer(from - Math.max(to - from, MIN_PAUSE_MS));
  const bucket = `intDiv(time - ${begin}, ${bind.integer(width)})`;
  return `SELECT service, fingerprint, type, argMax(says, time) AS message, argMax(trail, time) AS stack, name, version, route,
      count() AS total, sum(weight) AS standFor, countIf(time >= ${pause} AND time < ${begin}) AS before, min(time) AS firstSeen, max(time) AS lastSeen,
      sumMapIf([toInt64(${bucket})], [toUInt64(1)], [weight], time >= ${begin} AND time < ${end}) AS inRange, inRange.1 AS buckets, inRange.2 AS counts, inRange.3 AS weights,
      groupArraySorted(${MAX_SAMPLES})((-time, traceId, spanId)) AS samples,
      sumMapIf([user], [weight], user != '') AS ofUsers, arraySlice(ofUsers.1, 1, ${MAX_COUNTED_USERS}) AS users,
      arraySlice(ofUsers.2, 1, ${MAX_COUNTED_USERS}) AS userCounts,
      arraySlice(minMapIf([user], [time], user != '').2, 1, ${MAX_COUNTED_USERS}) AS userFirst,
      arraySlice(maxMapIf([user], [time], user != '').2, 1, ${MAX_COUNTED_USERS}) AS userLast
    FROM (${sightings})
    WHERE time < ${end}
    GROUP BY service, fingerprint, type, if(fingerprint = '', says, ''), if(fingerprint = '', trail, ''), name, version, route
    ORDER BY total DESC LIMIT ${MAX_GROUPS}`;
}

const onSpan = (key: string): string => `SpanAttributes['${key}']`;
const USER = `if(${onSpan(ATTR_USER_HASH)} != '', ${onSpan(ATTR_USER_HASH)}, ${onSpan(ATTR_USER_ID)})`;
const event = (key: string): string => `exception['${key}']`;

/**
 * Failed spans, each exception once: where it was recorded first. A span that failed without one counts where no failed span is inside of
 * it; a call of a client does not, as it may have been handled.
 */
function failedSpans(bind: Bindings, { traces }: ErrorTables, place: Place, timeline: Timeline): string {
  const since = bind.instant(place.from - KNOWN_MS);
  const until = bind.instant(place.to);
  const failed = `SELECT TraceId, SpanId, ParentSpanId, toString(ServiceName) AS service, toString(SpanName) AS spanName, toString(SpanKind) AS kind,
      ResourceAttributes, ${WEIGHT} AS weight, intDiv(${START} + ${DURATION}, 1000) AS time, ${VERSION} AS version,
      arrayLastIndex(each -> each = 'exception', Events.Name) AS place, Events.Attributes[place] AS exception,
      if(${onSpan(ATTR_EXCEPTION_FINGERPRINT)} != '', ${onSpan(ATTR_EXCEPTION_FINGERPRINT)}, ${event(ATTR_EXCEPTION_FINGERPRINT)}) AS fingerprint,
      place > 0 OR fingerprint != '' AS isException,
      multiIf(place > 0 AND ${event(ATTR_EXCEPTION_TYPE)} != '', ${event(ATTR_EXCEPTION_TYPE)}, ${onSpan(ATTR_ERROR_TYPE)} != '', ${onSpan(ATTR_ERROR_TYPE)}, 'Error') AS type,
      substringUTF8(multiIf(place > 0, ${event(ATTR_EXCEPTION_MESSAGE)}, StatusMessage != '', StatusMessage, spanName), 1, ${MAX_MESSAGE}) AS says,
      substringUTF8(${event(ATTR_EXCEPTION_STACKTRACE)}, 1, ${MAX_STACK}) AS trail,
      multiIf(NOT isException, '', fingerprint != '', fingerprint, concat(type, '\\n', says, '\\n', trail)) AS key
    FROM ${traces} WHERE ${FAILED} AND Timestamp >= ${since} AND Timestamp < ${until}`;
  const entries = `SELECT TraceId, toString(ServiceName) AS entryService, argMin((concat(${METHOD}, ' ', ${ROUTE}), ${USER}), Timestamp) AS entry
    FROM ${traces} WHERE ${FAILED} AND ${IS_ENTRY} AND Timestamp >= ${since} AND Timestamp < ${until} GROUP BY TraceId, entryService`;
  const counts = [
    "(isException AND NOT has(inside, key)) OR (NOT isException AND kind != 'Client' AND empty(inside))",
  ];
  if (place.service !== undefined) counts.push(`service = ${bind.text(place.service)}`);
  const ofProcess = processConditions(bind, place);
  if (ofProcess.length > 0) counts.push(allOf(ofProcess));
  const sightings = `SELECT service, fingerprint, type, says, trail, if(isException, '', spanName) AS name, version, entry.1 AS route, entry.2 AS user, time, weight,
      failed.TraceId AS traceId, failed.SpanId AS spanId
    FROM (${failed}) AS failed
    LEFT JOIN (SELECT TraceId, ParentSpanId AS outer, groupUniqArray(100)(key) AS inside FROM (${failed})
      WHERE ParentSpanId != '' AND (isException OR kind != 'Client') GROUP BY TraceId, ParentSpanId) AS children
      ON children.TraceId = failed.TraceId AND children.outer = failed.SpanId
    LEFT JOIN (${entries}) AS entries ON entries.TraceId = failed.TraceId AND entries.entryService = failed.service
    WHERE ${allOf(counts)}`;
  return sums(bind, place, timeline, sightings);
}

const onLine = (key: string): string => `LogAttributes['${key}']`;

/** Lines of level error outside of traces; with an exception also those of traces that have no failed span. */
function errorLines(bind: Bindings, { traces, logs }: ErrorTables, place: Place, timeline: Timeline): string {
  const range = `Timestamp >= ${bind.instant(place.from - KNOWN_MS)} AND Timestamp < ${bind.instant(place.to)}`;
  const isException = `${onLine(ATTR_EXCEPTION_TYPE)} != ''`;
  const conditions = [
    range,
    'SeverityNumber >= 17',
    ...processConditions(bind, place),
    `TraceId = '' OR (${isException} AND TraceId NOT IN (SELECT TraceId FROM ${traces} WHERE ${FAILED} AND ${range}))`,
  ];
  if (place.service !== undefined) conditions.push(`ServiceName = ${bind.text(place.service)}`);
  const sightings = `SELECT toString(ServiceName) AS service, if(${isException}, ${onLine(ATTR_EXCEPTION_FINGERPRINT)}, '') AS fingerprint,
      multiIf(${isException}, ${onLine(ATTR_EXCEPTION_TYPE)}, ScopeName != '', ScopeName, 'Log line') AS type,
      substringUTF8(if(${isException}, ${onLine(ATTR_EXCEPTION_MESSAGE)}, Body), 1, ${MAX_MESSAGE}) AS says,
      substringUTF8(${onLine(ATTR_EXCEPTION_STACKTRACE)}, 1, ${MAX_STACK}) AS trail, '' AS name, ${VERSION} AS version, '' AS route, '' AS user,
      toUnixTimestamp64Milli(Timestamp) AS time, if(TraceId = '', 1., 0.) AS weight, TraceId AS traceId, SpanId AS spanId
    FROM ${logs} WHERE ${allOf(conditions)}`;
  return sums(bind, place, timeline, sightings);
}

/** The version that each service runs now, of those that have run another one before; as far as their errors tell. */
function deploysOf(rows: readonly GroupRow[]): ReadonlyMap<string, string> {
  const begins = new Map<string, Map<string, number>>();
  for (const { service, version, firstSeen } of rows) {
    const versions = getOrAdd(begins, service, () => new Map<string, number>());
    versions.set(version, Math.min(versions.get(version) ?? Infinity, firstSeen));
  }
  const deploys = new Map<string, string>();
  for (const [service, versions] of begins) {
    const [newest] = [...versions].sort(([, a], [, b]) => b - a);
    if (newest !== undefined && versions.size > 1) deploys.set(service, newest[0]);
  }
  return deploys;
}

function describe(
  rows: readonly GroupRow[],
  { from }: Place,
  { times }: Timeline,
  deploys: ReadonlyMap<string, string>,
): FoundError {
  const first = rows.reduce((a, b) => (b.firstSeen < a.firstSeen ? b : a));
  const last = rows.reduce((a, b) => (b.lastSeen > a.lastSeen ? b : a));
  const seen = times.map(() => 0);
  const standFor = times.map(() => 0);
  for (const row of rows)
    row.buckets.forEach((bucket, index) => {
      seen[bucket] = (seen[bucket] ?? 0) + (row.counts[index] ?? 0);
      standFor[bucket] = (standFor[bucket] ?? 0) + (row.weights[index] ?? 0);
    });
  const counts = sum(standFor) > sum(seen) ? standFor.map(Math.round) : seen;
  const count = sum(counts);
  const { service, fingerprint } = first;
  const isNew = first.firstSeen >= from || deploys.get(service) === first.version;
  const seenBefore = sum(rows.map(({ before }) => before)) > 0;
  const state: ErrorState = count === 0 ? 'gone' : isNew ? 'new' : seenBefore ? 'known' : 'back';
  const samples = rows
    .flatMap((row) => row.samples)
    .sort(([a], [b]) => a - b)
    .slice(0, MAX_SAMPLES)
    .map(([minusTime, traceId, spanId]) => ({
      time: -minusTime,
      traceId: known(traceId),
      spanId: known(spanId),
    }));
  const routes = partsOf(
    rows.filter(({ route }) => route !== ''),
    ({ route }) => route,
  );
  const users = usersOf(rows);
  const found = samples.find(({ traceId, spanId }) => traceId !== undefined && spanId !== undefined);
  const answer = {
    service,
    fingerprint,
    type: last.type,
    message: last.message,
    state,
    count,
    total: countOf(rows),
    firstSeen: first.firstSeen,
    lastSeen: last.lastSeen,
    firstVersion: first.version,
    lastVersion: last.version,
    counts,
    route: routes[0]?.value,
    users: Math.min(users.length, MAX_COUNTED_USERS),
    sample: found && { traceId: found.traceId ?? '', spanId: found.spanId ?? '' },
  };
  const details = {
    times,
    stack: known(last.stack),
    versions: partsOf(rows, ({ version }) => version).sort(
      (a, b) => b.lastSeen - a.lastSeen || b.firstSeen - a.firstSeen,
    ),
    routes,
    affectedUsers: users.slice(0, MAX_SHOWN_USERS),
    samples,
  };
  return { answer, details };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** Failures that were seen, or those that these stand for, where that is more: each of both is too few at times. */
const countOf = (rows: readonly GroupRow[]): number =>
  Math.round(Math.max(sum(rows.map(({ total }) => total)), sum(rows.map(({ standFor }) => standFor))));

function partsOf(rows: readonly GroupRow[], valueOf: (row: GroupRow) => string): ErrorPartAnswer[] {
  const parts = new Map<string, GroupRow[]>();
  for (const row of rows) getOrAdd(parts, valueOf(row), (): GroupRow[] => []).push(row);
  return [...parts]
    .map(([value, own]) => ({
      value,
      count: countOf(own),
      firstSeen: Math.min(...own.map(({ firstSeen }) => firstSeen)),
      lastSeen: Math.max(...own.map(({ lastSeen }) => lastSeen)),
    }))
    .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
}

/** The last seen first. */
function usersOf(rows: readonly GroupRow[]): ErrorPartAnswer[] {
  const parts = new Map<string, ErrorPartAnswer>();
  for (const row of rows)
    row.users.forEach((value, index) => {
      const [count = 0, firstSeen = 0, lastSeen = 0] = [
        row.userCounts[index],
        row.userFirst[index],
        row.userLast[index],
      ];
      const before = parts.get(value) ?? { value, count: 0, firstSeen, lastSeen };
      parts.set(value, {
        value,
        count: before.count + Math.round(count),
        firstSeen: Math.min(before.firstSeen, firstSeen),
        lastSeen: Math.max(before.lastSeen, lastSeen),
      });
    });
  return [...parts.values()].sort((a, b) => b.lastSeen - a.lastSeen);
}
