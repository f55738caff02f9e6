import { getOrAdd } from '../../get-or-add.js';
import {
  type OperationAnswer,
  type OperationKind,
  type OperationListAnswer,
} from '../../reader/answers/operations.interface.js';
import { rankOperations } from '../../reader/sum-operations.js';
import { type OperationFilter, type TimeRange } from '../../reader/telemetry-reader.interface.js';
import { type Steps, TimeSlice } from '../../steps.js';
import { type Database } from '../database/database.js';
import {
  OPERATION_SLOTS_MS,
  OPERATION_SUMS_KEPT_MS,
  OPERATION_SUMS_LATE_MS,
  quantilesOf,
  readCounts,
} from '../encoding/buckets.js';
import { chooseProcesses } from './chosen-processes.js';
import { findOperationsOf } from './operations-of-processes.js';
import { chooseService, readServiceNames } from './query-parts.js';

/** Sums between two looks at the clock. */
const SLICE = 250;
/** Where a range has more slots of one length, it is read in longer ones. */
const MAX_SLOTS = 240;

const SUMS = `SELECT operation, part, count, errors, traces, self_time AS selfTime, total, longest, buckets FROM operation_sums
  WHERE level = ? AND slot = ? AND (operation, part) > (?, ?) {of} ORDER BY operation, part LIMIT ?`;
const OF_SERVICE = 'AND operation IN (SELECT id FROM operations WHERE service = ?)';
const NAME = 'SELECT service, kind, name, target, attribute FROM operations WHERE id = ?';
const FIRST = 'SELECT min(slot) AS first FROM operation_sums WHERE level = ?';
const TRACE = 'SELECT 1 FROM traces WHERE start >= ? AND start < ? LIMIT 1';

interface SumRow {
  readonly operation: number;
  readonly part: number;
  readonly count: number;
  readonly errors: number;
  readonly traces: number;
  readonly selfTime: number;
  readonly total: number;
  readonly longest: number;
  readonly buckets: Uint8Array;
}

interface NameRow {
  readonly service: number;
  readonly kind: OperationKind;
  readonly name: string;
  readonly target: string;
  readonly attribute: string;
}

/** All sums of an operation. Durations are microseconds. */
class Total {
  count = 0;
  errors = 0;
  traces = 0;
  selfTime = 0;
  total = 0;
  private longest = 0;
  private readonly buckets: Uint8Array[] = [];

  add(row: SumRow): void {
    this.count += row.count;
    this.errors += row.errors;
    this.traces += row.traces;
    this.selfTime += row.selfTime;
    this.total += row.total;
    this.longest = Math.max(this.longest, row.longest);
    this.buckets.push(row.buckets);
  }

  /** Reads all buckets: to be called for what is shown only. */
  readQuantile(share: number): number {
    const counts = new Map<number, number>();
    const add = (bucket: number, count: number): void => {
      counts.set(bucket, (counts.get(bucket) ?? 0) + count);
    };
    for (const bytes of this.buckets) readCounts(bytes, add);
    return quantilesOf(counts, [share], this.longest)[0] ?? 0;
  }
}

/** Operations over all traces of the range, which grows to whole minutes, or to longer slots where minutes are not kept. */
export function* findOperations(database: Database, filter: OperationFilter): Steps<OperationListAnswer> {
  const { from, to, service: name, order } = filter;
  const service = chooseService(database, name);
  const processes = service && chooseProcesses(database, filter, service.id);
  if (processes !== undefined) return yield* findOperationsOf(database, filter, service?.id, processes);
  const firsts = readFirstSlots(database);
  const begin = beginOfSums(firsts);
  const turn = new TimeSlice();
  const totals = new Map<number, Total>();
  let since = begin === Infinity ? to : from;
  if (service !== undefined && begin !== Infinity)
    since = yield* readTotals(
      database,
      slotsOf({ from: Math.max(from, begin), to }, firsts, Date.now()),
      service.id,
      totals,
      turn,
    );
  const sumsOf = yield* describeTotals(database, totals, turn);
  const found = [...sumsOf.keys()];
  const readQuantiles = function* (of: readonly Found[]): Steps<void> {
    for (const each of of) {
      each.p95 = (sumsOf.get(each)?.readQuantile(0.95) ?? 0) / 1_000;
      if (turn.isOver()) yield* turn.pass();
    }
  };
  if (order === 'p95') yield* readQuantiles(found);
  const { operations, total } = rankOperations(found, filter);
  if (order !== 'p95') yield* readQuantiles(operations);
  const entries = found.filter(({ kind }) => ENTRIES.has(kind));
  const isCovered = !hasTraces(database, from, Math.min(since, to));
  return {
    operations,
    total,
    traces: countOf(entries),
    spans: countOf(found),
    since: isCovered ? from : Math.min(since, to),
    complete: isCovered,
  };
}

/** Kinds of which each is a part of a trace. */
const ENTRIES: ReadonlySet<OperationKind> = new Set(['request', 'message', 'job']);

function countOf(found: readonly Found[]): number {
  return found.reduce((sum, { count }) => sum + count, 0);
}

/** The first slot of each level; Infinity where there is none. */
function readFirstSlots(database: Database): readonly number[] {
  return OPERATION_SLOTS_MS.map(
    (_, level) => database.one<{ first: number | null }>(FIRST, level).first ?? Infinity,
  );
}

/** Where the first sums lie. Those of an hour say the hour only: they count where finer ones do not reach back to it. */
function beginOfSums(firsts: readonly number[]): number {
  return firsts.reduce(
    (begin, first, level) => (first + (OPERATION_SLOTS_MS[level] ?? 0) <= begin ? first : begin),
    Infinity,
  );
}

/** Whether traces lie there: a file of an earlier version has some without sums. */
function hasTraces(database: Database, from: number, to: number): boolean {
  return database.get(TRACE, from * 1_000, to * 1_000) !== undefined;
}

/** Adds up the newest slots first; returns the begin of the last, which is not that of the range where there are very many sums. */
function* readTotals(
  database: Database,
  slots: readonly Slot[],
  service: number | undefined,
  totals: Map<number, Total>,
  turn: TimeSlice,
): Steps<number> {
  const sql = SUMS.replace('{of}', service === undefined ? '' : OF_SERVICE);
  const ofService = service === undefined ? [] : [service];
  for (const { level, slot, to } of slots.toReversed()) {
    if (turn.isLong) return to;
    for (let last = { operation: -1, part: -1 }; ;) {
      const rows = database.all<SumRow>(sql, level, slot, last.operation, last.part, ...ofService, SLICE);
      for (const row of rows) getOrAdd(totals, row.operation, () => new Total()).add(row);
      if (turn.isOverNow()) yield* turn.pass();
      last = rows.at(-1) ?? last;
      if (rows.length < SLICE) break;
    }
  }
  return slots[0]?.slot ?? Infinity;
}

/** An operation of the answer. */
interface Found extends Omit<OperationAnswer, 'p95'> {
  /** 0 until it is read. */
  p95: number;
}

function* describeTotals(
  database: Database,
  totals: ReadonlyMap<number, Total>,
  turn: TimeSlice,
): Steps<Map<Found, Total>> {
  const services = readServiceNames(database);
  const found = new Map<Found, Total>();
  for (const [id, sums] of totals) {
    const row = database.get<NameRow>(NAME, id);
    // It was evicted meanwhile.
    if (row === undefined) continue;
    const { kind, name, target, attribute } = row;
    const { count, errors, traces, selfTime, total } = sums;
    const operation = {
      service: services.get(row.service) ?? '',
      kind,
      name,
      target: target === '' ? undefined : target,
      attribute:
        attribute === '' ? undefined : { key: attribute, value: kind === 'statement' ? name : target },
      count,
      errors,
      selfMs: selfTime / 1_000,
      totalMs: total / 1_000,
      p95: 0,
      perTrace: count / Math.max(1, traces),
    };
    found.set(operation, sums);
    if (turn.isOver()) yield* turn.pass();
  }
  return found;
}

/** One slot of a level. Times are milliseconds. */
interface Slot {
  readonly level: number;
  readonly slot: number;
  readonly to: number;
}

/** Coarse slots that ended a shorter time ago may lack what waits to be written. */
const LATE_MS = 1.2 * Math.max(...OPERATION_SUMS_LATE_MS);

/** The slots that together are a range, from the first to the last: long ones in its middle, the finest that are kept at its ends. */
function slotsOf({ from, to }: TimeRange, firsts: readonly number[], now: number): Slot[] {
  const levels = OPERATION_SLOTS_MS.map((length, level) => ({
    level,
    length,
    // Of very many fewer are kept.
    since: Math.max(now - (OPERATION_SUMS_KEPT_MS[level] ?? Infinity), firsts[level] ?? 0),
  }));
  const coarsest = levels.at(-1) ?? { level: 0, length: 1, since: 0 };
  const usable = levels.filter((each) => each === coarsest || (to - from) / each.length <= MAX_SLOTS);
  const begin = ({ length }: { readonly length: number }): number => Math.floor(from / length) * length;
  const slots: Slot[] = [];
  for (let at = begin(usable.find((each) => begin(each) >= each.since) ?? coarsest); at < to;) {
    const possible = usable.filter(({ length, since }) => at % length === 0 && at >= since);
    const finest = possible[0] ?? coarsest;
    const until = Math.min(now - LATE_MS, Math.ceil(to / finest.length) * finest.length);
    const { level, length } = possible.findLast((each) => at + each.length <= until) ?? finest;
    slots.push({ level, slot: at, to: at + length });
    at += length;
  }
  return slots;
}
