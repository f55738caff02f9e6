import { type Database } from '../database/database.js';
import { readRowCounts, type RowCounts } from '../database/row-counts.js';
import { type StoreDatabase } from '../database/store-database.js';
import {
  COLLECTED_POINTS_KEPT_MS,
  POINT_LEVEL,
  PROCESS_LEVEL,
  ROLLUPS_KEPT_MS,
  VERSION_SUMS_KEPT_MS,
} from '../encoding/buckets.js';
import { compact, findSparseBlock } from '../full-text.js';
import { evictCommands } from '../processes/stored-commands.js';
import { evictErrors } from './evict-errors.js';
import { evictOperations } from './evict-operations.js';
import {
  evictLogs,
  evictOldestLogs,
  evictOldLogs,
  evictOldPoints,
  evictOldProcessRows,
  evictOldRollups,
  evictOldVersionSums,
  evictPoints,
  evictProcessHealth,
  LineSweep,
} from './evict-rows.js';
import {
  type Eviction,
  evictOldTraces,
  evictTraces,
  runEviction,
  SOME_ROWS,
  STEP_MS,
} from './evict-traces.js';

/** How much is kept. */
export interface StoreLimits {
  /** Milliseconds. */
  readonly maxAgeMs: number;
  /** Of the database, without its journal. */
  readonly maxBytes: number;
  readonly maxSpans: number;
  readonly maxLogs: number;
  readonly maxPoints: number;
}

/** How long the event loop is blocked at most, when there is no room for any row. */
const ROOM_MS = 30;
const AGE_CHECK_MS = 10_000;

/** Keeps the database that is written to now within its bounds, in turns of a few milliseconds between which others have theirs. */
export class EvictionScheduler {
  private pages: PageBudget;
  private sweep = new LineSweep();
  private agedAt = 0;
  /** While it is true, rows are deleted below the bound. */
  private isEvicting = false;
  private immediate: NodeJS.Immediate | undefined;
  private stopped = false;

  constructor(
    private readonly store: StoreDatabase,
    private readonly limits: StoreLimits,
  ) {
    this.pages = new PageBudget(store.current, limits.maxBytes);
  }

  /** Deletes up to a tenth of what is there, because there is no room to write anything. @throws SQLite's error */
  makeRoom(): void {
    const { current: database } = this.store;
    const { maxSpans } = this.limits;
    const { spans, logs } = readRowCounts(database);
    this.pages.spendReserve();
    runEviction(database, ROOM_MS, (eviction) => {
      for (let gone = 0, last = 1; gone < spans / 10 && last > 0 && !eviction.isTimeUp(); gone += last)
        last = evictTraces(eviction, spans / 10 - gone, maxSpans);
      evictOldestLogs(eviction, logs / 10);
      evictPoints(eviction, 0);
      evictOldProcessRows(eviction, PROCESS_LEVEL.fine, Infinity);
    });
  }

  /** Deletes some rows when there is too little room to write others; returns whether it did. */
  evictFirst(): boolean {
    return this.store.attempt(() => this.pages.isUrgent && this.step(Date.now())) === true;
  }

  /** Deletes some of what is too old or too much, and goes on with it until there is nothing more. */
  evict(): void {
    if (this.stopped || this.immediate !== undefined) return;
    if (this.store.attempt(() => this.step(Date.now())) !== true) return;
    this.immediate = setImmediate(() => {
      this.immediate = undefined;
      this.evict();
    });
  }

  /** The database is another one. */
  restart(): void {
    this.pages = new PageBudget(this.store.current, this.limits.maxBytes);
    this.sweep = new LineSweep();
    this.agedAt = 0;
    this.isEvicting = false;
  }

  stop(): void {
    this.stopped = true;
    clearImmediate(this.immediate);
  }

  /** Deletes some rows, or gives unused pages back; returns whether there is more to do. */
  private step(now: number): boolean {
    this.pages.cap();
    return this.evictAged(now) || this.compact() || this.evictExcess(now) || this.pages.giveBack();
  }

  private evictAged(now: number): boolean {
    if (now - this.agedAt < AGE_CHECK_MS) return false;
    const { current } = this.store;
    if (runEviction(current, STEP_MS, (eviction) => evictByAge(eviction, this.limits.maxAgeMs, now)))
      return true;
    this.agedAt = now;
    return false;
  }

  private compact(): boolean {
    const { current: database } = this.store;
    if (!database.hasFullText || findSparseBlock(database) === undefined) return false;
    runEviction(database, STEP_MS, ({ isTimeUp }) => {
      compact(database, isTimeUp);
    });
    return true;
  }

  private evictExcess(now: number): boolean {
    const { store, limits } = this;
    const amounts = { ...readRowCounts(store.current), bytes: this.pages.usedBytes };
    const excess = findExcess(amounts, limits, this.isEvicting);
    this.isEvicting = excess !== undefined;
    if (excess === undefined) return false;
    runEviction(store.current, STEP_MS, (eviction) => {
      evictExcess(eviction, excess, limits, this.sweep, now);
    });
    return true;
  }
}

/** From here on rows go before any other is written. */
const URGENT_SHARE = 0.97;
/** Pages that only the deleting of rows may take. */
const RESERVED_PAGES = 32;

/** Unused pages that stay in the file, because the next rows need them. */
const SPARE_SHARE = 0.1;
const SPARE_PAGES = 256;
const PAGES_PER_STEP = 64;

/** The pages of one database, of which SQLite itself lets there be no more than the bound on bytes allows. */
class PageBudget {
  private readonly pageSize: number;
  private isCapped = false;

  constructor(
    private readonly database: Database,
    maxBytes: number,
  ) {
    this.pageSize = database.pragma('page_size');
    database.maxPages = Math.floor(maxBytes / this.pageSize);
    this.cap();
  }

  get usedBytes(): number {
    return this.usedPages() * this.pageSize;
  }

  /** Whether rows should be deleted before others are written: one batch must fit below the bound, too. */
  get isUrgent(): boolean {
    return this.usedPages() > this.database.maxPages * URGENT_SHARE;
  }

  /** Keeps the file below its bound. To be called again: one that was opened with another bound may be larger until enough is deleted. */
  cap(): void {
    if (!this.isCapped) this.isCapped = this.capAt(this.database.maxPages - RESERVED_PAGES);
  }

  /** Lets the deleting of rows take what is reserved for it, until the next `cap()`. */
  spendReserve(): void {
    if (!this.database.isNearBound) return;
    this.capAt(this.database.maxPages);
    this.isCapped = false;
  }

  /** Gives some unused pages back to the disk; returns whether there may be more. */
  giveBack(): boolean {
    const { database } = this;
    const unused = database.pragma('freelist_count');
    const pages = database.pragma('page_count');
    const spare = pages > database.maxPages ? 0 : Math.max(SPARE_PAGES, pages * SPARE_SHARE);
    if (unused <= spare) return false;
    database.exec(`PRAGMA incremental_vacuum(${PAGES_PER_STEP})`);
    return true;
  }

  private usedPages(): number {
    return this.database.pragma('page_count') - this.database.pragma('freelist_count');
  }

  private capAt(pages: number): boolean {
    return this.database.pragma(`max_page_count = ${pages}`) <= pages;
  }
}

/** Once a bound is passed, so much is deleted that the next write does not pass it again. */
const DOWN_TO = 0.97;
/** From here on rows go. */
const BYTES_SHARE = 0.92;

/** What there is, or what of it has to go. */
interface Amounts extends RowCounts {
  readonly bytes: number;
}

/**
 * How much has to go; undefined when nothing has to.
 *
 * @param isEvicting whether something had to go the last time: then it goes on until there is some room below the bound
 */
function findExcess(
  { spans, logs, points, bytes }: Amounts,
  { maxSpans, maxLogs, maxPoints, maxBytes }: StoreLimits,
  isEvicting: boolean,
): Amounts | undefined {
  const above = (value: number, max: number): number => {
    const bound = isEvicting ? max * DOWN_TO : max;
    return value <= bound ? 0 : value - max * DOWN_TO;
  };
  const excess = {
    spans: above(spans, maxSpans),
    logs: above(logs, maxLogs),
    points: above(points, maxPoints),
    bytes: above(bytes, maxBytes * BYTES_SHARE),
  };
  return Object.values(excess).some((amount) => amount > 0) ? excess : undefined;
}

/** Deletes some of what is above a bound, on rows or on bytes. */
function evictExcess(
  eviction: Eviction,
  excess: Amounts,
  limits: StoreLimits,
  sweep: LineSweep,
  now: number,
): void {
  const { maxSpans, maxPoints } = limits;
  if (excess.points > 0) evictPoints(eviction, maxPoints);
  if (excess.spans > 0) evictTraces(eviction, excess.spans, maxSpans);
  if (excess.logs > 0) evictLogs(eviction, excess.logs, maxSpans, sweep, now);
  if (excess.bytes > 0) evictBytes(eviction, maxSpans, sweep, now);
}

/** Deletes some of what there is most of: how many bytes a row frees is known when it is gone. */
function evictBytes(eviction: Eviction, maxSpans: number, sweep: LineSweep, now: number): void {
  const { spans, logs, points } = readRowCounts(eviction.database);
  if (logs > spans && logs > 0) evictLogs(eviction, SOME_ROWS, maxSpans, sweep, now);
  else if (spans > 0) evictTraces(eviction, SOME_ROWS, maxSpans);
  else if (points > 0) evictPoints(eviction, 0);
  else if (!evictOldProcessRows(eviction, PROCESS_LEVEL.minute, Infinity)) {
    eviction.database.run('DELETE FROM rollups WHERE level < 3');
    eviction.database.run('DELETE FROM operation_sums WHERE level < 2');
    evictProcessHealth(eviction, now);
  }
}

/** Deletes some of what is too old, and of what is kept coarsely from some age on the fine rows; returns whether there may be more. */
function evictByAge(eviction: Eviction, maxAgeMs: number, now: number): boolean {
  const { database } = eviction;
  const before = now - maxAgeMs;
  if (evictOldTraces(eviction, before * 1_000)) return true;
  if (evictOldLogs(eviction, before)) return true;
  const collectedBefore = Math.max(before, now - COLLECTED_POINTS_KEPT_MS);
  if (evictOldPoints(eviction, POINT_LEVEL.minute, before)) return true;
  if (evictOldPoints(eviction, POINT_LEVEL.asCollected, collectedBefore)) return true;
  if (evictOldProcessRows(eviction, PROCESS_LEVEL.minute, before)) return true;
  if (evictOldProcessRows(eviction, PROCESS_LEVEL.fine, collectedBefore)) return true;
  evictProcessHealth(eviction, before);
  evictCommands(database, now);
  if (evictErrors(eviction, maxAgeMs, now)) return true;
  if (evictOperations(eviction, before, now)) return true;
  for (const [level, keptMs] of ROLLUPS_KEPT_MS.entries())
    if (evictOldRollups(eviction, level, Math.max(before, now - keptMs))) return true;
  if (evictOldVersionSums(eviction, now - Math.max(maxAgeMs, VERSION_SUMS_KEPT_MS))) return true;
  database.run('DELETE FROM exemplars WHERE time < ?', before);
  database.run('DELETE FROM series WHERE last_seen < ?', before);
  database.run(
    'DELETE FROM instruments WHERE NOT EXISTS (SELECT 1 FROM series WHERE instrument = instruments.id)',
  );
  return false;
}
