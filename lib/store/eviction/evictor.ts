import { type Database } from '../database/database.js';
import { COLLECTED_POINTS_KEPT_MS, POINT_LEVEL, ROLLUPS_KEPT_MS } from '../resolutions.js';
import { tidyWords } from '../words/tidy-words.js';
import { findSparseBlock } from '../words/word-blocks.js';
import { Tally } from '../writing/tally.js';
import { evictLooseLogs, evictOldestLogs, evictOldLogs, sweepLogs } from './evict-logs.js';
import { evictOldPoints, evictPoints } from './evict-points.js';
import { evictOldRollups } from './evict-rollups.js';
import { evictOldTraces, evictTraces } from './evict-traces.js';
import { type StoreLimits } from './limits.interface.js';

/** How long one step holds up the event loop. */
const STEP_MS = 3;
/** Once a bound is passed, so much is deleted that it is not passed again at once. */
const DOWN_TO = 0.97;
/** From here on rows go. */
const BYTES_SHARE = 0.92;
/** From here on rows go before any other is written. */
const URGENT_SHARE = 0.97;
/** Pages that only the deleting of rows may take. */
const RESERVED_PAGES = 32;
/** How long the event loop is held up, at worst, when there is no room for anything. */
const ROOM_MS = 30;
const AGE_CHECK_MS = 10_000;
/** Of rows that have to go so many at once. */
const SOME = 200;

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
  private readonly pageSize: number;
  private isCapped = false;
  private agedAt = 0;
  /** While it is true, rows are deleted below the bound. */
  private isEvicting = false;

  constructor(
    private readonly database: Database,
    private readonly limits: StoreLimits,
  ) {
    this.pageSize = database.pragma('page_size');
    database.maxPages = Math.floor(limits.maxBytes / this.pageSize);
    this.isCapped = this.capPages(RESERVED_PAGES);
  }

  /** Whether rows should go before others come: what is written at once must fit below the bound too. */
  get isUrgent(): boolean {
    return this.usedPages() > this.database.maxPages * URGENT_SHARE;
  }

  /**
   * Deletes some of what is too old or too much, or gives unused pages back; returns whether there is more to do.
   *
   * @throws SQLite's error
   */
  step(now: number): boolean {
    if (!this.isCapped) this.isCapped = this.capPages(RESERVED_PAGES);
    if (now - this.agedAt >= AGE_CHECK_MS) {
      if (this.change((tally, isTimeUp) => this.evictAged(now, tally, isTimeUp))) return true;
      this.agedAt = now;
    }
    if (this.tidyWords()) return true;
    const excess = this.excess();
    const isOver = excess.spans > 0 || excess.logs > 0 || excess.points > 0 || excess.bytes > 0;
    this.isEvicting = isOver;
    if (isOver) {
      this.change((tally, isTimeUp) => {
        this.evictExcess(excess, now, tally, isTimeUp);
      });
      return true;
    }
    return this.giveBackPages();
  }

  /** Deletes up to a tenth of what is there, because there is no room to write anything. */
  makeRoom(now: number): void {
    const { database, limits } = this;
    const { spans, logs } = this.counters();
    if (database.isNearBound) {
      this.capPages(0);
      this.isCapped = false;
    }
    this.change((tally, isTimeUp) => {
      const { maxSpans } = limits;
      for (let gone = 0, last = 1; gone < spans / 10 && last > 0 && !isTimeUp(); gone += last)
        last = evictTraces(database, { spans: spans / 10 - gone, maxSpans, isTimeUp }, tally);
      evictOldestLogs(database, logs / 10, isTimeUp, tally);
      evictPoints(database, 0, tally);
    }, ROOM_MS);
    this.agedAt = Math.min(this.agedAt, now);
  }

  private change<T>(work: (tally: Tally, isTimeUp: () => boolean) => T, milliseconds = STEP_MS): T {
    const until = performance.now() + milliseconds;
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
    const above = (value: number, max: number): number => {
      const bound = this.isEvicting ? max * DOWN_TO : max;
      return value <= bound ? 0 : value - max * DOWN_TO;
    };
    return {
      spans: above(spans, maxSpans),
      logs: above(logs, maxLogs),
      points: above(points, maxPoints),
      bytes: above(this.usedPages() * this.pageSize, maxBytes * BYTES_SHARE),
    };
  }

  private evictExcess(excess: Excess, now: number, tally: Tally, isTimeUp: () => boolean): void {
    const { database, limits } = this;
    const { maxSpans } = limits;
    if (excess.points > 0) evictPoints(database, limits.maxPoints, tally);
    if (excess.spans > 0) evictTraces(database, { spans: excess.spans, maxSpans, isTimeUp }, tally);
    if (excess.logs > 0) this.evictLogs(excess.logs, now, tally, isTimeUp);
    if (excess.bytes > 0) this.evictBytes(now, tally, isTimeUp);
  }

  /** Each line is looked at once at most before it goes, however many are kept. */
  private evictLogs(wanted: number, now: number, tally: Tally, isTimeUp: () => boolean): void {
    const { database } = this;
    if (evictLooseLogs(database, wanted, isTimeUp, tally) > 0 || sweepLogs(database, now)) return;
    // Every line belongs to a trace, is an error, or is so young that nobody can tell: traces go, and their lines with the next step.
    const { spans, logs } = this.counters();
    const some = Math.min(wanted, SOME);
    const share = Math.ceil((some / Math.max(1, logs)) * spans);
    const { maxSpans } = this.limits;
    const gone = spans > 0 && evictTraces(database, { spans: share, maxSpans, isTimeUp }, tally) > 0;
    if (!gone || evictLooseLogs(database, some, isTimeUp, tally) === 0)
      evictOldestLogs(database, some, isTimeUp, tally);
  }

  private evictBytes(now: number, tally: Tally, isTimeUp: () => boolean): void {
    const { database, limits } = this;
    const { spans, logs, points } = this.counters();
    // Some at a time: how many bytes a row frees is known when it is gone.
    if (logs > spans && logs > 0) this.evictLogs(SOME, now, tally, isTimeUp);
    else if (spans > 0) evictTraces(database, { spans: SOME, maxSpans: limits.maxSpans, isTimeUp }, tally);
    else if (points > 0) evictPoints(database, 0, tally);
    else database.run('DELETE FROM rollups WHERE level < 3');
  }

  private evictAged(now: number, tally: Tally, isTimeUp: () => boolean): boolean {
    const { database } = this;
    const before = now - this.limits.maxAgeMs;
    if (evictOldTraces(database, before * 1_000, isTimeUp, tally)) return true;
    if (evictOldLogs(database, before, isTimeUp, tally)) return true;
    const collectedBefore = Math.max(before, now - COLLECTED_POINTS_KEPT_MS);
    if (evictOldPoints(database, POINT_LEVEL.minute, before, isTimeUp, tally)) return true;
    if (evictOldPoints(database, POINT_LEVEL.asCollected, collectedBefore, isTimeUp, tally)) return true;
    for (const [level, keptMs] of ROLLUPS_KEPT_MS.entries())
      if (evictOldRollups(database, level, Math.max(before, now - keptMs), isTimeUp)) return true;
    database.run('DELETE FROM exemplars WHERE time < ?', before);
    database.run('DELETE FROM series WHERE last_seen < ?', before);
    database.run(
      'DELETE FROM instruments WHERE NOT EXISTS (SELECT 1 FROM series WHERE instrument = instruments.id)',
    );
    return false;
  }

  private tidyWords(): boolean {
    const { database } = this;
    if (!database.hasWords || findSparseBlock(database) === undefined) return false;
    this.change((_, isTimeUp) => {
      tidyWords(database, isTimeUp);
    });
    return true;
  }

  private usedPages(): number {
    return this.database.pragma('page_count') - this.database.pragma('freelist_count');
  }

  /** SQLite itself keeps the file below its bound; returns false while it is larger, as one that was opened with another bound may be. */
  private capPages(reserved: number): boolean {
    const pages = this.database.maxPages - reserved;
    return this.database.pragma(`max_page_count = ${pages}`) <= pages;
  }

  private giveBackPages(): boolean {
    const { database } = this;
    const unused = database.pragma('freelist_count');
    const pages = database.pragma('page_count');
    const spare = pages > database.maxPages ? 0 : Math.max(SPARE_PAGES, pages * SPARE_SHARE);
    if (unused <= spare) return false;
    database.exec(`PRAGMA incremental_vacuum(${PAGES_PER_STEP})`);
    return true;
  }
}
