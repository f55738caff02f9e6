import { getOrAdd } from '../../get-or-add.js';
import { type ProcessReport } from '../../reader/answers/processes.interface.js';
import { SDK_METRICS } from '../../reader/sum-sdk-metrics.js';
import { type Database } from '../database/database.js';
import { type StoredPoint, type StoredResource } from '../rows.interface.js';
import { type Dictionaries } from './dictionaries.js';

/** Processes that send to this one and wait to be written; further ones are left out until these are. */
const MAX_SENDERS = 200;
/** Series of one process: some for each exporter and reason. */
const MAX_SERIES = 100;
const MAX_KEY = 1_000;

/** What a process that writes to this store said last. */
interface OwnHealth {
  readonly report: ProcessReport;
  readonly started: number;
  readonly seen: number;
  readonly ended: boolean;
}

/** What came of a process that sends its metrics since its row was written. */
interface SenderHealth {
  readonly resource: StoredResource;
  /** On the clock of `performance.now()`. */
  readonly changedAt: number;
  first: number;
  last: number;
  /** By metric and attributes. */
  readonly values: Map<string, number>;
}

/** Values of series, as the row of a process that sends them has them: metric, a line feed, attributes as JSON. */
export type SeriesTotals = Readonly<Record<string, number>>;

const FIND = 'SELECT totals FROM process_health WHERE resource = ?';
const PUT_OWN = `INSERT INTO process_health (resource, first_seen, last_seen, ended, report) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET first_seen = excluded.first_seen, last_seen = excluded.last_seen, ended = excluded.ended, report = excluded.report`;
const PUT_SENDER = `INSERT INTO process_health (resource, first_seen, last_seen, ended, totals) VALUES (?, ?, ?, 0, ?)
  ON CONFLICT DO UPDATE SET last_seen = max(last_seen, excluded.last_seen), totals = excluded.totals`;

/** What is written now, to be settled when it is there for good. */
interface WrittenHealth {
  readonly own: readonly (readonly [StoredResource, OwnHealth])[];
  readonly senders: readonly (readonly [string, SenderHealth])[];
}

/** Keeps a row for each process: what it says itself, or what the metrics say that it sends to this one. */
export class ProcessHealth {
  private readonly own = new Map<StoredResource, OwnHealth>();
  private readonly unwritten = new Set<StoredResource>();
  private readonly ownKeys = new Set<string>();
  private readonly senders = new Map<string, SenderHealth>();

  /** Takes what this process says of itself. */
  report(resource: StoredResource, report: ProcessReport, started: number, now: number): void {
    this.own.set(resource, { report, started, seen: now, ended: false });
    this.ownKeys.add(keyOf(resource));
    this.unwritten.add(resource);
  }

  /** Notes that this process ends. */
  end(now: number): void {
    for (const [resource, health] of this.own) {
      this.own.set(resource, { ...health, seen: now, ended: true });
      this.unwritten.add(resource);
    }
  }

  /** The database is another one, which has no rows. */
  restart(): void {
    for (const resource of this.own.keys()) this.unwritten.add(resource);
  }

  /** Takes a point that is there for good. */
  take({ instrument: { resource, name }, attributes, time, value }: StoredPoint): void {
    const metric = SDK_METRICS.get(name);
    if (metric === undefined) return;
    const key = keyOf(resource);
    if (this.ownKeys.has(key)) return;
    if (!this.senders.has(key) && this.senders.size >= MAX_SENDERS) return;
    const sender = getOrAdd(this.senders, key, () => ({
      resource,
      changedAt: performance.now(),
      first: time,
      last: time,
      values: new Map<string, number>(),
    }));
    sender.first = Math.min(sender.first, time);
    sender.last = Math.max(sender.last, time);
    const series = `${name}\n${attributes}`;
    const known = sender.values.get(series);
    if ((known === undefined && sender.values.size >= MAX_SERIES) || series.length > MAX_KEY) return;
    sender.values.set(series, metric.addsUp ? (known ?? 0) + value : value);
  }

  /** Whether something waits that has changed before `since`, on the clock of `performance.now()`. */
  isDirty(since: number): boolean {
    return this.unwritten.size > 0 || this.dueSenders(since).length > 0;
  }

  /** Writes what waits; returns what to `settle()`. @throws SQLite's error */
  write(database: Database, dictionaries: Dictionaries, since: number, now: number): WrittenHealth {
    const own = [...this.own].filter(([resource]) => this.unwritten.has(resource));
    const senders = this.dueSenders(since);
    for (const [resource, { report, started, seen, ended }] of own) {
      const id = dictionaries.resource(resource, now).resource;
      database.run(PUT_OWN, id, started, seen, +ended, JSON.stringify(report));
    }
    for (const [, { resource, first, last, values }] of senders) {
      const id = dictionaries.resource(resource, now).resource;
      const former = database.get<{ totals: string | null }>(FIND, id)?.totals;
      database.run(PUT_SENDER, id, first, last, addTotals(former ?? '{}', values));
    }
    return { own, senders };
  }

  settle({ own, senders }: WrittenHealth): void {
    for (const [resource, health] of own)
      if (this.own.get(resource) === health) this.unwritten.delete(resource);
    for (const [key] of senders) this.senders.delete(key);
  }

  private dueSenders(since: number): (readonly [string, SenderHealth])[] {
    return [...this.senders].filter(([, { changedAt }]) => changedAt <= since);
  }
}

const keyOf = ({ service, instance, attributes }: StoredResource): string =>
  `${service}\n${instance}\n${attributes}`;

function addTotals(former: string, added: ReadonlyMap<string, number>): string {
  const totals = new Map(Object.entries(JSON.parse(former) as SeriesTotals)); // as this function made it
  for (const [series, value] of added) {
    const known = totals.get(series);
    if (known === undefined && totals.size >= MAX_SERIES) continue;
    const metric = SDK_METRICS.get(series.slice(0, series.indexOf('\n')));
    totals.set(series, metric?.addsUp === true ? (known ?? 0) + value : value);
  }
  return JSON.stringify(Object.fromEntries(totals));
}
