import { warnOnce } from '../../../errors/warnings.js';
import { MAX_BUCKET } from '../encoding/buckets.js';
import { type StoredExemplar, type StoredLog, type StoredPoint, type StoredSpan } from '../rows.interface.js';
import { type Batch } from './write-session.js';

/** How many rows may wait: ten seconds of a busy service. Beyond, the newest are dropped and counted. */
const MAX_WAITING = 20_000;

/** Rows of each kind that wait to be written. */
export class RowQueues {
  readonly spans = new RowQueue<StoredSpan>(MAX_WAITING);
  readonly logs = new RowQueue<StoredLog>(MAX_WAITING);
  readonly points = new RowQueue<StoredPoint>(MAX_WAITING);
  private readonly all = [this.spans, this.logs, this.points] as const;
  /** Of the rows that were read, those that could not be made. */
  unreadable = 0;

  /** How many wait. */
  get size(): number {
    return this.spans.size + this.logs.size + this.points.size;
  }

  /** How many there was no room for. */
  get refused(): number {
    return this.spans.refused + this.logs.refused + this.points.refused;
  }

  /** How many were read since the last `settle()` or `rewind()`. */
  get read(): number {
    return this.spans.read + this.logs.read + this.points.read;
  }

  /** Reads the next rows, at most so many of each kind and so many in all; undefined when there are none. */
  readBatch(ofEach: number, inAll = Infinity): Batch | undefined {
    const { read } = this;
    const limit = (): number => Math.min(ofEach, read + inAll - this.read);
    const spans = this.take(this.spans, limit(), problemOfSpan);
    const logs = this.take(this.logs, limit(), problemOfLog);
    const points = this.take(this.points, limit(), problemOfPoint);
    return this.read === read ? undefined : { spans, logs, points };
  }

  /** Begins again with the first row that is not settled. */
  rewind(): void {
    for (const queue of this.all) queue.rewind();
    this.unreadable = 0;
  }

  /** Forgets what was read. */
  settle(): void {
    for (const queue of this.all) queue.settle();
    this.unreadable = 0;
  }

  private take<Row>(queue: RowQueue<Row>, limit: number, problemOf: (row: Row) => string | undefined): Row[] {
    const rows: Row[] = [];
    for (let count = 0; count < limit && queue.hasNext; count += 1) {
      try {
        const row = queue.next();
        const problem = row === undefined ? undefined : problemOf(row);
        if (problem !== undefined) this.refuse(problem);
        else if (row !== undefined) rows.push(row);
      } catch (error) {
        this.unreadable += 1;
        warnOnce('store:row', `Some telemetry could not be read to be stored: ${String(error)}.`, 60_000);
      }
    }
    return rows;
  }

  private refuse(problem: string): void {
    this.unreadable += 1;
    warnOnce(
      'store:refused',
      `Some telemetry is not stored for the dashboard, because it cannot be right: ${problem}. ` +
        'Look at the clock of the sender, and at times that the application gives to spans itself.',
      60_000,
    );
  }
}

/** Emptied slots in front of the list are given back at this many. */
const COMPACT_AT = 4_096;

/**
 * Rows that wait to be written, at most `limit`; further ones are refused and counted. What is given may be a row or what a row
 * is made of: making it then happens when it is written, not where it was recorded. Rows that were read stay until `settle()`, so
 * that they can be read again when writing them fails.
 */
class RowQueue<Row> {
  refused = 0;
  private sources: unknown[] = [];
  private makers: ((source: never) => Row)[] = [];
  private head = 0;
  private position = 0;

  constructor(private readonly limit: number) {}

  get size(): number {
    return this.sources.length - this.head;
  }

  /** How many were read since the last `settle()` or `rewind()`. */
  get read(): number {
    return this.position - this.head;
  }

  get hasNext(): boolean {
    return this.position < this.sources.length;
  }

  /** `make` is called when the row is read. Returns whether there was room. */
  add<Source>(source: Source, make: (source: Source) => Row): boolean {
    if (this.size >= this.limit) {
      this.refused += 1;
      return false;
    }
    this.sources.push(source);
    this.makers.push(make);
    return true;
  }

  /** The next row; undefined at the end. Throws what making it throws, and goes on with the one after it. */
  next(): Row | undefined {
    const make = this.makers[this.position];
    if (make === undefined) return undefined;
    const source = this.sources[this.position];
    this.position += 1;
    return make(source as never); // `add()` took both at this position, of one type
  }

  /** Begins again with the first that is not settled. */
  rewind(): void {
    this.position = this.head;
  }

  /** Forgets what was read. */
  settle(): void {
    this.sources.fill(undefined, this.head, this.position);
    this.head = this.position;
    if (this.head < this.sources.length && this.head < COMPACT_AT) return;
    this.sources = this.sources.slice(this.head);
    this.makers = this.makers.slice(this.head);
    this.head = 0;
    this.position = 0;
  }
}

/** For what is a row already. */
export function identity<Row>(row: Row): Row {
  return row;
}

/**
 * The last door before the database: a number that is not finite or too large would size a loop,
 * stop a whole batch, or come back as one that JavaScript cannot read. Each returns what is wrong
 * with a row; undefined when nothing is.
 */

/** The year 2243: in microseconds this is still a safe integer. */
const MAX_TIME_MS = 8_640_000_000_000;
const MAX_MICROSECONDS = MAX_TIME_MS * 1_000;
/** Buckets of one histogram with boundaries. */
const MAX_BOUNDARIES = 10_000;

function problemOfSpan({ start, duration, kind, status }: StoredSpan): string | undefined {
  if (!isWithin(start, MAX_MICROSECONDS)) return `its start is ${start} microseconds`;
  if (!isWithin(duration, MAX_MICROSECONDS) || !isWithin(start + duration, MAX_MICROSECONDS))
    return `its duration is ${duration} microseconds`;
  return Number.isInteger(kind) && Number.isInteger(status) ? undefined : `its kind is ${kind}`;
}

function problemOfLog({ time, level }: StoredLog): string | undefined {
  if (!isWithin(time, MAX_TIME_MS)) return `its time is ${time}`;
  return isWithin(level, MAX_TIME_MS) ? undefined : `its level is ${level}`;
}

function problemOfPoint(point: StoredPoint): string | undefined {
  const { time, value, count, boundaries = [], buckets, exemplars = [], min = 0, max = 0 } = point;
  if (!isWithin(time, MAX_TIME_MS)) return `its time is ${time}`;
  const infinite = [value, min, max].find((number) => !Number.isFinite(number));
  if (infinite !== undefined) return `its value is ${infinite}`;
  if (!Number.isSafeInteger(count) || count < 0) return `its count is ${count}`;
  if (boundaries.length > MAX_BOUNDARIES || !boundaries.every(Number.isFinite))
    return `it has ${boundaries.length} boundaries, or one that is not a number`;
  if (buckets !== undefined) {
    const highest = boundaries.length > 0 ? boundaries.length : MAX_BUCKET;
    for (const [bucket, inBucket] of buckets)
      if (!isIndex(bucket, highest) || !isIndex(inBucket, Number.MAX_SAFE_INTEGER))
        return `its bucket ${bucket} has ${inBucket}`;
  }
  return exemplars.every(isUsable) ? undefined : 'an exemplar of it has no time or value';
}

function isUsable({ time, value }: StoredExemplar): boolean {
  return isWithin(time, MAX_TIME_MS) && Number.isFinite(value);
}

/** Times of this process's clock have decimals. */
function isWithin(value: number, max: number): boolean {
  return value >= 0 && value <= max;
}

function isIndex(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}
