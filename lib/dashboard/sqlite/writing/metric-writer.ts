import { getOrAdd } from '../../get-or-add.js';
import { type Database } from '../database/database.js';
import { type Tally } from '../database/row-counts.js';
import { blockOf, encodeCounts, MINUTE_MS, POINT_LEVEL } from '../encoding/buckets.js';
import { bytesOf, findTraceNumber } from '../encoding/ids.js';
import { type StoredExemplar, type StoredInstrument, type StoredPoint } from '../rows.interface.js';
import { type Dictionaries } from './dictionaries.js';
import { pinTrace } from './span-writer.js';

/** A point whose series is known, to be added to its minute once it is there for good. */
export interface PlacedPoint {
  readonly series: number;
  readonly point: StoredPoint;
}

type PointValues = Pick<StoredPoint, 'time' | 'value' | 'count' | 'buckets' | 'min' | 'max'>;

const INSERT_POINT = `INSERT OR IGNORE INTO points (level, block, series, time, value, count, buckets, lowest, highest)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/** Writes points of metrics; to be used within one transaction. */
export class PointWriter {
  constructor(
    private readonly database: Database,
    private readonly series: SeriesDictionary,
  ) {}

  write(points: readonly StoredPoint[], placed: PlacedPoint[], tally: Tally, now: number): void {
    for (const point of points) {
      const series = this.series.numberOf(point, now);
      if (series === undefined) continue;
      this.insert(POINT_LEVEL.asCollected, series, point, tally);
      placed.push({ series, point });
    }
  }

  /** Writes the sums of minutes that are over at `now`. */
  writeMinutes(minutes: MinutePoints, now: number, tally: Tally): void {
    for (const { series, point } of minutes.due(now)) this.insert(POINT_LEVEL.minute, series, point, tally);
  }

  private insert(level: number, series: number, point: PointValues, tally: Tally): void {
    const { time, value, count, buckets, min = null, max = null } = point;
    const bytes = buckets === undefined ? null : encodeCounts(buckets);
    // Another process may have a point of the series at that very instant; the next free one is as good.
    for (let at = Math.floor(time), tries = 0; tries < 10; at += 1, tries += 1) {
      const block = blockOf(level, at);
      const values = [level, block, series, at, value, count, bytes, min, max];
      if (this.database.run(INSERT_POINT, ...values) === 0) continue;
      tally.addPoints(1, level === POINT_LEVEL.asCollected);
      return;
    }
  }
}

/** What a series did in the current minute. */
interface Minute {
  readonly time: number;
  value: number;
  count: number;
  readonly buckets: Map<number, number> | undefined;
  min: number | undefined;
  max: number | undefined;
}

/** A point of a minute, and whose it is. */
interface MinutePoint {
  readonly series: number;
  readonly point: PointValues;
}

/** Adds the points of each minute up to one, so that a day of metrics is a few points per series and hour instead of 720. */
export class MinutePoints {
  private readonly minutes = new Map<number, Minute>();
  /** Minutes that a later point has ended. */
  private over: MinutePoint[] = [];

  add({ series, point }: PlacedPoint): void {
    const time = Math.floor(point.time / MINUTE_MS) * MINUTE_MS;
    let minute = this.minutes.get(series);
    if (minute !== undefined && minute.time !== time) {
      this.over.push({ series, point: minute });
      minute = undefined;
    }
    if (minute === undefined) {
      const buckets = point.buckets && new Map<number, number>();
      minute = { time, value: 0, count: 0, buckets, min: undefined, max: undefined };
      this.minutes.set(series, minute);
    }
    const { type } = point.instrument;
    const addsUp = type === 'counter' || type === 'histogram';
    minute.value = addsUp ? minute.value + point.value : point.value;
    minute.count += point.count;
    const { min, max } = addsUp ? point : { min: point.value, max: point.value };
    if (min !== undefined) minute.min = Math.min(min, minute.min ?? min);
    if (max !== undefined) minute.max = Math.max(max, minute.max ?? max);
    for (const [bucket, count] of point.buckets ?? [])
      minute.buckets?.set(bucket, (minute.buckets.get(bucket) ?? 0) + count);
  }

  /** The minutes that are over at `now`. */
  due(now: number): MinutePoint[] {
    const due = [...this.over];
    for (const [series, minute] of this.minutes)
      if (minute.time + MINUTE_MS <= now) due.push({ series, point: minute });
    return due;
  }

  /** To be called when what was due is there for good. */
  settle(now: number): void {
    this.over = [];
    for (const [series, { time }] of this.minutes) if (time + MINUTE_MS <= now) this.minutes.delete(series);
  }
}

/** The span of a measurement may end, and be written, long after it was made. */
const WAIT_MS = 60_000;
const MAX_WAITING = 2_000;
/** Points of a series beyond those that a chart can show are not kept. */
const EVERY_MS = 2_000;

const INSERT_EXEMPLAR = 'INSERT INTO exemplars (series, time, value, trace, span_id) VALUES (?, ?, ?, ?, ?)';

/** An exemplar whose trace has not come yet. */
export interface WaitingExemplar {
  readonly series: number;
  readonly exemplar: StoredExemplar;
}

/** Writes exemplars whose trace is in the store, and pins that trace: a dot on a chart must lead somewhere. */
export class ExemplarWriter {
  private waiting: WaitingExemplar[] = [];
  private readonly latest = new Map<number, { time: number; value: number }>();

  constructor(private readonly database: Database) {}

  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }

  /** Takes the exemplars of points that are there for good. */
  take({ series, point }: PlacedPoint): void {
    for (const exemplar of point.exemplars ?? []) {
      const latest = this.latest.get(series);
      // A larger one than the latest is news, whenever it comes.
      if (latest !== undefined && exemplar.time - latest.time < EVERY_MS && exemplar.value <= latest.value)
        continue;
      this.latest.set(series, { time: exemplar.time, value: exemplar.value });
      if (this.waiting.length < MAX_WAITING) this.waiting.push({ series, exemplar });
    }
  }

  /** Writes those whose trace has come; returns what to keep waiting once that is there for good. */
  write(tally: Tally, now: number): WaitingExemplar[] {
    return this.waiting.filter(
      (waiting) => !this.writeOne(waiting, tally) && now - waiting.exemplar.time < WAIT_MS,
    );
  }

  settle(waiting: WaitingExemplar[]): void {
    this.waiting = waiting;
  }

  private writeOne({ series, exemplar }: WaitingExemplar, tally: Tally): boolean {
    const { database } = this;
    const trace = findTraceNumber(database, exemplar.traceId);
    if (trace === undefined) return false;
    const { time, value, spanId } = exemplar;
    database.run(INSERT_EXEMPLAR, series, Math.floor(time), value, trace, bytesOf(spanId));
    pinTrace(database, trace, tally);
    return true;
  }
}

/** Made-up attribute values must not grow the table of series for ever. */
const MAX_SERIES_PER_INSTRUMENT = 2_000;
const SEEN_EVERY_MS = 60_000;

const PUT_SERIES = `INSERT INTO series (instrument, attributes, boundaries, last_seen) VALUES (?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET last_seen = excluded.last_seen RETURNING id`;
const PUT_INSTRUMENT = `INSERT INTO instruments (service, scope, name, description, unit, type) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET description = excluded.description RETURNING id`;

interface InstrumentEntry {
  readonly id: number;
  readonly series: Map<string, { readonly id: number; seen: number }>;
}

/** Numbers for instruments and their series. */
export class SeriesDictionary {
  private instruments = new WeakMap<StoredInstrument, InstrumentEntry>();

  constructor(
    private readonly database: Database,
    private readonly dictionaries: Dictionaries,
  ) {}

  /** Forgets everything: what was learned in a change that was taken back is not there. */
  clear(): void {
    this.instruments = new WeakMap();
  }

  /** The number of the series of a point; undefined when its instrument has too many. */
  numberOf(point: StoredPoint, now: number): number | undefined {
    const instrument = this.instrumentOf(point.instrument, now);
    const boundaries = point.buckets === undefined ? null : JSON.stringify(point.boundaries ?? []);
    const key = `${point.attributes}${boundaries ?? ''}`;
    const known = instrument.series.get(key);
    if (known !== undefined) {
      if (now - known.seen < SEEN_EVERY_MS) return known.id;
      known.seen = now;
      if (this.database.run('UPDATE series SET last_seen = ? WHERE id = ?', now, known.id) > 0)
        return known.id;
      // Unused for so long that it was deleted, perhaps with its instrument.
      this.clear();
      return this.numberOf(point, now);
    }
    if (instrument.series.size >= MAX_SERIES_PER_INSTRUMENT) return undefined;
    const values = [instrument.id, point.attributes, boundaries, now];
    const { id } = this.database.one<{ id: number }>(PUT_SERIES, ...values);
    instrument.series.set(key, { id, seen: now });
    return id;
  }

  private instrumentOf(given: StoredInstrument, now: number): InstrumentEntry {
    return getOrAdd(this.instruments, given, () => {
      const { service } = this.dictionaries.resource(given.resource, now);
      const { scope, name, description, unit, type } = given;
      const values = [service, scope, name, description, unit, type];
      return { id: this.database.one<{ id: number }>(PUT_INSTRUMENT, ...values).id, series: new Map() };
    });
  }
}
