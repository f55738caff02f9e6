import { getOrAdd } from '../../get-or-add.js';
import { HOLDS_MS, PROCESS_METRICS, type ProcessMetric } from '../../reader/process-metrics.js';
import { type Database } from '../database/database.js';
import { MINUTE_MS, PROCESS_LEVEL, PROCESS_SLOT_MS } from '../encoding/buckets.js';
import { type StoredPoint, type StoredResource } from '../rows.interface.js';
import { type Dictionaries } from './dictionaries.js';

/** Of a gauge or up-down counter: mean, lowest and highest. Of anything that adds up: the sum, and how many were recorded. */
export type Figure =
  readonly [mean: number, min: number, max: number] | readonly [sum: number, count: number];

/** What a process reported in a slot of time, by metric and line. */
export type Figures = Partial<Record<ProcessMetric, Record<string, Figure>>>;

/** Processes that send to this one beside its own; further ones are left out while these report. */
const MAX_PROCESSES = 20;
/** Pools, types of resources: lines of one metric. */
const MAX_LINES = 20;
const MAX_LABEL = 100;
/** Rows that wait because the database cannot be written. */
const MAX_WAITING = 500;

/** What a series says, by the name of its metric. */
const BY_METRIC = new Map(
  Object.entries(PROCESS_METRICS).map(([name, definition]) => [
    definition.metric,
    // A key of the list is the name of a metric.
    { name: name as ProcessMetric, by: 'by' in definition ? definition.by : undefined },
  ]),
);

/** Values of a line while its slot lasts. */
interface Draft {
  readonly addsUp: boolean;
  sum: number;
  count: number;
  min: number;
  max: number;
}

/** A row, and whose it is. */
interface ProcessRow {
  readonly level: number;
  readonly resource: StoredResource;
  readonly time: number;
  readonly figures: Figures;
}

const FIND = 'SELECT figures FROM process_rows WHERE level = ? AND resource = ? AND time = ?';
const PUT = 'INSERT OR REPLACE INTO process_rows (level, resource, time, figures) VALUES (?, ?, ?, ?)';

/**
 * Gathers what each process says of itself: one row for some seconds and one for a minute. Series of metrics are those of a service, of which
 * several processes may run.
 */
export class ProcessRows {
  private readonly processes = new Map<string, ProcessSlots>();
  private waiting: ProcessRow[] = [];

  /** Takes a point that is there for good. */
  take(point: StoredPoint, now: number): void {
    const known = BY_METRIC.get(point.instrument.name);
    if (known === undefined) return;
    const { resource } = point.instrument;
    const key = `${resource.service}\n${resource.instance}\n${resource.attributes}`;
    let slots = this.processes.get(key);
    if (slots === undefined) {
      if (this.processes.size >= MAX_PROCESSES) return;
      this.processes.set(key, (slots = new ProcessSlots(resource)));
    }
    slots.take(point, known.name, known.by, now, this.waiting);
  }

  /** Ends the slots that are over; returns whether there is something to write. */
  endSlots(now: number): boolean {
    for (const [key, slots] of this.processes) {
      slots.end(now, this.waiting);
      if (now - slots.seen > 2 * HOLDS_MS) this.processes.delete(key);
    }
    if (this.waiting.length > MAX_WAITING) this.waiting = this.waiting.slice(-MAX_WAITING);
    return this.waiting.length > 0;
  }

  /** Writes rows of slots that are over. Returns what to `settle()` when it is there for good. */
  write(database: Database, dictionaries: Dictionaries, now: number): readonly ProcessRow[] {
    const written = [...this.waiting];
    for (const { level, resource, time, figures } of written) {
      const key = [level, dictionaries.resource(resource, now).resource, time];
      // Of a slot that was over when the rest of it came.
      const former = database.get<{ figures: string }>(FIND, ...key);
      const all = former === undefined ? figures : mergeFigures(former.figures, figures);
      database.run(PUT, ...key, JSON.stringify(all));
    }
    return written;
  }

  settle(written: readonly ProcessRow[]): void {
    const gone = new Set(written);
    this.waiting = this.waiting.filter((row) => !gone.has(row));
  }
}

type Drafts = Map<ProcessMetric, Map<string, Draft>>;

/** The current slots of one process. */
class ProcessSlots {
  /** When it last reported. */
  seen = 0;
  private fine: Slot | undefined;
  private minute: Slot | undefined;
  /** Up-down counters whose series add up: the last value of each, by metric. */
  private readonly parts = new Map<
    ProcessMetric,
    Map<string, { readonly value: number; readonly at: number }>
  >();

  constructor(private readonly resource: StoredResource) {}

  take(
    point: StoredPoint,
    metric: ProcessMetric,
    by: string | undefined,
    now: number,
    rows: ProcessRow[],
  ): void {
    this.seen = now;
    const { type } = point.instrument;
    // A clock that is ahead would keep its slot open for long.
    this.moveTo(Math.min(point.time, now), rows);
    if (by === undefined && type === 'updowncounter') {
      const parts = getOrAdd(this.parts, metric, () => new Map<string, { value: number; at: number }>());
      if (parts.has(point.attributes) || parts.size < MAX_LINES)
        parts.set(point.attributes, { value: point.value, at: now });
      return;
    }
    const addsUp = type === 'counter' || type === 'histogram';
    const { value, count } = point;
    const draft = { addsUp, sum: value, count: addsUp ? count : 1, min: value, max: value };
    if (this.fine) addTo(this.fine.drafts, metric, labelOf(point.attributes, by), draft);
  }

  /** Ends the slots that are over. */
  end(now: number, rows: ProcessRow[]): void {
    if (this.fine && this.fine.time + PROCESS_SLOT_MS <= now) this.endFine(rows);
    if (this.minute && !this.fine && this.minute.time + MINUTE_MS <= now) this.endMinute(rows);
  }

  private moveTo(time: number, rows: ProcessRow[]): void {
    const begin = Math.floor(time / PROCESS_SLOT_MS) * PROCESS_SLOT_MS;
    // What comes late counts where it comes.
    if (this.fine && this.fine.time < begin) this.endFine(rows);
    this.fine ??= { time: begin, drafts: new Map() };
  }

  private endFine(rows: ProcessRow[]): void {
    const slot = this.fine;
    this.fine = undefined;
    if (slot === undefined) return;
    for (const [metric, parts] of this.parts) {
      for (const [key, { at }] of parts) if (this.seen - at > HOLDS_MS) parts.delete(key);
      const value = [...parts.values()].reduce((sum, part) => sum + part.value, 0);
      if (parts.size > 0)
        addTo(slot.drafts, metric, '', { addsUp: false, sum: value, count: 1, min: value, max: value });
    }
    rows.push(this.rowOf(PROCESS_LEVEL.fine, slot));
    const begin = Math.floor(slot.time / MINUTE_MS) * MINUTE_MS;
    if (this.minute && this.minute.time < begin) this.endMinute(rows);
    this.minute ??= { time: begin, drafts: new Map() };
    for (const [metric, lines] of slot.drafts)
      for (const [label, draft] of lines) addTo(this.minute.drafts, metric, label, draft);
  }

  private endMinute(rows: ProcessRow[]): void {
    if (this.minute) rows.push(this.rowOf(PROCESS_LEVEL.minute, this.minute));
    this.minute = undefined;
  }

  private rowOf(level: number, { time, drafts }: Slot): ProcessRow {
    const figures: Figures = {};
    for (const [metric, lines] of drafts)
      figures[metric] = Object.fromEntries([...lines].map(([label, draft]) => [label, figureOf(draft)]));
    return { level, resource: this.resource, time, figures };
  }
}

interface Slot {
  readonly time: number;
  readonly drafts: Drafts;
}

function figureOf({ addsUp, sum, count, min, max }: Draft): Figure {
  return addsUp ? [sum, count] : [sum / count, min, max];
}

function mergeFigures(former: string, added: Figures): Figures {
  const merged = JSON.parse(former) as Figures; // as `write()` made it
  for (const [metric, lines] of Object.entries(added)) {
    const name = metric as ProcessMetric; // from the list of metrics
    const known = { ...merged[name] };
    for (const [label, figure] of Object.entries(lines)) known[label] = mergeFigure(known[label], figure);
    merged[name] = known;
  }
  return merged;
}

function mergeFigure(former: Figure | undefined, added: Figure): Figure {
  if (former === undefined) return added;
  const [[a, minA, maxA], [b, minB, maxB]] = [former, added];
  if (maxA === undefined || maxB === undefined) return [a + b, minA + minB];
  return [(a + b) / 2, Math.min(minA, minB), Math.max(maxA, maxB)];
}

function addTo(drafts: Drafts, metric: ProcessMetric, label: string, added: Draft): void {
  const lines = getOrAdd(drafts, metric, () => new Map<string, Draft>());
  const draft = lines.get(label);
  if (draft === undefined) {
    if (lines.size < MAX_LINES) lines.set(label, { ...added });
    return;
  }
  draft.sum += added.sum;
  draft.count += added.count;
  draft.min = Math.min(draft.min, added.min);
  draft.max = Math.max(draft.max, added.max);
}

function labelOf(attributes: string, by: string | undefined): string {
  if (by === undefined) return '';
  try {
    const value = (JSON.parse(attributes) as Readonly<Record<string, unknown>>)[by];
    return typeof value === 'string' ? value.slice(0, MAX_LABEL) : '';
  } catch {
    // Written by another sender, who must not stop the others.
    return '';
  }
}
