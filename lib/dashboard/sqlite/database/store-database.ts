import { resolve } from 'node:path';

import { warnOnce } from '../../../errors/warnings.js';
import { classifyFailure, type Database } from './database.js';
import { IN_MEMORY, openDatabase, type Sqlite } from './open-database.js';
import {
  type Defect,
  isSameFile,
  openAgain,
  openInMemory,
  openOrReplace,
  recreate,
  removeDatabase,
} from './quarantine.js';

/** A file that stays locked for so long is replaced. */
const LOCKED_MS = 10_000;

/** So often in a row rows are deleted for want of room: on a busy machine one time may free too little. */
const MAX_TIMES_FULL = 4;

/** What to do with the work that failed. */
export type Recovery =
  | 'retry' // The same again, in a moment.
  | 'skip'; // It fails because of what it is.

/**
 * The database that is written to now. Whatever becomes of its file, there is always one: a broken or foreign version is
 * renamed and replaced by a new file, and where no file can be used the store continues in memory. Each of these is warned about once.
 */
export class StoreDatabase {
  private opened: Database;
  private busySince: number | undefined;
  /** Times in a row that there was no room. */
  private timesFull = 0;

  /**
   * @param onReplaced called when the database is replaced: what was cached of its rows is invalid
   * @param makeRoom deletes rows, because the disk or the database is full
   */
  constructor(
    private readonly sqlite: Sqlite,
    file: string,
    private readonly onReplaced: () => void = () => undefined,
    private readonly makeRoom: () => void = () => undefined,
  ) {
    this.opened = openOrReplace(sqlite, file === IN_MEMORY ? file : resolve(file));
  }

  get current(): Database {
    return this.opened;
  }

  /** Call it after a successful write: an earlier failure is over. */
  succeed(): void {
    this.busySince = undefined;
    this.timesFull = 0;
  }

  /**
   * Makes a change that can wait. Returns undefined when it fails: the failure is handled, and the caller tries again later
   * to make it.
   */
  attempt<T>(change: (database: Database) => T): T | undefined {
    try {
      return change(this.opened);
    } catch (error) {
      // Another process is writing and will soon be done.
      if (classifyFailure(error) === 'busy') return undefined;
      try {
        this.recover(error, Date.now());
      } catch (failed) {
        warnOnce('store:care', `The store could not be looked after: ${String(failed)}.`, 60_000);
      }
      return undefined;
    }
  }

  /**
   * Does what a failure asks for, and says what to do with the work that failed.
   *
   * @throws SQLite's error when that fails too
   */
  recover(error: unknown, now: number): Recovery {
    switch (classifyFailure(error)) {
      case 'busy':
        this.busySince ??= now;
        if (now - this.busySince >= LOCKED_MS) this.replace('locked by another process', error);
        return 'retry';
      case 'corrupt':
        this.replace('damaged', error);
        return 'retry';
      case 'full':
        // It may be full because it has reached its bound: then it always has rows to spare.
        if (this.timesFull < MAX_TIMES_FULL || this.opened.isNearBound) {
          this.timesFull += 1;
          this.makeRoom();
          return 'retry';
        }
        this.continueInMemory(error);
        return 'retry';
      case 'unusable':
        if (this.opened.inMemory) return 'skip';
        if (!this.reopenIfMoved()) this.continueInMemory(error);
        return 'retry';
      default:
        warnOnce('store:write', `Some telemetry could not be stored: ${String(error)}.`, 60_000);
        return 'skip';
    }
  }

  /** Opens the file anew when it has been deleted or replaced, as another process or a `rm` does; returns whether it had. */
  reopenIfMoved(): boolean {
    const { file, inode, inMemory } = this.opened;
    if (inMemory || isSameFile(file, inode)) return false;
    this.switchTo(() => openAgain(this.sqlite, file));
    return true;
  }

  /**
   * Begins anew without any row. Other processes notice it as they notice a file that was deleted.
   *
   * @throws Error when the file cannot be deleted; its rows are still there then
   */
  clear(): void {
    const { opened: before } = this;
    // Windows deletes no file that is open.
    before.close();
    try {
      if (!before.inMemory) removeDatabase(before);
    } finally {
      this.switchTo(({ file, inMemory }) =>
        inMemory ? openDatabase(this.sqlite, IN_MEMORY) : openAgain(this.sqlite, file),
      );
    }
  }

  close(): void {
    this.opened.close();
  }

  private replace(defect: Defect, error: unknown): void {
    this.busySince = undefined;
    this.switchTo((before) =>
      before.inMemory ? openDatabase(this.sqlite, IN_MEMORY) : recreate(this.sqlite, before, defect, error),
    );
  }

  private continueInMemory(error: unknown): void {
    this.timesFull = 0;
    this.switchTo(({ file }) => openInMemory(this.sqlite, file, error));
  }

  private switchTo(open: (before: Database) => Database): void {
    const before = this.opened;
    before.close();
    this.opened = open(before);
    this.onReplaced();
  }
}
