import { getOrAdd } from '../../get-or-add.js';
import { type JsonValue, type SelectionAnswer } from '../../reader/answers.interface.js';
import { type Selection } from '../../reader/telemetry-reader.interface.js';
import { type Steps, TimeSlice } from '../../steps.js';
import { type Database } from '../database/database.js';
import { findTraces } from './find-traces.js';
import { chooseService, findRouteIds, readAttributes } from './query-parts.js';

const MAX_RANKED = 30;
const SHOWN_TRACES = 50;
/** Longer values are texts, not categories. */
const MAX_VALUE = 200;

/** Which traces of each side have an attribute with a value: by their places in the sample. */
interface Tally {
  readonly key: string;
  readonly value: string;
  readonly selected: Set<number>;
  readonly others: Set<number>;
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
    if (one !== undefined) for (const tally of talliesOf(database, one, tallies)) tally.selected.add(index);
    if (other !== undefined) for (const tally of talliesOf(database, other, tallies)) tally.others.add(index);
    if (turn.isOverNow()) yield* turn.pass();
  }
  yield* turn.pass();
  const ranked = [...tallies.values()]
    .filter((tally) => isTelling(tally, selected.length, others.length))
    .map((tally) => ({ tally, ...sharesOf(tally, selected.length, others.length) }))
    .sort((a, b) => b.selectedShare - b.otherShare - (a.selectedShare - a.otherShare));
  return yield* withoutCompanions(ranked, turn);
}

/** A row needs at least this share of the selected traces. */
const MIN_SUPPORT = 0.05;

function sharesOf({ selected, others }: Tally, ofSelected: number, ofOthers: number) {
  return {
    selectedShare: selected.size / ofSelected,
    otherShare: ofOthers === 0 ? 0 : others.size / ofOthers,
  };
}

/** Whether enough of the selected traces have it, and more of them than chance explains: two standard errors. */
function isTelling(tally: Tally, ofSelected: number, ofOthers: number): boolean {
  // What one of many traces has is its own: an id, a time.
  const least = Math.max(ofSelected < 5 ? 1 : 2, ofSelected * MIN_SUPPORT);
  const { selectedShare, otherShare } = sharesOf(tally, ofSelected, ofOthers);
  if (tally.selected.size < least || selectedShare <= otherShare) return false;
  if (ofOthers === 0) return true;
  const share = (tally.selected.size + tally.others.size) / (ofSelected + ofOthers);
  return selectedShare - otherShare > 2 * Math.sqrt(share * (1 - share) * (1 / ofSelected + 1 / ofOthers));
}

interface Ranked {
  readonly tally: Tally;
  readonly selectedShare: number;
  readonly otherShare: number;
}

/** Attributes whose traces differ by at most this share are joined in one row. */
const SAME = 0.95;
const MAX_ALIKE = 10;

/** One row for all attributes that come and go together: the most telling, with the others beside it. */
function* withoutCompanions(
  ranked: readonly Ranked[],
  turn: TimeSlice,
): Steps<SelectionAnswer['attributes']> {
  const rows: (Ranked & { readonly alike: { readonly key: string; readonly value: string }[] })[] = [];
  for (const one of ranked) {
    const row = rows.find(({ tally }) => similarity(tally, one.tally) >= SAME);
    if (row === undefined) {
      if (rows.length < MAX_RANKED) rows.push({ ...one, alike: [] });
    } else if (row.alike.length < MAX_ALIKE) row.alike.push({ key: one.tally.key, value: one.tally.value });
    if (turn.isOver()) yield* turn.pass();
  }
  return rows.map(({ tally: { key, value }, selectedShare, otherShare, alike }) => ({
    key,
    value,
    selectedShare,
    otherShare,
    alike,
  }));
}

/** Traces that have both, as a share of those that have one of them. */
function similarity(a: Tally, b: Tally): number {
  const both = countCommon(a.selected, b.selected) + countCommon(a.others, b.others);
  return both / (a.selected.size + a.others.size + b.selected.size + b.others.size - both);
}

function countCommon(a: ReadonlySet<number>, b: ReadonlySet<number>): number {
  let count = 0;
  for (const trace of a) if (b.has(trace)) count += 1;
  return count;
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
  return getOrAdd(tallies, id, () => ({
    key,
    value,
    selected: new Set<number>(),
    others: new Set<number>(),
  }));
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
  selected.traces.forEach((trace) => {
    others.remove(trace);
  });
  return { selected: selected.traces, others: others.traces };
}
