import { type Page } from '../reader/answers/answer-parts.interface.js';
import { type TraceSummaryAnswer } from '../reader/answers/traces.interface.js';
import {
  type ProcessChoice,
  type QueryOptions,
  type TraceFilter,
} from '../reader/telemetry-reader.interface.js';
import { traceIdIn } from '../reader/trace-id-in.js';
import { type ClickHouse } from './clickhouse.js';
import {
  DURATION,
  FAILED,
  fieldConditions,
  IS_ENTRY,
  METHOD,
  OUTCOME,
  processConditions,
  RANK,
  ROUTE,
  START,
} from './columns.js';
import { allOf, type Bindings } from './query.js';
import { readSummaries } from './read-traces.js';
import { readExtent, TimeWindows } from './time-windows.js';

const LIMIT = 50;
const MAX_LIMIT = 1_000;
/** Looked for in addition: a trace that began before the window is found in an earlier one. */
const SPARE = 20;
/** Queries for one page; a page that is not full then says where to continue. */
const MAX_QUERIES = 12;
/** A span that began so long after its trace is not looked at when traces are searched for by their parts. */
const LONGEST_TRACE_MS = 15 * 60_000;
/** The clock of a log line may be behind that of its trace. */
const LINE_BEFORE_MS = 60_000;

/** Where a page ends. Times are microseconds. */
interface Cursor {
  readonly start: number;
  /** Empty: before all that began at that time. */
  readonly traceId: string;
}

/** A trace that may match: what its spans within a window say. */
export interface Candidate {
  readonly traceId: string;
  /** Microseconds. */
  readonly start: number;
  readonly spans: number;
}

/** Traces, newest first: within windows of time that grow as long as few are found, so that a page of recent ones reads little. */
export async function findTraces(
  clickHouse: ClickHouse,
  filter: TraceFilter,
  options: QueryOptions = {},
): Promise<Page<TraceSummaryAnswer>> {
  const limit = Math.min(Math.max(1, filter.limit ?? LIMIT), MAX_LIMIT);
  const wanted = traceIdIn(filter.text ?? '')?.toLowerCase();
  if (wanted !== undefined) return findOne(clickHouse, wanted, filter, options);
  let cursor = readCursor(filter.before);
  const windows = new TimeWindows(await readExtent(clickHouse, 'traces', filter, options), cursor?.start);
  const items: TraceSummaryAnswer[] = [];
  for (let queries = 0; queries < MAX_QUERIES && !windows.isOver; queries += 1) {
    const asked = limit - items.length + SPARE;
    const found = await findCandidates(clickHouse, windows.current, filter, cursor, asked, options);
    const summaries = await readSummaries(
      clickHouse,
      found.map(({ traceId }) => traceId),
      options,
    );
    for (const candidate of found) {
      const summary = summaries.get(candidate.traceId);
      cursor = candidate;
      // Otherwise the window has only a part of it, which says something else.
      if (summary === undefined || Math.round(summary.start * 1_000) !== candidate.start) continue;
      items.push(summary);
      if (items.length === limit) return { items, next: writeCursor(candidate) };
    }
    if (found.length < asked) windows.goBack();
  }
  if (windows.isOver) return { items, next: undefined };
  const end = { start: windows.current.to, traceId: '' };
  return { items, next: writeCursor(cursor !== undefined && cursor.start < end.start ? cursor : end) };
}

async function findOne(
  clickHouse: ClickHouse,
  traceId: string,
  filter: TraceFilter,
  options: QueryOptions,
): Promise<Page<TraceSummaryAnswer>> {
  const summary = (await readSummaries(clickHouse, [traceId], options)).get(traceId);
  const { from = 0, to = Infinity } = filter;
  const isIn =
    summary !== undefined && filter.before === undefined && summary.start >= from && summary.start < to;
  if (!isIn) return { items: [], next: undefined };
  const start = Math.round(summary.start * 1_000);
  const window = { from: start, to: start + 1 };
  const rest = { ...filter, text: undefined };
  const found = await findCandidates(clickHouse, window, rest, undefined, MAX_LIMIT, options);
  return { items: found.some((one) => one.traceId === traceId) ? [summary] : [], next: undefined };
}

/** Traces whose root began in a window, newest first. @param window microseconds */
export function findCandidates(
  clickHouse: ClickHouse,
  window: { readonly from: number; readonly to: number },
  filter: TraceFilter,
  cursor: Cursor | undefined,
  limit: number,
  options: QueryOptions,
): Promise<Candidate[]> {
  return clickHouse.rows<Candidate>((bind) => {
    const { traces } = clickHouse.tables;
    const [from, to] = [window.from / 1_000, window.to / 1_000];
    const facts = factsOf(bind, filter);
    const parts = partsOf(bind, clickHouse, window, filter);
    const until = facts.length + parts.length > 0 ? to + LONGEST_TRACE_MS : to;
    const place = [
      "TraceId != ''",
      `Timestamp >= ${bind.instant(from)} AND Timestamp < ${bind.instant(until)}`,
      ...parts,
    ];
    const conditions = [
      `start >= ${bind.integer(window.from)} AND start < ${bind.integer(window.to)}`,
      ...numbersOf(bind, filter),
    ];
    if (cursor !== undefined)
      conditions.push(`(start, traceId) < (${bind.integer(cursor.start)}, ${bind.text(cursor.traceId)})`);
    return `SELECT traceId, root.1 AS start, root.2 AS duration, root.3 AS outcome, spans FROM (
        SELECT TraceId AS traceId, argMax((${START}, ${DURATION}, ${filter.status === undefined ? "''" : OUTCOME}), (${RANK}, -${START})) AS root,
          count() AS spans, countIf(${FAILED}) AS failed
        FROM ${traces}
        WHERE ${allOf(place)}
        GROUP BY TraceId HAVING ${allOf(facts)}
      ) WHERE ${allOf(conditions)} ORDER BY start DESC, traceId DESC LIMIT ${bind.integer(limit)}`;
  }, options);
}

/** What the spans of a trace must have, each as a condition of a group of spans. */
function factsOf(bind: Bindings, filter: TraceFilter): string[] {
  const { service, spanService, route, method, status } = filter;
  const facts: string[] = [];
  const ofProcess = processConditions(bind, filter);
  if (service !== undefined || ofProcess.length > 0) {
    const ofService = service === undefined ? [] : [`ServiceName = ${bind.text(service)}`];
    facts.push(`countIf(${allOf([...ofService, ...ofProcess])}) > 0`);
  }
  if (spanService !== undefined) facts.push(`countIf(ServiceName = ${bind.text(spanService)}) > 0`);
  if (route !== undefined || method !== undefined) facts.push(`countIf(${entryCondition(bind, filter)}) > 0`);
  if (status === 'error') facts.push(`countIf(${FAILED}) > 0`);
  if (status === 'ok') facts.push(`countIf(${FAILED}) = 0`);
  return facts;
}

/**
 * What one span or one log line of a trace must have, each as a condition of all its spans. Those that have it are found apart: attributes
 * are most of what a row takes, and ClickHouse has indexes of their values that pass over what cannot have one.
 */
function partsOf(
  bind: Bindings,
  { tables }: ClickHouse,
  window: { readonly from: number; readonly to: number },
  { spanService, attributes = [], text }: TraceFilter,
): string[] {
  const parts: string[] = [];
  const [from, to] = [window.from / 1_000, window.to / 1_000];
  const has = (span: string, line: string): string => {
    const until = bind.instant(to + LONGEST_TRACE_MS);
    return `TraceId IN (
      SELECT TraceId FROM ${tables.traces} WHERE Timestamp >= ${bind.instant(from)} AND Timestamp < ${until} AND (${span})
      UNION ALL SELECT TraceId FROM ${tables.logs} WHERE Timestamp >= ${bind.instant(from - LINE_BEFORE_MS)} AND Timestamp < ${until} AND (${line}))`;
  };
  if (attributes.length > 0) {
    const own = spanService === undefined ? [] : [`ServiceName = ${bind.text(spanService)}`];
    parts.push(
      has(
        allOf([...own, fieldConditions(bind, 'SpanAttributes', attributes)]),
        allOf([...own, fieldConditions(bind, 'LogAttributes', attributes)]),
      ),
    );
  }
  if (text !== undefined && text !== '')
    parts.push(
      has(
        containsText(bind, text, 'SpanAttributes', 'SpanName', 'StatusMessage'),
        containsText(bind, text, 'LogAttributes', 'Body', 'ScopeName'),
      ),
    );
  return parts;
}

/** That a span entered a service by a route, in a chosen process. */
export function entryCondition(
  bind: Bindings,
  {
    service,
    route,
    method,
    ...choice
  }: Pick<TraceFilter, 'service' | 'route' | 'method' | keyof ProcessChoice>,
): string {
  const conditions = [IS_ENTRY, ...processConditions(bind, choice)];
  if (service !== undefined) conditions.push(`ServiceName = ${bind.text(service)}`);
  if (route !== undefined) conditions.push(`${ROUTE} = ${bind.text(route)}`);
  if (method !== undefined) conditions.push(`${METHOD} = ${bind.text(method)}`);
  return allOf(conditions);
}

/** Conditions of the root. */
function numbersOf(bind: Bindings, { minMs, maxMs, status }: TraceFilter): string[] {
  const conditions: string[] = [];
  if (minMs !== undefined) conditions.push(`duration >= ${bind.number(minMs * 1_000)}`);
  if (maxMs !== undefined) conditions.push(`duration <= ${bind.number(maxMs * 1_000)}`);
  if (status === undefined || status === 'error' || status === 'ok') return conditions;
  const [digit] = /^\d(?=xx$)/.exec(status) ?? [];
  conditions.push(
    digit === undefined
      ? `outcome = ${bind.text(status)}`
      : `length(outcome) = 3 AND startsWith(outcome, ${bind.text(digit)})`,
  );
  return conditions;
}

function containsText(
  bind: Bindings,
  text: string,
  attributes: string,
  ...columns: readonly string[]
): string {
  const wanted = bind.text(text);
  const parts = [...columns, `toJSONString(${attributes})`];
  return parts.map((part) => `positionCaseInsensitiveUTF8(${part}, ${wanted}) > 0`).join(' OR ');
}

function writeCursor({ start, traceId }: Cursor): string {
  return `${start}.${traceId}`;
}

/** Undefined for a text that is none. */
function readCursor(text: string | undefined): Cursor | undefined {
  const [, start, traceId] = /^(\d{1,16})\.([\da-f]{32}|)$/.exec(text ?? '') ?? [];
  return start === undefined ? undefined : { start: Number(start), traceId: traceId ?? '' };
}
