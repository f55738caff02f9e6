import { getOrAdd } from '../../get-or-add.js';
import { type CoverageAnswer } from '../../reader/answers/answer-parts.interface.js';
import { type TimeRange } from '../../reader/telemetry-reader.interface.js';
import { type Steps, TimeSlice } from '../../steps.js';
import { type Database } from '../database/database.js';
import { hexOf } from '../encoding/ids.js';
import { ERROR_LEVEL, SPAN_STATUS, type StoredResource } from '../rows.interface.js';
import { type ErrorSighting } from '../writing/error-sums.js';
import { ErrorFinder } from '../writing/find-errors.js';
import { isOfProcesses } from './chosen-processes.js';
import { type NewestTrace, takeNewestTraces } from './newest-traces.js';
import { type SpanColumns } from './query-parts.js';

/** Lines of level error that are read at most, the newest. */
const MAX_LINES = 2_000;
/** SQLite looks at each line of the range in the index: so many times it is asked about a part of it. */
const PARTS = 20;

const SPANS = `SELECT hex(span_id) AS spanId, hex(parent_id) AS parentId, resource, name, kind, start, duration, status,
    status_message AS statusMessage, attributes, events, ifnull(weight, 1) AS weight
  FROM spans INDEXED BY spans_by_trace WHERE trace = ? AND status = ${SPAN_STATUS.error} ORDER BY id LIMIT ?`;
const LINES = `SELECT resource, time, level, context, trace_id AS traceId, span_id AS spanId, message, attributes
  FROM logs INDEXED BY logs_by_time WHERE time >= ? AND time < ? AND level >= ${ERROR_LEVEL} AND ${isOfProcesses('resource')}
  ORDER BY time DESC LIMIT ?`;
const RESOURCE = `SELECT resources.id, services.name AS service, resources.version, resources.environment, instance, attributes
  FROM resources JOIN services ON services.id = resources.service WHERE resources.id = ?`;

interface SpanRow extends SpanColumns {
  readonly spanId: string;
  /** Empty without a parent. */
  readonly parentId: string;
  readonly resource: number;
  readonly weight: number;
}

interface LineRow {
  readonly resource: number;
  readonly time: number;
  readonly level: number;
  readonly context: string | null;
  readonly traceId: Uint8Array | null;
  readonly spanId: Uint8Array | null;
  readonly message: string;
  readonly attributes: string | null;
}

type NumberedResource = StoredResource & { readonly id: number };

/** When an error happened, in milliseconds, and how many times that stands for. */
export type CountedTime = readonly [time: number, weight: number];

/** When errors happened in chosen processes. */
export interface ProcessErrors {
  of(service: string, fingerprint: string): readonly CountedTime[];
  readonly coverage: CoverageAnswer;
}

const UNKNOWN = { service: '', version: '', environment: '', instance: '', attributes: '{}' };

/**
 * Errors of chosen processes: sums are kept by error and version alone, so the failed spans of the newest traces and the newest lines of level
 * error are read again, and counted as they were when they were written.
 *
 * @param processes see `chooseProcesses()`
 */
export function* readErrorsOf(database: Database, range: TimeRange, processes: string): Steps<ProcessErrors> {
  const chosen = new Set(JSON.parse(processes) as number[]);
  const resources = new Map<number, NumberedResource>();
  const resourceOf = (id: number): NumberedResource =>
    getOrAdd(resources, id, () => database.get<NumberedResource>(RESOURCE, id) ?? { id, ...UNKNOWN });
  const found = new Map<string, CountedTime[]>();
  const keyOf = (service: string, fingerprint: string): string => `${service}\n${fingerprint}`;
  const add = ({ resource, fingerprint, time, weight = 1 }: ErrorSighting): void => {
    if (time < range.from || time >= range.to || !chosen.has((resource as NumberedResource).id)) return;
    getOrAdd(found, keyOf(resource.service, fingerprint), (): CountedTime[] => []).push([time, weight]);
  };
  const finder = new ErrorFinder({ add, addEntry: () => undefined });
  const turn = new TimeSlice();
  // eslint-disable-next-line require-yield -- a step of takeNewestTraces(): at most 1,000 rows need no pause
  function* take({ id, traceId }: NewestTrace, left: number): Steps<number> {
    const rows = database.all<SpanRow>(SPANS, id, Math.min(left, 1_000));
    for (const row of rows) finder.takeSpan(toSpan(row, traceId, resourceOf(row.resource)), range.to);
    return rows.length;
  }
  const coverage = yield* takeNewestTraces(
    database,
    { from: range.from, to: range.to, processes, failed: true },
    turn,
    take,
  );
  for (const row of yield* readLines(database, range, processes, turn)) {
    const { resource, traceId, spanId, context, attributes, ...line } = row;
    const ids = {
      traceId: traceId === null ? undefined : hexOf(traceId),
      spanId: spanId === null ? undefined : hexOf(spanId),
    };
    const texts = { context: context ?? undefined, attributes: attributes ?? undefined };
    finder.takeLog({ ...line, ...ids, ...texts, resource: resourceOf(resource) }, range.to);
    if (turn.isOver()) yield* turn.pass();
  }
  finder.decide(range.to, true);
  return { coverage, of: (service, fingerprint) => found.get(keyOf(service, fingerprint)) ?? [] };
}

function* readLines(
  database: Database,
  { from, to }: TimeRange,
  processes: string,
  turn: TimeSlice,
): Steps<LineRow[]> {
  const lines: LineRow[] = [];
  const width = (to - from) / PARTS;
  for (let part = PARTS; part > 0 && lines.length < MAX_LINES; part -= 1) {
    const [begin, end] = [from + (part - 1) * width, part === PARTS ? to : from + part * width];
    lines.push(...database.all<LineRow>(LINES, begin, end, processes, MAX_LINES - lines.length));
    if (turn.isOverNow()) yield* turn.pass();
  }
  return lines;
}

function toSpan({ spanId, parentId, ...row }: SpanRow, traceId: string, resource: StoredResource) {
  const [idHigh, idLow] = wordsOf(spanId);
  const [parentHigh, parentLow] = wordsOf(parentId);
  return {
    ...row,
    resource,
    scope: '',
    traceId,
    idHigh,
    idLow,
    parentHigh,
    parentLow,
    statusMessage: row.statusMessage ?? undefined,
    events: row.events ?? undefined,
    links: undefined,
    method: undefined,
    route: undefined,
    outcome: undefined,
  };
}

/** The two halves of an id; 0 where there is none. */
function wordsOf(hex: string): [high: number, low: number] {
  if (hex === '') return [0, 0];
  return [Number.parseInt(hex.slice(0, 8), 16) | 0, Number.parseInt(hex.slice(8), 16) | 0];
}
