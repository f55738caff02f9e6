import { type Database } from '../database/database.js';
import { POINT_LEVEL } from '../writing/point-writer.js';
import { Tally } from '../writing/tally.js';
import { evictOldestLogs, evictOldLogs, LogEviction } from './evict-logs.js';
import { evictOldPoints, evictPoints } from './evict-points.js';
import { evictOldTraces, evictTraces } from './evict-traces.js';
import { type StoreLimits } from './limits.interface.js';

/** How long one step holds up the event loop. */
const STEP_MS = 3;
/** Once a bound is passed, so much is deleted that it is not passed again at once. */
const DOWN_TO = 0.97;
/** What is written between two looks must fit below the bound too. */
const BYTES_SHARE = 0.92;
const AGE_CHECK_MS = 10_000;
/** When no line can go without its trace, so many of the spans go. */
const TRACES_FOR_LOGS = 0.02;
/** How long the fine sums stay: whoever looks further back looks at coarse ones. */
export const ROLLUPS_KEPT_MS = [3_600_000, 6 * 3_600_000, 48 * 3_600_000, Infinity] as const;
export const COLLECTED_POINTS_KEPT_MS = 2 * 3_600_000;

/** Unused pages that stay in the file, because the next rows need them. */
const SPARE_SHARE = 0.1;
const SPARE_PAGES = 256;
const PAGES_PER_STEP = 64;

interface Counters {
  readonly spans: number;
  readonly logs: number;
  readonly points: number;
}

interface Excess extends Counters {
  readonly bytes: number;
}

/** Keeps one database within its bounds, a few milliseconds at a time. */
export class Evictor {
  private readonly logEviction = new LogEviction();
  private readonly pageSize: number;
  private agedAt = 0;
  /** While it is true, rows are deleted below the bound. */
  private isEvicting = false;

  constructor(
    private readonly database: Database,
    private readonly limits: StoreLimits,
  ) {
    this.pageSize = database.pragma('page_size');
  }

  /**
   * Deletes some of what is too old or too much, or gives unused pages back; returns whether there is more to do.
   *
   * @throws SQLite's error
   */
  step(now: number): boolean {
    if (now - this.agedAt >= AGE_CHECK_MS) {
      if (this.change((tally, isTimeUp) => this.evictAged(now, tally, isTimeUp))) return true;
      this.agedAt = now;
    }
    const excess = this.excess();
    const isOver = excess.spans > 0 || excess.logs > 0 || excess.points > 0 || excess.bytes > 0;
    this.isEvicting = isOver;
    if (isOver) {
      this.change((tally, isTimeUp) => {
        this.evictExcess(excess, tally, isTimeUp);
      });
      return true;
    }
    return this.giveBackPages();
  }

  /** Deletes a tenth of what is there, because there is no room to write anything. */
  makeRoom(now: number): void {
    const { spans, logs } = this.counters();
    this.change((tally) => {
      const { maxSpans } = this.limits;
      const isTimeUp = () => false;
      for (let gone = 0, last = 1; gone < spans / 10 && last > 0; gone += last)
        last = evictTraces(this.database, { spans: spans / 10 - gone, maxSpans, isTimeUp }, tally);
      for (let gone = 0, last = 1; gone < logs / 10 && last > 0; gone += last)
        last = evictOldestLogs(this.database, logs / 10 - gone, tally);
      evictPoints(this.database, 0, tally);
    });
    this.agedAt = Math.min(this.agedAt, now);
  }

  private change<T>(work: (tally: Tally, isTimeUp: () => boolean) => T): T {
    const until = performance.now() + STEP_MS;
    return this.database.transaction(() => {
      const tally = new Tally();
      const result = work(tally, () => performance.now() >= until);
      tally.write(this.database);
      return result;
    });
  }

  private counters(): Counters {
    return this.database.one<Counters>('SELECT spans, logs, points FROM counters');
  }

  /** How much has to go. */
  private excess(): Excess {
    const { maxSpans, maxLogs, maxPoints, maxBytes } = this.limits;
    const { spans, logs, points } = this.counters();
    const pages = this.database.pragma('page_count') - this.database.pragma('freelist_count');
    const above = (value: number, max: number): number => {
      const bound = this.isEvicting ? max * DOWN_TO : max;
      return value <= bound ? 0 : value - max * DOWN_TO;
    };
    return {
      spans: above(spans, maxSpans),
      logs: above(logs, maxLogs),
      points: above(points, maxPoints),
      bytes: above(pages * this.pageSize, maxBytes * BYTES_SHARE),
    };
  }

  private evictExcess(excess: Excess, tally: Tally, isTimeUp: () => boolean): void {
    const { database, limits } = this;
    const { maxSpans } = limits;
    if (excess.points > 0) evictPoints(database, limits.maxPoints, tally);
    if (excess.spans > 0) evictTraces(database, { spans: excess.spans, maxSpans, isTimeUp }, tally);
    if (excess.logs > 0) this.evictLogs(excess.logs, tally, isTimeUp);
    if (excess.bytes > 0) this.evictBytes(tally, isTimeUp);
  }

  private evictLogs(wanted: number, tally: Tally, isTimeUp: () => boolean): void {
    const { database } = this;
    if (this.logEviction.evict(database, wanted, isTimeUp, tally)) return;
    // Every line belongs to a trace, or is an error: traces go, and then their lines, and at last lines by age.
    const { maxSpans } = this.limits;
    const { spans } = this.counters();
    const gone = evictTraces(
      database,
      { spans: Math.ceil(spans * TRACES_FOR_LOGS), maxSpans, isTimeUp: () => false },
      tally,
    );
    if (gone === 0) evictOldestLogs(database, wanted, tally);
  }

  private evictBytes(tally: Tally, isTimeUp: () => boolean): void {
    const { database, limits } = this;
    const { spans, logs, points } = this.counters();
    // A hundred at a time: how many bytes a row frees is known when it is gone.
    if (logs > spans && logs > 0) this.evictLogs(100, tally, isTimeUp);
    else if (spans > 0) evictTraces(database, { spans: 100, maxSpans: limits.maxSpans, isTimeUp }, tally);
    else if (points > 0) evictPoints(database, 0, tally);
    else database.run('DELETE FROM rollups WHERE level < 3');
  }

  private evictAged(now: number, tally: Tally, isTimeUp: () => boolean): boolean {
    const { database } = this;
    const before = now - this.limits.maxAgeMs;
    if (evictOldTraces(database, before * 1_000, isTimeUp, tally)) return true;
    if (evictOldLogs(database, before, tally)) return true;
    evictOldPoints(database, POINT_LEVEL.minute, before, tally);
    evictOldPoints(
      database,
      POINT_LEVEL.asCollected,
      Math.max(before, now - COLLECTED_POINTS_KEPT_MS),
      tally,
    );
    ROLLUPS_KEPT_MS.forEach((keptMs, level) => {
      const kept = Math.max(before, now - keptMs);
      database.run('DELETE FROM rollups WHERE level = ? AND slot < ?', level, kept);
    });
    database.run('DELETE FROM exemplars WHERE time < ?', before);
    database.run('DELETE FROM series WHERE last_seen < ?', before);
    database.run(
      'DELETE FROM instruments WHERE NOT EXISTS (SELECT 1 FROM series WHERE instrument = instruments.id)',
    );
    return false;
  }

  private giveBackPages(): boolean {
    const unused = this.database.pragma('freelist_count');
    const spare = Math.max(SPARE_PAGES, this.database.pragma('page_count') * SPARE_SHARE);
    if (unused <= spare) return false;
    this.database.exec(`PRAGMA incremental_vacuum(${PAGES_PER_STEP})`);
    return true;
  }
}
