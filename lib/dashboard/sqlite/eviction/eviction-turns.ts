import { type StoreDatabase } from '../database/store-database.js';
import { Evictor } from './evictor.js';
import { type StoreLimits } from './limits.interface.js';

/** Keeps the database that is written to now within its bounds, in turns between which others have theirs. */
export class EvictionTurns {
  private evictor: Evictor;
  private immediate: NodeJS.Immediate | undefined;
  private stopped = false;

  constructor(
    private readonly database: StoreDatabase,
    private readonly limits: StoreLimits,
  ) {
    this.evictor = new Evictor(database.current, limits);
  }

  /**
   * Deletes some rows because there is no room to write others.
   *
   * @throws SQLite's error
   */
  makeRoom(): void {
    this.evictor.makeRoom(Date.now());
  }

  /** Deletes some rows when there is too little room to write others; returns whether it did. */
  evictFirst(): boolean {
    return this.database.attempt(() => this.evictor.isUrgent && this.evictor.step(Date.now())) === true;
  }

  /** Deletes some of what is too old or too much, and goes on with it until there is nothing more. */
  evict(): void {
    if (this.stopped || this.immediate !== undefined || !this.step()) return;
    this.immediate = setImmediate(() => {
      this.immediate = undefined;
      this.evict();
    });
  }

  /** The database is another one. */
  restart(): void {
    this.evictor = new Evictor(this.database.current, this.limits);
  }

  stop(): void {
    this.stopped = true;
    clearImmediate(this.immediate);
  }

  private step(): boolean {
    return this.database.attempt(() => this.evictor.step(Date.now())) === true;
  }
}
