import { getOrAdd } from '../../get-or-add.js';
import { type JsonValue, type SelectionAnswer } from '../../reader/answers.interface.js';
import { type Selection } from '../../reader/telemetry-reader.interface.js';
import { type Steps, TimeSlice } from '../../steps.js';
import { type Database } from '../database/database.js';
import { findTraces } from './find-traces.js';
import { chooseService, findRouteIds, readAttributes } from './query-parts.js';

const MAX_RANKED = 30;
const SHOWN_TRACES = 50;
/** Longer values are texts of their own, not categories. */
const MAX_VALUE = 200;

/** How many traces of each side have an attribute with a value. */
interface Tally {
  readonly key: string;
  readonly value: string;
  selected: number;
  others: number;
}

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
  const tallies = new Map<string, Tally>();
  const turn = new TimeSlice();
  // In turns, so that both sides have been looked at when there is no more time.
  for (let index = 0; index < Math.max(selected.length, others.length); index += 1) {
    const [one, other] = [selected[index], others[index]];
    if (one !== undefined) for (const tally of talliesOf(database, one, tallies)) tally.selected += 1;
    if (other !== undefined) for (const tally of talliesOf(database, other, tallies)) tally.others += 1;
    if (turn.isOverNow()) yield* turn.pass();
  }
  // What one of many traces has is its own: an id, a time.
  const enough = selected.length < 5 ? 1 : 2;
  return [...tallies.values()]
    .filter((tally) => tally.selected >= enough)
    .map(({ key, value, selected: inside, others: outside }) => ({
      key,
      value,
      selectedShare: inside / selected.length,
      otherShare: others.length === 0 ? 0 : outside / others.length,
    }))
    .filter(({ selectedShare, otherShare }) => selectedShare > otherShare)
    .sort((a, b) => b.selectedShare - b.otherShare - (a.selectedShare - a.otherShare))
    .slice(0, MAX_RANKED);
}

/** Each attribute with its value that some span of the trace has, once. */
function talliesOf(database: Database, trace: number, tallies: Map<string, Tally>): Set<Tally> {
  const found = new Set<Tally>();
  const rows = database.all<{ name: string; attributes: string }>(
    'SELECT name, attributes FROM spans WHERE trace = ? LIMIT 200',
    trace,
  );
  for (const { name, attributes } of rows) {
    found.add(tallyOf('span.name', name, tallies));
    for (const [key, value] of Object.entries(readAttributes(attributes))) {
      const text = textOf(value);
      if (text !== undefined) found.add(tallyOf(key, text, tallies));
    }
  }
  return found;
}

function tallyOf(key: string, value: string, tallies: Map<string, Tally>): Tally {
  const id = `${key}\n${value}`;
  return getOrAdd(tallies, id, () => ({ key, value, selected: 0, others: 0 }));
}

function textOf(value: JsonValue): string | undefined {
  if (typeof value === 'string') return value.length <= MAX_VALUE ? value : undefined;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
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
  WHERE route = ? AND (start, id) > (?, ?) AND start < ? ORDER BY start, id`;

/** Some of many, each as likely as any other. */
class Sample {
  readonly traces = new Set<number>();
  private readonly chosen: number[] = [];
  private seen = 0;

  offer(trace: number): void {
    if (this.traces.has(trace)) return;
    this.seen += 1;
    const place = this.seen <= SAMPLE ? this.chosen.length : Math.floor(Math.random() * this.seen);
    if (place >= SAMPLE) return;
    const former = this.chosen[place];
    if (former !== undefined) this.traces.delete(former);
    this.chosen[place] = trace;
    this.traces.add(trace);
  }
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
  const [min, max] = [(minMs ?? 0) * 1_000, (maxMs ?? Infinity) * 1_000];
  const [begin, end] = [from * 1_000, to * 1_000];
  const around = end - begin;
  const turn = new TimeSlice();
  /** Goes on until the turn is over, and says where that was; undefined at the end. */
  const look = (routeId: number, position: Position): Position | undefined => {
    for (const row of database.iterate<EntryRow>(
      ENTRIES,
      routeId,
      position.start,
      position.id,
      end + around,
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
  selected.traces.forEach((trace) => others.traces.delete(trace));
  return { selected: [...selected.traces], others: [...others.traces] };
}
