import { warnOnce } from '../../errors/warnings.js';
import { type StoreDatabase } from '../database/store-database.js';
import { type StoredLog, type StoredPoint, type StoredSpan } from '../rows.interface.js';
import { type Dictionaries } from './dictionaries.js';
import { RowQueue } from './row-queue.js';
import { type Batch, WriteSession } from './write-session.js';

/** How long a row waits at most when there is time. */
const DELAY_MS = 200;
/** How long the event loop is held up by one change; then others have their turn. */
const SLICE_MS = 3;
/** Rows between two looks at the clock. */
const CHUNK = 32;
/** At this many waiting rows the delay is cut short. */
const HURRY_AT = 4_000;
/** How many rows may wait: ten seconds of a busy service. Beyond, the newest are dropped and counted. */
const MAX_WAITING = 20_000;
const RETRY_MS = 25;

export interface StoreWriterOptions {
  /** Deletes something, because the disk or the database is full. */
  readonly makeRoom: () => void;
  /** Deletes something when there is too little room to write; returns whether it did, and then nothing is written in this turn. */
  readonly evictFirst: () => boolean;
  /** Is told when nothing waits any more. */
  readonly onIdle: () => void;
}

/**
 * Takes rows from the path of requests and writes them in small changes between them. Nothing here throws into whoever
 * records, nothing waits for a lock, and what cannot be written in time is dropped and counted.
 */
export class StoreWriter {
  private readonly spans = new RowQueue<StoredSpan>(MAX_WAITING);
  private readonly logs = new RowQueue<StoredLog>(MAX_WAITING);
  private readonly points = new RowQueue<StoredPoint>(MAX_WAITING);
  private readonly queues = [this.spans, this.logs, this.points] as const;
  private session: WriteSession;
  private timer: NodeJS.Timeout | undefined;
  private immediate: NodeJS.Immediate | undefined;
  private closed = false;
  /** Rows that were refused or failed, and how many of them the database knows of. */
  private lost = 0;
  private toldLost = 0;
  /** After a row has made a change fail, this many are written one by one, so that only that row is lost. */
  private singly = 0;

  constructor(
    private readonly database: StoreDatabase,
    private readonly options: StoreWriterOptions,
  ) {
    this.session = new WriteSession(database.current);
  }

  /** How many rows wait. */
  get queued(): number {
    return this.spans.size + this.logs.size + this.points.size;
  }

  /** How many rows this process has lost: the queue was full, or they could not be written. */
  get dropped(): number {
    return this.lost + this.spans.refused + this.logs.refused + this.points.refused;
  }

  /** Queues a span; `make` is called when it is written, and what it reads must not change any more. */
  addSpan<Source>(source: Source, make: (source: Source) => StoredSpan): void {
    if (!this.closed && this.spans.add(source, make)) this.schedule();
  }

  addLog<Source>(source: Source, make: (source: Source) => StoredLog): void {
    if (!this.closed && this.logs.add(source, make)) this.schedule();
  }

  addPoints(points: readonly StoredPoint[]): void {
    if (this.closed) return;
    for (const point of points) this.points.add(point, asRow);
    this.schedule();
  }

  /** The database is another one: what is waiting goes there. */
  restart(): void {
    this.session = new WriteSession(this.database.current);
  }

  /** Numbers of services and routes in the current database. */
  get dictionaries(): Dictionaries {
    return this.session.dictionaries;
  }

  /** Writes everything that waits, in slices; resolves when it is there. Never rejects. */
  async flush(): Promise<void> {
    while (this.queued > 0) {
      const outcome = this.writeSlice();
      await new Promise((resolve) =>
        outcome === 'wait' ? setTimeout(resolve, RETRY_MS) : setImmediate(resolve),
      );
    }
    while (this.writeSums(false)) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Writes everything that waits at once, for at most `deadlineMs`: nothing runs after the end of a process. */
  flushNow(deadlineMs: number): void {
    const until = performance.now() + deadlineMs;
    while (this.queued > 0 && performance.now() < until) this.writeSlice(deadlineMs);
    this.writeSums(true);
  }

  /** Writes what was added up, and how many rows were lost; returns whether there is more. */
  writeSums(all: boolean): boolean {
    const { dropped } = this;
    const outcome = this.attempt(() => {
      this.session.writeSums(Date.now(), all, dropped - this.toldLost);
    });
    if (outcome !== 'done') return false;
    this.toldLost = dropped;
    return this.session.hasSums;
  }

  /** Takes nothing more, and stops by itself doing anything. */
  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    clearImmediate(this.immediate);
  }

  private schedule(): void {
    if (this.immediate !== undefined) return;
    if (this.queued >= HURRY_AT) {
      clearTimeout(this.timer);
      this.timer = undefined;
      this.immediate = setImmediate(this.run);
      return;
    }
    this.timer ??= setTimeout(this.run, DELAY_MS).unref();
  }

  private readonly run = (): void => {
    this.timer = undefined;
    this.immediate = undefined;
    if (this.closed) return;
    const outcome = this.writeSlice();
    if (this.queued === 0) {
      this.options.onIdle();
      return;
    }
    // Others who write to the file are done in milliseconds; not all who wait should come back at once.
    if (outcome === 'wait') this.timer = setTimeout(this.run, RETRY_MS * (0.5 + Math.random())).unref();
    else this.immediate = setImmediate(this.run);
  };

  private writeSlice(sliceMs = SLICE_MS): 'written' | 'wait' {
    if (this.options.evictFirst()) return 'written';
    const until = performance.now() + sliceMs;
    const { dropped } = this;
    const single = this.singly > 0;
    let unreadable = 0;
    let chunks = 0;
    const next = (): Batch | undefined => {
      if (chunks > 0 && (single || performance.now() >= until)) return undefined;
      chunks += 1;
      const batch = this.readBatch(single ? 1 : CHUNK);
      unreadable += batch?.unreadable ?? 0;
      return batch;
    };
    const outcome = this.attempt(() => {
      this.session.write(next, dropped - this.toldLost, Date.now());
    });
    const rows = this.spans.read + this.logs.read + this.points.read;
    if (outcome === 'retry' || (outcome === 'skip' && !single)) {
      for (const queue of this.queues) queue.rewind();
      if (outcome === 'retry') return 'wait';
      this.singly = rows;
      return 'written';
    }
    for (const queue of this.queues) queue.settle();
    this.singly = Math.max(0, this.singly - rows);
    if (outcome === 'done') this.toldLost = dropped;
    this.lost += outcome === 'skip' ? rows : unreadable;
    return 'written';
  }

  /** The next rows of each queue, or the next single one; undefined when there are none. */
  private readBatch(limit: number): (Batch & { readonly unreadable: number }) | undefined {
    const single = limit === 1;
    let unreadable = 0;
    let looked = 0;
    const take = <Row>(queue: RowQueue<Row>): Row[] => {
      const rows: Row[] = [];
      for (let count = 0; count < limit && queue.hasNext && !(single && looked > 0); count += 1) {
        looked += 1;
        try {
          const row = queue.next();
          if (row !== undefined) rows.push(row);
        } catch (error) {
          unreadable += 1;
          warnOnce('store:row', `Some telemetry could not be read to be stored: ${String(error)}.`, 60_000);
        }
      }
      return rows;
    };
    const batch = { spans: take(this.spans), logs: take(this.logs), points: take(this.points) };
    return looked === 0 ? undefined : { ...batch, unreadable };
  }

  private attempt(work: () => void): 'done' | 'retry' | 'skip' {
    try {
      work();
      this.database.succeed();
      return 'done';
    } catch (error) {
      return this.recover(error, true);
    }
  }

  private recover(error: unknown, mayFailAgain: boolean): 'retry' | 'skip' {
    try {
      const recovery = this.database.recover(error, Date.now());
      if (recovery === 'make-room') this.options.makeRoom();
      return recovery === 'skip' ? 'skip' : 'retry';
    } catch (failed) {
      if (mayFailAgain) return this.recover(failed, false);
      warnOnce('store:recover', `Telemetry could not be stored: ${String(failed)}.`, 60_000);
      return 'skip';
    }
  }
}

function asRow<Row>(row: Row): Row {
  return row;
}
