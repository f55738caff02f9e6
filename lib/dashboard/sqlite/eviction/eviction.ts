import { type Database } from '../database/database.js';
import { changeRows, type Tally } from '../database/row-counts.js';

/** One change in which rows go. */
export interface Eviction {
  readonly database: Database;
  /** Is told which rows went. */
  readonly tally: Tally;
  /** To be asked between some rows and the next. */
  readonly isTimeUp: () => boolean;
}

/** Of rows that have to go so many at once, where it is not known before how many are enough. */
export const SOME_ROWS = 200;

/** Lets `work` delete rows for so many milliseconds, as one change. */
export function evictFor<T>(database: Database, milliseconds: number, work: (eviction: Eviction) => T): T {
  const until = performance.now() + milliseconds;
  const isTimeUp = (): boolean => performance.now() >= until;
  return changeRows(database, (tally) => work({ database, tally, isTimeUp }));
}
