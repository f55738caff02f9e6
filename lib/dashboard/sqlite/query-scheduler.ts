import { isSteps, type Steps, takeAllSteps } from '../steps.js';
import { classifyFailure, type Database } from './database/database.js';
import { type StoreDatabase } from './database/store-database.js';

/** Reads from the database, in one step or in several. */
export type Question<T> = (database: Database) => T | Steps<T>;

/**
 * Asks the database questions, one alone or several in turns: then one step of one of them is done in each round of the event loop, so that a
 * page that asks many blocks it no longer than one that asks one. A database that turns out to be damaged is quarantined, and the
 * question is asked of the new one.
 */
export class QueryScheduler {
  /** Questions on their way: each does its next step and returns whether it was the last one; never throws. */
  private readonly waiting: (() => boolean)[] = [];

  constructor(private readonly database: StoreDatabase) {}

  /** Returns the answer; the event loop is blocked meanwhile. @throws what the question throws */
  answer<T>(question: Question<T>): T {
    return this.recovering((database) => {
      const answer = question(database);
      return isSteps(answer) ? takeAllSteps(answer) : answer;
    });
  }

  /** Resolves with the answer; rejects with what the question throws. */
  ask<T>(question: Question<T>): Promise<T> {
    let asked: Database | undefined;
    let steps: Steps<T> | undefined;
    return this.enqueue(() =>
      this.recovering((database) => {
        // What was found in a database that has been replaced is void.
        if (steps === undefined || asked !== database) {
          const answer = question((asked = database));
          if (!isSteps(answer)) return { done: true, value: answer };
          steps = answer;
        }
        try {
          return steps.next();
        } catch (error) {
          // A generator that has thrown is over: the query starts again.
          steps = undefined;
          throw error;
        }
      }),
    );
  }

  private recovering<T>(work: (database: Database) => T): T {
    try {
      return work(this.database.current);
    } catch (error) {
      if (isUnreadableNumber(error)) repairNumbers(this.database.current);
      else if (classifyFailure(error) === 'corrupt') this.database.recover(error, Date.now());
      else throw error;
      return work(this.database.current);
    }
  }

  private enqueue<T>(next: () => IteratorResult<undefined, T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const step = (): boolean => {
        try {
          const { done, value } = next();
          if (done === true) resolve(value);
          return done === true;
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
          return true;
        }
      };
      if (this.waiting.push(step) === 1) setImmediate(this.run);
    });
  }

  private readonly run = (): void => {
    const [first] = this.waiting;
    const isDone = first?.();
    this.waiting.shift();
    if (first !== undefined && isDone === false) this.waiting.push(first);
    if (this.waiting.length > 0) setImmediate(this.run);
  };
}

/** No earlier version checked what it wrote; beyond this, JavaScript cannot read a number back. */
const MAX = Number.MAX_SAFE_INTEGER;

/** Columns that hold a time or a duration, by table. */
const NUMBERS: Readonly<Record<string, readonly string[]>> = {
  traces: ['start', 'finish', 'root_start', 'duration'],
  spans: ['start', 'duration'],
  rollups: ['longest', 'slow_start', 'slow_duration', 'failed_start', 'failed_duration'],
  version_sums: ['longest', 'first_seen', 'last_seen'],
  operation_sums: ['self_time', 'total', 'longest'],
  logs: ['time'],
  points: ['time'],
  exemplars: ['time'],
};

/** Whether a question failed because a row has a number that JavaScript cannot read. */
function isUnreadableNumber(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'ERR_OUT_OF_RANGE';
}

/**
 * Sets numbers that cannot be read to 0. One such row would fail every question that meets it; as
 * one of 1970 it is the next to be evicted.
 */
function repairNumbers(database: Database): void {
  database.transaction(() => {
    for (const [table, columns] of Object.entries(NUMBERS))
      for (const column of columns)
        database.run(`UPDATE OR IGNORE ${table} SET ${column} = 0 WHERE ${column} NOT BETWEEN 0 AND ?`, MAX);
  });
}
