import { statSync } from 'node:fs';
import { resolve } from 'node:path';

import { warnOnce } from '../../errors/warnings.js';
import { type Database } from './database.js';
import { classifyFailure } from './database-failure.js';
import { type Sqlite } from './load-sqlite.js';
import { ForeignDatabaseError, IN_MEMORY, openDatabase } from './open-database.js';
import { isStill, setAside } from './set-aside.js';

/** A file that nobody can write to for so long is given up. */
const LOCKED_MS = 10_000;

/** What to do with the work that failed. */
export type Recovery =
  | 'retry' // The same again, in a moment.
  | 'make-room' // The same again, after something was deleted.
  | 'skip'; // It fails because of what it is.

/**
 * The database that is written to now. Whatever becomes of its file, there is always one: a broken or foreign version is
 * renamed and begun anew, and where no file can be used the store goes on in memory. Each of these is said once.
 */
export class StoreDatabase {
  private opened: Database;
  private busySince: number | undefined;
  private isFull = false;

  /** @param onReplaced is told when everything learned about the rows of the database before is void */
  constructor(
    private readonly sqlite: Sqlite,
    file: string,
    private readonly onReplaced: () => void = () => undefined,
  ) {
    this.opened = this.openOrReplace(file === IN_MEMORY ? file : resolve(file));
  }

  get current(): Database {
    return this.opened;
  }

  /** To be told when something was written: what was wrong before is over. */
  succeed(): void {
    this.busySince = undefined;
    this.isFull = false;
  }

  /** Does what a failure asks for, and says what to do with the work that failed. */
  recover(error: unknown, now: number): Recovery {
    const { file } = this.opened;
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
        if (!this.isFull || this.opened.isNearBound) {
          this.isFull = true;
          return 'make-room';
        }
        this.continueInMemory(file, error);
        return 'retry';
      case 'unusable':
        if (this.opened.inMemory) return 'skip';
        if (!this.reopenIfMoved()) this.continueInMemory(file, error);
        return 'retry';
      default:
        warnOnce('store:write', `Some telemetry could not be stored: ${String(error)}.`, 60_000);
        return 'skip';
    }
  }

  /** Opens the file anew when it has been deleted or replaced, as another process or a `rm` does; returns whether it had. */
  reopenIfMoved(): boolean {
    const { file, inode, inMemory } = this.opened;
    if (inMemory || isStill(file, inode)) return false;
    this.opened.close();
    this.opened = this.openAgain(file);
    this.onReplaced();
    return true;
  }

  close(): void {
    this.opened.close();
  }

  private replace(what: string, error: unknown): void {
    const { file, inode, inMemory } = this.opened;
    this.opened.close();
    this.busySince = undefined;
    this.opened = inMemory ? openDatabase(this.sqlite, IN_MEMORY) : this.beginAnew(file, inode, what, error);
    this.onReplaced();
  }

  private continueInMemory(file: string, error: unknown): void {
    this.opened.close();
    this.isFull = false;
    this.opened = this.openInMemory(file, error);
    this.onReplaced();
  }

  private openOrReplace(file: string): Database {
    try {
      return openDatabase(this.sqlite, file);
    } catch (error) {
      const inode = statSync(file, { throwIfNoEntry: false })?.ino;
      if (error instanceof ForeignDatabaseError && error.version !== undefined)
        return this.beginAnew(file, inode, 'of another version of nestjs-telemetry', error);
      const failure = classifyFailure(error);
      if (failure === 'corrupt') return this.beginAnew(file, inode, 'damaged', error);
      if (failure === 'busy') return this.beginAnew(file, inode, 'locked by another process', error);
      return this.openInMemory(file, error);
    }
  }

  private beginAnew(file: string, inode: number | undefined, what: string, error: unknown): Database {
    try {
      const aside = setAside(file, inode);
      const where = aside === undefined ? 'another process has set it aside' : `it is now ${aside}`;
      warnOnce(`store:${what}`, `${file} is ${what} (${reasonOf(error)}): ${where}, and a new one is begun.`);
    } catch (refused) {
      return this.openInMemory(file, refused);
    }
    return this.openAgain(file);
  }

  /** The file is another one than before. Two versions of the store must not set aside each other's for ever. */
  private openAgain(file: string): Database {
    try {
      return openDatabase(this.sqlite, file);
    } catch (error) {
      return this.openInMemory(file, error);
    }
  }

  private openInMemory(file: string, error: unknown): Database {
    warnOnce(
      'store:memory',
      `What is stored for the dashboard is kept in memory and is gone when this process ends, because ${file} cannot be used: ` +
        `${reasonOf(error)}. Make room or give another file with store: { file }.`,
    );
    return openDatabase(this.sqlite, IN_MEMORY);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
