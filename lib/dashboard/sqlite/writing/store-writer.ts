import { warnOnce } from '../../../errors/warnings.js';
import { atProcessEnd } from '../../../process/process-end.js';
import { type Recovery, type StoreDatabase } from '../database/store-database.js';
import { type EvictionScheduler } from '../eviction/evictor.js';
import { type StoredLog, type StoredPoint, type StoredSpan } from '../rows.interface.js';
import { type Dictionaries } from './dictionaries.js';
import { ProcessHealth } from './process-health.js';
import { identity, RowQueues } from './row-queues.js';
import { type Batch, type SumsToWrite, WriteSession } from './write-session.js';

/** How long the rows of one change are written; its commit comes on top. A request that comes meanwhile waits for it. */
const SLICE_MS = 1;
/** The same when so many rows wait that requests wait for each other anyway: one large change costs less than several small ones. */
const LONG_SLICE_MS = 3;
const MANY_WAITING = 512;
/** How long writing may delay the end of a process that was not shut down. */
const EXIT_MS = 300;
/** Rows of each kind between two looks at the clock. */
const CHUNK = 16;
/** Time between two looks for rows to delete, in milliseconds. */
const EVICTION_INTERVAL_MS = 200;

/**
 * Takes rows from the path of requests and writes them in small changes between them. Nothing here throws into the code that
 * records, nothing waits for a lock, and what cannot be written in time is dropped and counted.
 */
export class StoreWriter {
  /** How the telemetry of processes does. */
  readonly health = new ProcessHealth();
  private readonly queues = new RowQueues();
  private readonly schedule: WriteSchedule;
  private session: WriteSession;
  private closed = false;
  private readonly forgetExit: () => void;
  /** Rows that could not be read or written, and how many of all that are lost the database knows of. */
  private lost = 0;
  private toldLost = 0;
  /** After a row has made a change fail, this many are written one by one, so that only that row is lost. */
  private singly = 0;
  private evictedAt = -Infinity;

  constructor(
    private readonly database: StoreDatabase,
    private readonly eviction: EvictionScheduler,
  ) {
    this.session = new WriteSession(database.current, this.health);
    this.schedule = new WriteSchedule(() => this.takeTurn());
    this.forgetExit = atProcessEnd('write', this.writeAtExit);
  }

  /** How many rows wait. */
  get queued(): number {
    return this.queues.size;
  }

  /** How many rows this process has lost: the queue was full, or they could not be written. */
  get dropped(): number {
    return this.lost + this.queues.refused;
  }

  /** Counts rows that were lost before they came here. */
  addDropped(rows: number): void {
    this.lost += rows;
  }

  /** Queues a span; `make` is called when it is written, and what it reads must not change any more. */
  addSpan<Source>(source: Source, make: (source: Source) => StoredSpan): void {
    if (!this.closed && this.queues.spans.add(source, make)) this.schedule.request(this.queued);
  }

  addLog<Source>(source: Source, make: (source: Source) => StoredLog): void {
    if (!this.closed && this.queues.logs.add(source, make)) this.schedule.request(this.queued);
  }

  addPoints(points: readonly StoredPoint[]): void {
    if (this.closed) return;
    for (const point of points) this.queues.points.add(point, identity);
    this.schedule.request(this.queued);
  }

  /** The database is another one: what is waiting goes there. */
  restart(): void {
    this.health.restart();
    this.session = new WriteSession(this.database.current, this.health);
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
    await this.writeWaitingSums();
  }

  /** Writes what was added up, in slices; resolves when it is there, cannot be written now, or time is up. Never rejects. */
  async writeWaitingSums(milliseconds = Infinity): Promise<void> {
    const until = performance.now() + milliseconds;
    while (this.writeSums('waiting') && performance.now() < until)
      await new Promise((resolve) => setImmediate(resolve));
  }

  /** Writes what was added up, and how many rows were lost; returns whether there is more. */
  writeSums(which: SumsToWrite): boolean {
    const { dropped } = this;
    const outcome = this.attempt(() => {
      this.session.writeSums(Date.now(), which, dropped - this.toldLost);
    });
    if (outcome !== 'done') return false;
    this.toldLost = dropped;
    return this.session.hasSums(which);
  }

  /** Takes nothing more, and stops by itself doing anything. */
  close(): void {
    this.closed = true;
    this.schedule.stop();
    this.forgetExit();
  }

  private readonly writeAtExit = (): void => {
    const until = performance.now() + EXIT_MS;
    while (this.queued > 0 && performance.now() < until) this.writeSlice(EXIT_MS);
    this.health.end(Date.now());
    this.writeSums('all');
  };

  private takeTurn(): TurnOutcome {
    const outcome = this.writeSlice();
    if (this.queued > 0) return outcome;
    const now = performance.now();
    if (now - this.evictedAt >= EVICTION_INTERVAL_MS) {
      this.evictedAt = now;
      this.eviction.evict();
    }
    return 'idle';
  }

  private writeSlice(sliceMs = this.queued > MANY_WAITING ? LONG_SLICE_MS : SLICE_MS): 'more' | 'wait' {
    if (this.eviction.evictFirst()) return 'more';
    const { queues, dropped } = this;
    const until = performance.now() + sliceMs;
    const single = this.singly > 0;
    let chunks = 0;
    const next = (): Batch | undefined => {
      if (chunks > 0 && (single || performance.now() >= until)) return undefined;
      chunks += 1;
      return single ? queues.readBatch(1, 1) : queues.readBatch(CHUNK);
    };
    const outcome = this.attempt(() => {
      this.session.write(next, dropped - this.toldLost, Date.now());
    });
    const { read, unreadable } = queues;
    if (outcome === 'retry' || (outcome === 'skip' && !single)) {
      queues.rewind();
      if (outcome === 'retry') return 'wait';
      this.singly = read;
      return 'more';
    }
    queues.settle();
    this.singly = Math.max(0, this.singly - read);
    if (outcome === 'done') this.toldLost = dropped;
    this.lost += outcome === 'skip' ? read : unreadable;
    return 'more';
  }

  private attempt(work: () => void): 'done' | Recovery {
    try {
      work();
      this.database.succeed();
      return 'done';
    } catch (error) {
      return this.recover(error, true);
    }
  }

  private recover(error: unknown, mayFailAgain: boolean): Recovery {
    try {
      return this.database.recover(error, Date.now());
    } catch (failed) {
      if (mayFailAgain) return this.recover(failed, false);
      warnOnce('store:recover', `Telemetry could not be stored: ${String(failed)}.`, 60_000);
      return 'skip';
    }
  }
}

/** How long a row waits at most when there is time. */
const DELAY_MS = 200;
/** At this many waiting rows the delay is cut short: they are what one slice takes. */
const HURRY_AT = 128;
/** Once all rows are written, the next are written so much later at least: a busy process makes fewer and larger changes. */
const PAUSE_MS = 10;
/** After which time to try again what could not be written. */
const RETRY_MS = 25;

/** What a turn of writing leaves. */
type TurnOutcome =
  | 'idle' // Nothing waits.
  | 'more' // Something waits, and can be written once others have had their turn.
  | 'wait'; // Something waits, and cannot be written now.

/** Decides when rows are written: between requests, soon after they came, and immediately when they are many. */
class WriteSchedule {
  private timer: NodeJS.Timeout | undefined;
  private immediate: NodeJS.Immediate | undefined;
  private hurries = false;
  private ranAt = -Infinity;
  private stopped = false;

  /** @param takeTurn never throws */
  constructor(private readonly takeTurn: () => TurnOutcome) {}

  /** Call it when rows have come, with the number that wait now. */
  request(waiting: number): void {
    if (this.hurries) return;
    if (waiting < HURRY_AT) {
      this.timer ??= setTimeout(this.run, DELAY_MS).unref();
      return;
    }
    this.hurries = true;
    clearTimeout(this.timer);
    this.timer = undefined;
    const pause = PAUSE_MS - (performance.now() - this.ranAt);
    if (pause > 0) this.timer = setTimeout(this.run, pause).unref();
    else this.immediate = setImmediate(this.run);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    clearImmediate(this.immediate);
  }

  private readonly run = (): void => {
    this.timer = undefined;
    this.immediate = undefined;
    if (this.stopped) return;
    const outcome = this.takeTurn();
    this.hurries = outcome !== 'idle';
    this.ranAt = performance.now();
    // Others who write to the file are done in milliseconds; not all who wait should retry together.
    if (outcome === 'wait') this.timer = setTimeout(this.run, RETRY_MS * (0.5 + Math.random())).unref();
    else if (outcome === 'more') this.immediate = setImmediate(this.run);
  };
}
