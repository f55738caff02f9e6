import { type Database } from '../database/database.js';

/** From here on rows go before any other is written. */
const URGENT_SHARE = 0.97;
/** Pages that only the deleting of rows may take. */
const RESERVED_PAGES = 32;

/** Unused pages that stay in the file, because the next rows need them. */
const SPARE_SHARE = 0.1;
const SPARE_PAGES = 256;
const PAGES_PER_STEP = 64;

/** The pages of one database, of which SQLite itself lets there be no more than the bound on bytes allows. */
export class PageBudget {
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

  /** Whether rows should go before others come: what is written at once must fit below the bound too. */
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
