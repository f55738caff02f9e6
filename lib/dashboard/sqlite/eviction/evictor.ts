import { type Database } from '../database/database.js';
import { readRowCounts } from '../database/row-counts.js';
import { tidyWords } from '../words/tidy-words.js';
import { findSparseBlock } from '../words/word-blocks.js';
import { evictByAge } from './evict-by-age.js';
import { evictExcess, findExcess } from './evict-excess.js';
import { evictOldestLogs } from './evict-logs.js';
import { evictPoints } from './evict-points.js';
import { evictTraces } from './evict-traces.js';
import { evictFor } from './eviction.js';
import { type StoreLimits } from './limits.interface.js';
import { PageBudget } from './page-budget.js';

/** How long one step holds up the event loop. */
const STEP_MS = 3;
/** How long the event loop is held up, at worst, when there is no room for anything. */
const ROOM_MS = 30;
const AGE_CHECK_MS = 10_000;

/** Keeps one database within its bounds, a few milliseconds at a time. */
export class Evictor {
  private readonly pages: PageBudget;
  private agedAt = 0;
  /** While it is true, rows are deleted below the bound. */
  private isEvicting = false;

  constructor(
    private readonly database: Database,
    private readonly limits: StoreLimits,
  ) {
    this.pages = new PageBudget(database, limits.maxBytes);
  }

  /** Whether rows should go before others come. */
  get isUrgent(): boolean {
    return this.pages.isUrgent;
  }

  /**
   * Deletes some of what is too old or too much, or gives unused pages back; returns whether there is more to do.
   *
   * @throws SQLite's error
   */
  step(now: number): boolean {
    this.pages.cap();
    return this.evictAged(now) || this.tidyWords() || this.evictExcess(now) || this.pages.giveBack();
  }

  /** Deletes up to a tenth of what is there, because there is no room to write anything. */
  makeRoom(now: number): void {
    const { database, pages } = this;
    const { maxSpans } = this.limits;
    const { spans, logs } = readRowCounts(database);
    pages.spendReserve();
    evictFor(database, ROOM_MS, (eviction) => {
      for (let gone = 0, last = 1; gone < spans / 10 && last > 0 && !eviction.isTimeUp(); gone += last)
        last = evictTraces(eviction, spans / 10 - gone, maxSpans);
      evictOldestLogs(eviction, logs / 10);
      evictPoints(eviction, 0);
    });
    this.agedAt = Math.min(this.agedAt, now);
  }

  private evictAged(now: number): boolean {
    if (now - this.agedAt < AGE_CHECK_MS) return false;
    if (evictFor(this.database, STEP_MS, (eviction) => evictByAge(eviction, this.limits.maxAgeMs, now)))
      return true;
    this.agedAt = now;
    return false;
  }

  private tidyWords(): boolean {
    const { database } = this;
    if (!database.hasWords || findSparseBlock(database) === undefined) return false;
    evictFor(database, STEP_MS, ({ isTimeUp }) => {
      tidyWords(database, isTimeUp);
    });
    return true;
  }

  private evictExcess(now: number): boolean {
    const { database, limits } = this;
    const amounts = { ...readRowCounts(database), bytes: this.pages.usedBytes };
    const excess = findExcess(amounts, limits, this.isEvicting);
    this.isEvicting = excess !== undefined;
    if (excess === undefined) return false;
    evictFor(database, STEP_MS, (eviction) => {
      evictExcess(eviction, excess, limits, now);
    });
    return true;
  }
}
