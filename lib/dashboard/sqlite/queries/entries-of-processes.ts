import { getOrAdd } from '../../get-or-add.js';
import { type CoverageAnswer } from '../../reader/answers/answer-parts.interface.js';
import { type Steps, TimeSlice } from '../../steps.js';
import { type Database } from '../database/database.js';
import { BucketCounts } from '../encoding/bucket-counts.js';
import { valueBucket } from '../encoding/buckets.js';
import { hexOf } from '../encoding/ids.js';
import { SPAN_KIND, SPAN_STATUS } from '../rows.interface.js';
import { FAILED_WORK } from '../writing/failed-work.js';
import { type NewestTrace, takeNewestTraces } from './newest-traces.js';
import { type RollupRange, type RouteSlotSums, type SlotSums } from './rollups.js';

/** Spans of a trace that are read without a look at the clock. */
const SLICE = 200;

const SPANS = `SELECT id, hex(span_id) AS spanId, CASE WHEN status = ${SPAN_STATUS.error} THEN hex(parent_id) END AS failedIn,
    resource, kind, route, start, duration, ifnull(weight, 1) AS weight FROM spans INDEXED BY spans_by_trace WHERE trace = ? AND id > ? ORDER BY id LIMIT ${SLICE}`;
const WORK = 'SELECT service, id FROM routes WHERE is_entry = 0 AND method = ?';

/** Ids are upper case. Times are microseconds. */
interface SpanRow {
  readonly id: number;
  readonly spanId: string;
  /** The parent of a failed one, empty without; null of one that has not failed. */
  readonly failedIn: string | null;
  readonly resource: number;
  readonly kind: number;
  /** The group of what entered a service or has no parent. */
  readonly route: number | null;
  readonly start: number;
  readonly duration: number;
  /** How many it stands for. */
  readonly weight: number;
}

interface PlacedSpan extends SpanRow {
  readonly trace: number;
}

/** What entered by a route, or failed in a service, in one slot of time. */
class EntrySum {
  private count = 0;
  private errors = 0;
  private longest = 0;
  private slowest: PlacedSpan | undefined;
  private slowestFailed: PlacedSpan | undefined;
  private readonly buckets = new BucketCounts();

  constructor(
    readonly route: number,
    readonly slot: number,
  ) {}

  add(span: PlacedSpan): void {
    const { duration, weight } = span;
    this.count += weight;
    this.longest = Math.max(this.longest, duration);
    this.buckets.add(valueBucket(duration), weight);
    if (span.failedIn === null) {
      if (duration >= (this.slowest?.duration ?? 0)) this.slowest = span;
      return;
    }
    this.errors += weight;
    if (duration >= (this.slowestFailed?.duration ?? 0)) this.slowestFailed = span;
  }

  /** As SQLite gives the sums of all processes. */
  toSums(): EntrySums {
    const { route, slot, count, errors, longest, slowest, slowestFailed } = this;
    const buckets = hexOf(this.buckets.encode()).toUpperCase();
    const exemplars = { slowest: writeExemplar(slowest), slowestFailed: writeExemplar(slowestFailed) };
    return { route, slot, count, errors, longest, buckets, ...exemplars };
  }
}

function writeExemplar(span: PlacedSpan | undefined): string | null {
  return span === undefined
    ? null
    : `${span.duration} ${Math.floor(span.start)} ${span.trace} ${span.spanId}`;
}

/** Sums of a route in one slot. */
export type EntrySums = RouteSlotSums & SlotSums;

/** Sums in the order of their routes and times. */
export interface ProcessEntries {
  readonly entries: readonly EntrySums[];
  readonly failedWork: readonly EntrySums[];
  readonly coverage: CoverageAnswer;
}

/**
 * What entered chosen processes, and what failed in them outside of it: no sums are kept by process, so the spans of the newest traces of the
 * range are added up.
 *
 * @param processes see `chooseProcesses()`
 */
export function* readEntriesOf(
  database: Database,
  range: RollupRange,
  processes: string,
): Steps<ProcessEntries> {
  const chosen = new Set(JSON.parse(processes) as number[]);
  const entries = new Map<string, EntrySum>();
  const failedWork = new Map<string, EntrySum>();
  const workRoutes = findWorkRoutes(database);
  const entryRoutes = new Set(
    database.all<{ id: number }>('SELECT id FROM routes WHERE is_entry = 1').map(({ id }) => id),
  );
  const add = (sums: Map<string, EntrySum>, route: number, span: PlacedSpan): void => {
    const slot = Math.floor(span.start / 1_000 / range.slot) * range.slot;
    if (slot < range.from || slot >= range.to) return;
    getOrAdd(sums, `${route} ${slot}`, () => new EntrySum(route, slot)).add(span);
  };
  const turn = new TimeSlice();
  function* take(trace: NewestTrace, left: number): Steps<number> {
    const spans = yield* readSpans(database, trace.id, left, turn);
    const failed = new Set(spans.flatMap(({ spanId, failedIn }) => (failedIn === null ? [] : [spanId])));
    for (const span of spans) {
      if (!chosen.has(span.resource)) continue;
      const placed = { ...span, trace: trace.id };
      if (span.route !== null && entryRoutes.has(span.route)) add(entries, span.route, placed);
      else if (span.failedIn !== null && span.kind !== SPAN_KIND.client && !failed.has(span.failedIn)) {
        const route = workRoutes.get(span.resource);
        if (route !== undefined) add(failedWork, route, placed);
      }
    }
    return spans.length;
  }
  const coverage = yield* takeNewestTraces(
    database,
    { from: range.from, to: range.to, processes },
    turn,
    take,
  );
  return { entries: rowsOf(entries), failedWork: rowsOf(failedWork), coverage };
}

/** The group of failed work of the service of each resource. */
function findWorkRoutes(database: Database): ReadonlyMap<number, number> {
  const ofService = new Map(
    database
      .all<{ service: number; id: number }>(WORK, FAILED_WORK.method)
      .map(({ service, id }) => [service, id]),
  );
  const resources = database.all<{ id: number; service: number }>('SELECT id, service FROM resources');
  return new Map(
    resources.flatMap(({ id, service }) => {
      const route = ofService.get(service);
      return route === undefined ? [] : [[id, route] as const];
    }),
  );
}

function* readSpans(database: Database, trace: number, limit: number, turn: TimeSlice): Steps<SpanRow[]> {
  const spans: SpanRow[] = [];
  for (let last = 0; spans.length < limit;) {
    const rows = database.all<SpanRow>(SPANS, trace, last);
    for (const row of rows) spans.push(row);
    last = rows.at(-1)?.id ?? last;
    if (rows.length < SLICE) break;
    if (turn.isOverNow()) yield* turn.pass();
  }
  return spans;
}

function rowsOf(sums: ReadonlyMap<string, EntrySum>): readonly EntrySums[] {
  return [...sums.values()].sort((a, b) => a.route - b.route || a.slot - b.slot).map((each) => each.toSums());
}
