import { type JsonAttributes } from '../../reader/answers/answer-parts.interface.js';
import { type SelectionAnswer } from '../../reader/answers/traces.interface.js';
import { AttributeTallies } from '../../reader/rank-attributes.js';
import { type Selection } from '../../reader/telemetry-reader.interface.js';
import { type Steps, TimeSlice } from '../../steps.js';
import { type Database } from '../database/database.js';
import { chooseProcesses, isOfProcesses } from './chosen-processes.js';
import { findTraces } from './find-traces.js';
import { chooseService, findRouteIds, readAttributes } from './query-parts.js';

const SHOWN_TRACES = 50;

/**
 * What the traces that entered in a region have more often than the rest of the same service and route, most telling first.
 * The rest are those around it in time, and within it with other durations.
 */
export function* rankSelection(database: Database, selection: Selection): Steps<SelectionAnswer> {
  const sample = yield* sampleEntries(database, selection);
  const attributes = yield* rank(database, sample);
  const { items } = yield* findTraces(database, { ...selection, limit: SHOWN_TRACES });
  return { selected: sample.selected.length, others: sample.others.length, attributes, traces: items };
}

function* rank(database: Database, { selected, others }: EntrySample): Steps<SelectionAnswer['attributes']> {
  const tallies = new AttributeTallies();
  const turn = new TimeSlice();
  const traces = Math.max(1, selected.length + others.length);
  const limit = Math.min(MAX_SPANS_OF_TRACE, Math.floor(MAX_SPANS / traces));
  for (const [side, sample] of Object.entries({ selected, others }) as [
    'selected' | 'others',
    readonly SampledTrace[],
  ][])
    for (const [index, { trace, weight }] of sample.entries()) {
      tallies.add(side, index, weight, readSpans(database, trace, limit));
      if (turn.isOverNow()) yield* turn.pass();
    }
  yield* turn.pass();
  return yield* tallies.rank(turn);
}

/** Those that ended last first: the outermost say what was asked for. */
const SPANS =
  'SELECT name, attributes FROM spans INDEXED BY spans_by_trace WHERE trace = ? ORDER BY id DESC LIMIT ?';

function readSpans(
  database: Database,
  trace: number,
  limit: number,
): { name: string; attributes: JsonAttributes }[] {
  return database
    .all<{ name: string; attributes: string }>(SPANS, trace, limit)
    .map(({ name, attributes }) => ({ name, attributes: readAttributes(attributes) }));
}

/** Spans that are looked at on both sides together, and of one trace. */
const MAX_SPANS = 20_000;
const MAX_SPANS_OF_TRACE = 200;

/** Traces that are looked at on each side; more would not change the shares much. */
const SAMPLE = 200;

/** How far the entries of a route have been looked at; in microseconds. */
interface Position {
  readonly start: number;
  readonly id: number;
}

/** A trace by its number. */
interface SampledTrace {
  readonly trace: number;
  /** How many its entry stands for. */
  readonly weight: number;
}

/** An entry that may be in the sample, or a milestone. */
interface EntryRow extends Position, SampledTrace {
  /** 1: it entered in the region. */
  readonly selected: number;
  /** 1: it is of a chosen process. */
  readonly matches: number;
  /** Spreads numbers that follow each other over 32 bits. */
  readonly hash: number;
}

const MIX = (number: string): string => `(${number} * 73244475 & 4294967295)`;
const ONCE = MIX('trace');
const HASH = MIX(`(${ONCE} + (${ONCE} >> 16))`);
const IS_SELECTED = 'start >= ? AND start < ? AND duration >= ? AND duration <= ?';
// All of a region are looked at, so SQLite decides which can be in a sample, and passes over the others. Some it shows all the same, so
// that there is time to stop.
const ENTRIES = `SELECT id, start, trace, ${IS_SELECTED} AS selected, ${HASH} AS hash, ({of}) AS matches, ifnull(weight, 1) AS weight
  FROM spans INDEXED BY spans_by_route WHERE route = ? AND (start, id) > (?, ?) AND start < ?
    AND (${HASH} <= CASE WHEN ${IS_SELECTED} THEN ? ELSE ? END OR id & 255 = 0) ORDER BY start, id`;

/** Some of many, each as likely as any other, and the same ones whenever they are asked for: those with the smallest hashes. */
class Sample {
  /** No larger hash can be in it. */
  limit = 2 ** 32;
  private readonly entries = new Map<number, Pick<EntryRow, 'trace' | 'hash' | 'weight'>>();

  offer({ trace, hash, weight }: EntryRow): void {
    if (hash > this.limit || this.entries.has(trace)) return;
    this.entries.set(trace, { trace, hash, weight });
    if (this.entries.size >= 2 * SAMPLE) this.cut();
  }

  remove(trace: number): void {
    this.entries.delete(trace);
  }

  /** In the order of the traces. */
  get traces(): readonly SampledTrace[] {
    this.cut();
    return [...this.entries.values()].sort((a, b) => a.trace - b.trace);
  }

  private cut(): void {
    const smallest = [...this.entries.values()].sort((a, b) => a.hash - b.hash);
    for (const { trace } of smallest.slice(SAMPLE)) this.entries.delete(trace);
    if (smallest.length > SAMPLE) this.limit = smallest[SAMPLE - 1]?.hash ?? this.limit;
  }
}

/** No trace is on both sides. */
interface EntrySample {
  readonly selected: readonly SampledTrace[];
  readonly others: readonly SampledTrace[];
}

/** Some of the traces that entered in the region, and some of the others that entered by the same routes in it and around it. */
function* sampleEntries(database: Database, selection: Selection): Steps<EntrySample> {
  const { route, from, to, minMs, maxMs } = selection;
  const selected = new Sample();
  const others = new Sample();
  const service = chooseService(database, selection.service);
  const routes = service === undefined ? [] : findRouteIds(database, service.id, route, undefined);
  const processes = service && chooseProcesses(database, selection, service.id);
  const sql = ENTRIES.replace('{of}', processes === undefined ? '1' : isOfProcesses('resource'));
  const ofProcesses = processes === undefined ? [] : [processes];
  const [min, max] = [(minMs ?? 0) * 1_000, (maxMs ?? Infinity) * 1_000];
  const [begin, end] = [from * 1_000, to * 1_000];
  const around = end - begin;
  const region = [begin, end, min, max];
  const turn = new TimeSlice();
  /** Goes on until the turn is over or fewer can be in a sample, and says where that was; undefined at the end. */
  const look = (routeId: number, { start, id }: Position): Position | undefined => {
    const limits = [selected.limit, others.limit] as const;
    const values = [...region, ...ofProcesses, routeId, start, id, end + around, ...region, ...limits];
    for (const row of database.iterate<EntryRow>(sql, ...values)) {
      if (row.matches === 1) (row.selected === 1 ? selected : others).offer(row);
      const isNarrower = selected.limit < limits[0] || others.limit < limits[1];
      if (isNarrower || turn.isOver()) return row;
    }
    return undefined;
  };
  for (const routeId of routes) {
    let position = look(routeId, { start: begin - around, id: -1 });
    while (position !== undefined) {
      if (turn.isOverNow()) yield* turn.pass();
      position = look(routeId, position);
    }
    if (turn.isOverNow()) yield* turn.pass();
  }
  selected.traces.forEach(({ trace }) => {
    others.remove(trace);
  });
  return { selected: selected.traces, others: others.traces };
}
