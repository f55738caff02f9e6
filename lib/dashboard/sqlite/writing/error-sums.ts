import { getOrAdd } from '../../get-or-add.js';
import { MAX_COUNTED_USERS } from '../../reader/answers/errors.interface.js';
import { type Database } from '../database/database.js';
import { ERROR_COUNTS_KEPT_MS, ERROR_SLOTS_MS } from '../encoding/buckets.js';
import { bytesOf, IdBytes } from '../encoding/ids.js';
import { type StoredResource } from '../rows.interface.js';
import { type Dictionaries } from './dictionaries.js';

/** What an error says. */
export interface ErrorTexts {
  readonly type: string;
  readonly message: string;
  readonly stack: string | undefined;
}

/** One time that an error happened. */
export interface ErrorSighting {
  readonly resource: StoredResource;
  readonly fingerprint: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** 32 hexadecimal digits; undefined for a log line outside of traces. */
  readonly traceId: string | undefined;
  readonly idHigh?: number;
  readonly idLow?: number;
  /**
   * How many times it stands for: more than once where only a part was recorded; 0 of a line whose trace was not recorded, as the spans that
   * were stand for it, too. Default 1.
   */
  readonly weight?: number | undefined;
  /** Called once a minute for each error: it may have to parse JSON. */
  readonly describe: () => ErrorTexts;
}

/** What entered a service and failed with an error. */
interface ErrorEntry extends Pick<ErrorSighting, 'time' | 'weight'> {
  readonly route: string;
  readonly user: string | undefined;
}

/** Errors that wait to be written, and that are known to be described. Made-up fingerprints must not grow them. */
const MAX_ERRORS = 1_000;
/** With so many none waits longer. */
const HURRY_AT = MAX_ERRORS / 2;
/** Values of one kind, such as versions, of one error. */
const MAX_PARTS = 100;
/** Users of one error in the store, where the least recently seen go; as many may wait. */
const MAX_USERS = MAX_COUNTED_USERS;
/** Of one error between two writes, and in the store. */
const MAX_WAITING_SAMPLES = 3;
const MAX_SAMPLES = 20;
const DESCRIBED_FOR_MS = 60_000;
const MAX_TYPE = 256;
const MAX_MESSAGE = 1_000;
const MAX_STACK = 16_384;

/** How often, and from when to when. */
class Sum {
  /** How many were seen, and how many these stand for: see `countOf()` of the queries. */
  count = 0;
  standsFor = 0;
  first = Infinity;
  last = -Infinity;

  add(time: number, weight: number): void {
    this.count += 1;
    this.standsFor += weight;
    if (time < this.first) this.first = time;
    if (time > this.last) this.last = time;
  }
}

/** What happened of one error since it was written. */
class WaitingError {
  readonly sum = new Sum();
  readonly slots: readonly Map<number, Sum>[] = ERROR_SLOTS_MS.map(() => new Map());
  readonly versions = new Map<string, Sum>();
  readonly routes = new Map<string, Sum>();
  readonly users = new Map<string, Sum>();
  readonly samples: ErrorSighting[] = [];
  /** Undefined where the store has them already. */
  texts: ErrorTexts | undefined;
  firstVersion = '';
  lastVersion = '';
  readonly waitingSince = performance.now();

  constructor(
    readonly key: string,
    readonly resource: StoredResource,
    readonly fingerprint: string,
  ) {}

  add(sighting: ErrorSighting): void {
    const { time, resource, weight = 1 } = sighting;
    const { version } = resource;
    if (time < this.sum.first) this.firstVersion = version;
    if (time >= this.sum.last) this.lastVersion = version;
    this.sum.add(time, weight);
    for (const [level, counts] of this.slots.entries()) {
      const length = ERROR_SLOTS_MS[level] ?? 1;
      const slot = Math.floor(time / length) * length;
      getOrAdd(counts, slot, () => new Sum()).add(time, weight);
    }
    addTo(this.versions, version, { time, weight });
    if (this.samples.push(sighting) > MAX_WAITING_SAMPLES) this.samples.shift();
  }
}

/** One that was not described for a while may be new, and is written with the next sums. */
function isDue({ texts, waitingSince }: WaitingError, since: number): boolean {
  return texts !== undefined || waitingSince <= since;
}

function addTo(
  sums: Map<string, Sum>,
  value: string,
  { time, weight = 1 }: Pick<ErrorSighting, 'time' | 'weight'>,
  max = MAX_PARTS,
): void {
  if (sums.has(value) || sums.size < max) getOrAdd(sums, value, () => new Sum()).add(time, weight);
}

// null of rows that were written before it was kept.
const ADD_STANDS_FOR = 'stands_for = coalesce(stands_for, count) + excluded.stands_for';
const PUT = `INSERT INTO errors
  (service, fingerprint, type, message, stack, count, stands_for, first_seen, last_seen, first_version, last_version)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (service, fingerprint) DO UPDATE SET
  type = excluded.type, message = excluded.message, stack = coalesce(excluded.stack, stack), count = count + excluded.count, ${ADD_STANDS_FOR},
  first_version = CASE WHEN excluded.first_seen < first_seen THEN excluded.first_version ELSE first_version END,
  last_version = CASE WHEN excluded.last_seen >= last_seen THEN excluded.last_version ELSE last_version END,
  first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen) RETURNING id`;
// No parameters with numbers: before Node 24 they cannot be bound by position.
const ADD = `UPDATE errors SET count = errors.count + added.count,
  stands_for = coalesce(errors.stands_for, errors.count) + added.stands_for,
  first_version = CASE WHEN added.first < first_seen THEN added.first_version ELSE errors.first_version END,
  last_version = CASE WHEN added.last >= last_seen THEN added.last_version ELSE errors.last_version END,
  first_seen = min(first_seen, added.first), last_seen = max(last_seen, added.last)
  FROM (SELECT ? AS count, ? AS stands_for, ? AS first, ? AS last, ? AS first_version, ? AS last_version) AS added
  WHERE service = ? AND fingerprint = ? RETURNING id`;
const FIND = 'SELECT id FROM errors WHERE service = ? AND fingerprint = ?';
const ADD_COUNT = `INSERT INTO error_counts (error, level, slot, count, stands_for) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET count = count + excluded.count, ${ADD_STANDS_FOR}`;
const PRUNE_COUNTS = 'DELETE FROM error_counts WHERE error = ? AND level = ? AND slot < ?';
const ON_CONFLICT = `ON CONFLICT DO UPDATE SET count = count + excluded.count, ${ADD_STANDS_FOR},
  first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen)`;
const ADD_PART = `INSERT INTO error_parts (error, kind, value, count, stands_for, first_seen, last_seen)
  SELECT * FROM (SELECT ? AS error, ? AS kind, ? AS value, ? AS count, ? AS stands_for, ? AS first, ? AS last) AS added
  WHERE (SELECT count(*) FROM error_parts WHERE error = added.error AND kind = added.kind) < ${MAX_PARTS}
    OR EXISTS (SELECT 1 FROM error_parts WHERE error = added.error AND kind = added.kind AND value = added.value)
  ${ON_CONFLICT}`;
const ADD_USER = `INSERT INTO error_parts (error, kind, value, count, stands_for, first_seen, last_seen)
  VALUES (?, 'user', ?, ?, ?, ?, ?) ${ON_CONFLICT}`;
const COUNT_USERS = "SELECT count(*) AS count FROM error_parts WHERE error = ? AND kind = 'user'";
const PRUNE_USERS = `DELETE FROM error_parts WHERE error = ? AND kind = 'user' AND value IN
  (SELECT value FROM error_parts WHERE error = ? AND kind = 'user' ORDER BY last_seen LIMIT ?)`;
const ADD_SAMPLE = 'INSERT INTO error_samples (error, time, trace_id, span_id) VALUES (?, ?, ?, ?)';
const PRUNE_SAMPLES = `DELETE FROM error_samples WHERE error = ? AND id NOT IN
  (SELECT id FROM error_samples WHERE error = ? ORDER BY time DESC LIMIT ${MAX_SAMPLES})`;

/**
 * Adds up errors by service and fingerprint, so that when each began, and how often it happened, is known when its spans are evicted.
 * Each process adds to what is stored.
 */
export class ErrorSums {
  private readonly waiting = new Map<string, WaitingError>();
  /** When the texts of an error were last written, and its oldest counts deleted. */
  private readonly describedAt = new Map<string, number>();
  private readonly spanId = new IdBytes();

  /** Whether there is something to write that waits since then, by `performance.now()`, or that the store may not know yet. */
  isDirty(since: number): boolean {
    if (this.waiting.size >= HURRY_AT) return true;
    for (const waiting of this.waiting.values()) if (isDue(waiting, since)) return true;
    return false;
  }

  add(sighting: ErrorSighting): void {
    const waiting = this.of(sighting.resource, sighting.fingerprint);
    if (waiting === undefined) return;
    waiting.add(sighting);
    if (waiting.texts !== undefined) return;
    const describedAt = this.describedAt.get(waiting.key) ?? -Infinity;
    if (Math.abs(performance.now() - describedAt) >= DESCRIBED_FOR_MS) waiting.texts = sighting.describe();
  }

  /** Notes that a request, message or run failed with it, and for which user; undefined where that is not known. */
  addEntry(resource: StoredResource, fingerprint: string, entry: ErrorEntry): void {
    const waiting = this.of(resource, fingerprint);
    if (waiting === undefined) return;
    const { route, user } = entry;
    addTo(waiting.routes, route, entry);
    if (user !== undefined) addTo(waiting.users, user, entry, MAX_USERS);
  }

  /**
   * Writes what `isDirty()` means until time is up. Returns what to `settle()` when it is there for good; the rest has its turn with the
   * next call.
   */
  write(
    database: Database,
    dictionaries: Dictionaries,
    now: number,
    since: number,
    isTimeUp: () => boolean,
  ): readonly WaitingError[] {
    const written: WaitingError[] = [];
    const isAll = this.waiting.size >= HURRY_AT;
    for (const waiting of this.waiting.values()) {
      if (!isAll && !isDue(waiting, since)) continue;
      if (isTimeUp()) break;
      this.writeOne(waiting, database, dictionaries.resource(waiting.resource, now).service, now);
      written.push(waiting);
    }
    return written;
  }

  settle(written: readonly WaitingError[]): void {
    for (const { key, texts } of written) {
      this.waiting.delete(key);
      if (texts === undefined) continue;
      this.describedAt.delete(key);
      this.describedAt.set(key, performance.now());
      if (this.describedAt.size > MAX_ERRORS)
        this.describedAt.delete(this.describedAt.keys().next().value ?? '');
    }
  }

  private of(resource: StoredResource, fingerprint: string): WaitingError | undefined {
    const key = `${fingerprint} ${resource.service}`;
    if (!this.waiting.has(key) && this.waiting.size >= MAX_ERRORS) return undefined;
    return getOrAdd(this.waiting, key, () => new WaitingError(key, resource, fingerprint));
  }

  private writeOne(waiting: WaitingError, database: Database, service: number, now: number): void {
    const error = writeError(waiting, database, service);
    // It was evicted, and what is added to it belongs to the times before.
    if (error === undefined) return;
    for (const [level, counts] of waiting.slots.entries()) {
      for (const [slot, { count, standsFor }] of counts)
        database.run(ADD_COUNT, error, level, slot, count, standsFor);
      const kept = ERROR_COUNTS_KEPT_MS[level] ?? Infinity;
      if (waiting.texts !== undefined && kept !== Infinity)
        database.run(PRUNE_COUNTS, error, level, now - kept);
    }
    for (const [kind, sums] of [
      ['version', waiting.versions],
      ['route', waiting.routes],
    ] as const)
      for (const [value, { count, standsFor, first, last }] of sums)
        database.run(ADD_PART, error, kind, value, count, standsFor, first, last);
    writeUsers(waiting, database, error);
    if (waiting.samples.length === 0) return;
    for (const { time, traceId, idHigh = 0, idLow = 0 } of waiting.samples) {
      const ids = traceId === undefined ? [null, null] : [bytesOf(traceId), this.spanId.of(idHigh, idLow)];
      database.run(ADD_SAMPLE, error, time, ...ids);
    }
    database.run(PRUNE_SAMPLES, error, error);
  }
}

function writeUsers({ users }: WaitingError, database: Database, error: number): void {
  if (users.size === 0) return;
  for (const [value, { count, standsFor, first, last }] of users)
    database.run(ADD_USER, error, value, count, standsFor, first, last);
  const { count } = database.one<{ count: number }>(COUNT_USERS, error);
  if (count > MAX_USERS) database.run(PRUNE_USERS, error, error, count - MAX_USERS);
}

/** Returns the number of the error; undefined where it is not stored and nothing says what it is. */
function writeError(waiting: WaitingError, database: Database, service: number): number | undefined {
  const { fingerprint, sum, firstVersion, lastVersion, texts } = waiting;
  if (sum.count === 0) return database.get<{ id: number }>(FIND, service, fingerprint)?.id;
  const { count, standsFor, first, last } = sum;
  if (texts === undefined) {
    const values = [count, standsFor, first, last, firstVersion, lastVersion, service, fingerprint];
    const known = database.get<{ id: number }>(ADD, ...values)?.id;
    if (known !== undefined) return known;
  }
  // Another process has evicted it, or the database is another one, since it was described.
  const { type, message, stack } = texts ?? waiting.samples.at(-1)?.describe() ?? NO_TEXTS;
  return database.one<{ id: number }>(
    PUT,
    service,
    fingerprint,
    type.slice(0, MAX_TYPE),
    message.slice(0, MAX_MESSAGE),
    stack?.slice(0, MAX_STACK) ?? null,
    count,
    standsFor,
    first,
    last,
    firstVersion,
    lastVersion,
  ).id;
}

const NO_TEXTS: ErrorTexts = { type: 'Error', message: '', stack: undefined };
