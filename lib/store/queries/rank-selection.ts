import { type Database } from '../database/database.js';
import { type JsonValue, type SelectionAnswer } from './answers.interface.js';
import { startBudget } from './budget.js';
import { findTraces } from './find-traces.js';
import { findServiceId } from './find-service.js';
import { readAttributes } from './read-json.js';
import { type TimeRange } from './time-range.interface.js';

/** Traces that are looked at on each side; more would not change the shares much. */
const SAMPLE = 200;
const MAX_RANKED = 30;
const RANKING_MS = 15;
const SHOWN_TRACES = 50;
/** Longer values are texts of their own, not categories. */
const MAX_VALUE = 200;

/** A region of a chart or scatter plot. */
export interface Selection extends TimeRange {
  readonly service?: string | undefined;
  readonly route?: string | undefined;
  readonly minMs?: number | undefined;
  readonly maxMs?: number | undefined;
}

interface EntryRow {
  readonly trace: number;
  readonly isSelected: number;
}

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
export function rankSelection(database: Database, selection: Selection): SelectionAnswer {
  const entries = readEntries(database, selection);
  const selected = entries.filter(({ isSelected }) => isSelected === 1);
  const others = entries.filter(({ isSelected }) => isSelected === 0);
  return {
    selected: selected.length,
    others: others.length,
    attributes: rank(database, selected, others),
    traces: findTraces(database, { ...selection, limit: SHOWN_TRACES }).items,
  };
}

function readEntries(
  database: Database,
  { service, route, from, to, minMs, maxMs }: Selection,
): readonly EntryRow[] {
  const id = service === undefined ? undefined : findServiceId(database, service);
  if (service !== undefined && id === undefined) return [];
  const around = to - from;
  const values = {
    from: from * 1_000,
    to: to * 1_000,
    min: (minMs ?? 0) * 1_000,
    max: maxMs === undefined ? Number.MAX_SAFE_INTEGER : maxMs * 1_000,
    limit: SAMPLE,
  };
  const conditions = ['is_entry = 1'];
  if (id !== undefined) conditions.push('service = :service');
  if (route !== undefined) conditions.push('route = :route');
  const where = `route IN (SELECT id FROM routes WHERE ${conditions.join(' AND ')})`;
  const named = {
    ...values,
    ...(id !== undefined && { service: id }),
    ...(route !== undefined && { route }),
  };
  const inside = 'start >= :from AND start < :to AND duration >= :min AND duration <= :max';
  const read = (isSelected: 0 | 1, first: number, last: number): EntryRow[] =>
    database
      .prepare(
        `SELECT DISTINCT trace, ${isSelected} AS isSelected FROM (
           SELECT trace FROM spans INDEXED BY spans_by_route
           WHERE ${where} AND start >= :first AND start < :last AND ${isSelected === 1 ? '' : 'NOT'} (${inside})
           ORDER BY random() LIMIT :limit
         )`,
      )
      .all({ ...named, first, last }) as unknown as EntryRow[]; // the columns of the statement above
  const chosen = read(1, values.from, values.to);
  const isChosen = new Set(chosen.map(({ trace }) => trace));
  const rest = read(0, (from - around) * 1_000, (to + around) * 1_000).filter(
    ({ trace }) => !isChosen.has(trace),
  );
  return [...chosen, ...rest];
}

function rank(
  database: Database,
  selected: readonly EntryRow[],
  others: readonly EntryRow[],
): SelectionAnswer['attributes'] {
  const tallies = new Map<string, Tally>();
  const isTimeUp = startBudget(RANKING_MS);
  let selectedCount = 0;
  let otherCount = 0;
  // In turns, so that both sides have been looked at when time is up.
  for (let index = 0; index < Math.max(selected.length, others.length) && !isTimeUp(); index += 1) {
    const [one, other] = [selected[index], others[index]];
    if (one !== undefined) {
      selectedCount += 1;
      for (const tally of talliesOf(database, one, tallies)) tally.selected += 1;
    }
    if (other !== undefined) {
      otherCount += 1;
      for (const tally of talliesOf(database, other, tallies)) tally.others += 1;
    }
  }
  // What one of many traces has is its own: an id, a time.
  const enough = selectedCount < 5 ? 1 : 2;
  return [...tallies.values()]
    .filter((tally) => tally.selected >= enough)
    .map(({ key, value, selected: inside, others: outside }) => ({
      key,
      value,
      selectedShare: selectedCount === 0 ? 0 : inside / selectedCount,
      otherShare: otherCount === 0 ? 0 : outside / otherCount,
    }))
    .filter(({ selectedShare, otherShare }) => selectedShare > otherShare)
    .sort((a, b) => b.selectedShare - b.otherShare - (a.selectedShare - a.otherShare))
    .slice(0, MAX_RANKED);
}

/** Each attribute with its value that some span of the trace has, once. */
function talliesOf(database: Database, { trace }: EntryRow, tallies: Map<string, Tally>): Set<Tally> {
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
  let tally = tallies.get(id);
  if (tally === undefined) tallies.set(id, (tally = { key, value, selected: 0, others: 0 }));
  return tally;
}

function textOf(value: JsonValue): string | undefined {
  if (typeof value === 'string') return value.length <= MAX_VALUE ? value : undefined;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}
