import { type JsonAttributes, type SelectionAnswer } from '../../reader/answers.interface.js';
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
  // In turns, so that both sides have been looked at when there is no more time.
  for (let index = 0; index < Math.max(selected.length, others.length); index += 1) {
    const [one, other] = [selected[index], others[index]];
    if (one !== undefined) tallies.add('selected', index, readSpans(database, one));
    if (other !== undefined) tallies.add('others', index, readSpans(database, other));
    if (turn.isOverNow()) yield* turn.pass();
  }
  yield* turn.pass();
  return yield* tallies.rank(selected.length, others.length, turn);
}

function readSpans(database: Database, trace: number): { name: string; attributes: JsonAttributes }[] {
  return database
    .all<{ name: string; attributes: string }>(
      'SELECT name, attributes FROM spans WHERE trace = ? LIMIT 200',
      trace,
    )
    .map(({ name, attributes }) => ({ name, attributes: readAttributes(attributes) }));
}

/** Traces that are looked at on each side; more would not change the shares much. */
const SAMPLE = 200;

/** How far the entries of a route have been looked at; in microseconds. */
interface Position {
  readonly start: number;
  readonly id: number;
}

interface EntryRow extends Position {
  readonly duration: number;
  readonly trace: number;
}

const ENTRIES = `SELECT id, start, duration, trace FROM spans INDEXED BY spans_by_route
  WHERE route = ? AND (start, id) > (?, ?) AND start < ? {of} ORDER BY start, id`;

/** Some of many, each as likely as any other, and the same ones whenever they are asked for: those with the smallest hashes. */
class Sample {
  private readonly hashes = new Map<number, number>();
  private limit = Infinity;

  offer(trace: number): void {
    const hash = hashOf(trace);
    if (hash > this.limit) return;
    this.hashes.set(trace, hash);
    if (this.hashes.size >= 2 * SAMPLE) this.cut();
  }

  remove(trace: number): void {
    this.hashes.delete(trace);
  }

  /** In the order of the traces. */
  get traces(): readonly number[] {
    this.cut();
    return [...this.hashes.keys()].sort((a, b) => a - b);
  }

  private cut(): void {
    const smallest = [...this.hashes].sort(([, a], [, b]) => a - b);
    for (const [trace] of smallest.slice(SAMPLE)) this.hashes.delete(trace);
    if (smallest.length > SAMPLE) this.limit = smallest[SAMPLE - 1]?.[1] ?? Infinity;
  }
}

/** Spreads numbers that follow each other over 32 bits. */
function hashOf(trace: number): number {
  let hash = Math.imul(trace ^ (trace >>> 16), 0x45d9f3b);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Traces by their numbers; none is on both sides. */
interface EntrySample {
  readonly selected: readonly number[];
  readonly others: readonly number[];
}

/** Some of the traces that entered in the region, and some of the others that entered by the same routes in it and around it. */
function* sampleEntries(database: Database, selection: Selection): Steps<EntrySample> {
  const { route, from, to, minMs, maxMs } = selection;
  const selected = new Sample();
  const others = new Sample();
  const service = chooseService(database, selection.service);
  const routes = service === undefined ? [] : findRouteIds(database, service.id, route, undefined);
  const processes = service && chooseProcesses(database, selection, service.id);
  const sql = ENTRIES.replace('{of}', processes === undefined ? '' : `AND ${isOfProcesses('resource')}`);
  const ofProcesses = processes === undefined ? [] : [processes];
  const [min, max] = [(minMs ?? 0) * 1_000, (maxMs ?? Infinity) * 1_000];
  const [begin, end] = [from * 1_000, to * 1_000];
  const around = end - begin;
  const turn = new TimeSlice();
  /** Goes on until the turn is over, and says where that was; undefined at the end. */
  const look = (routeId: number, position: Position): Position | undefined => {
    for (const row of database.iterate<EntryRow>(
      sql,
      routeId,
      position.start,
      position.id,
      end + around,
      ...ofProcesses,
    )) {
      const { start, duration, trace } = row;
      const isSelected = start >= begin && start < end && duration >= min && duration <= max;
      (isSelected ? selected : others).offer(trace);
      if (turn.isOver()) return row;
    }
    return undefined;
  };
  for (const routeId of routes) {
    let position = look(routeId, { start: begin - around, id: -1 });
    while (position !== undefined) {
      yield* turn.pass();
      position = look(routeId, position);
    }
  }
  selected.traces.forEach((trace) => {
    others.remove(trace);
  });
  return { selected: selected.traces, others: others.traces };
}
