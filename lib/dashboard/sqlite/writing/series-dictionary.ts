import { type Database } from '../database/database.js';
import { type StoredInstrument, type StoredPoint } from '../rows.interface.js';
import { type Dictionaries } from './dictionaries.js';

/** Made-up attribute values must not grow the table of series for ever. */
const MAX_SERIES_PER_INSTRUMENT = 2_000;
const SEEN_EVERY_MS = 60_000;

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
