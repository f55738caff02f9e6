import { type Database } from '../database/database.js';
import { type Tally } from '../database/row-counts.js';
import { encodeCounts } from '../encoding/count-bytes.js';
import { blockOf, POINT_LEVEL } from '../resolutions.js';
import { type StoredInstrument, type StoredPoint } from '../rows.interface.js';
import { type Dictionaries } from './dictionaries.js';
import { type MinutePoints } from './minute-points.js';

/** Made-up attribute values must not grow the table of series for ever. */
const MAX_SERIES_PER_INSTRUMENT = 2_000;
const SEEN_EVERY_MS = 60_000;

interface InstrumentEntry {
  readonly id: number;
  readonly series: Map<string, { readonly id: number; seen: number }>;
}

/** A point whose series is known, to be added to its minute once it is there for good. */
export interface PlacedPoint {
  readonly series: number;
  readonly point: StoredPoint;
}

/** Writes points of metrics; to be used within one transaction. */
export class PointWriter {
  private instruments = new WeakMap<StoredInstrument, InstrumentEntry>();

  constructor(
    private readonly database: Database,
    private readonly dictionaries: Dictionaries,
  ) {}

  /** Forgets what was learned in a change that was taken back. */
  clear(): void {
    this.instruments = new WeakMap();
  }

  write(points: readonly StoredPoint[], placed: PlacedPoint[], tally: Tally, now: number): void {
    for (const point of points) {
      const series = this.seriesOf(point, now);
      if (series === undefined) continue;
      this.insert(POINT_LEVEL.asCollected, series, point, tally);
      placed.push({ series, point });
    }
  }

  /** Writes the sums of minutes that are over, or of all. */
  writeMinutes(minutes: MinutePoints, now: number, all: boolean, tally: Tally): void {
    for (const { series, point } of minutes.due(now, all))
      this.insert(POINT_LEVEL.minute, series, point, tally);
  }

  private insert(
    level: number,
    series: number,
    { time, value, count, buckets }: Pick<StoredPoint, 'time' | 'value' | 'count' | 'buckets'>,
    tally: Tally,
  ): void {
    const bytes = buckets === undefined ? null : encodeCounts(buckets);
    // Another process may have a point of the series at that very instant; the next free one is as good.
    for (let at = Math.floor(time), tries = 0; tries < 10; at += 1, tries += 1) {
      const written = this.database.run(
        'INSERT OR IGNORE INTO points (level, block, series, time, value, count, buckets) VALUES (?, ?, ?, ?, ?, ?, ?)',
        level,
        blockOf(level, at),
        series,
        at,
        value,
        count,
        bytes,
      );
      if (written > 0) {
        tally.addPoints(1, level === POINT_LEVEL.asCollected);
        return;
      }
    }
  }

  private seriesOf(point: StoredPoint, now: number): number | undefined {
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
      return this.seriesOf(point, now);
    }
    if (instrument.series.size >= MAX_SERIES_PER_INSTRUMENT) return undefined;
    this.database.run(
      `INSERT INTO series (instrument, attributes, boundaries, last_seen) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET last_seen = excluded.last_seen`,
      instrument.id,
      point.attributes,
      boundaries,
      now,
    );
    const { id } = this.database.one<{ id: number }>(
      "SELECT id FROM series WHERE instrument = ? AND attributes = ? AND ifnull(boundaries, '') = ?",
      instrument.id,
      point.attributes,
      boundaries ?? '',
    );
    instrument.series.set(key, { id, seen: now });
    return id;
  }

  private instrumentOf(given: StoredInstrument, now: number): InstrumentEntry {
    let entry = this.instruments.get(given);
    if (entry !== undefined) return entry;
    const { service } = this.dictionaries.resource(given.resource, now);
    const { scope, name, description, unit, type } = given;
    this.database.run(
      `INSERT INTO instruments (service, scope, name, description, unit, type) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET description = excluded.description`,
      service,
      scope,
      name,
      description,
      unit,
      type,
    );
    const { id } = this.database.one<{ id: number }>(
      'SELECT id FROM instruments WHERE service = ? AND scope = ? AND name = ? AND type = ? AND unit = ?',
      service,
      scope,
      name,
      type,
      unit,
    );
    entry = { id, series: new Map() };
    this.instruments.set(given, entry);
    return entry;
  }
}
