import { type Database } from './database.js';

/** No earlier version checked what it wrote; beyond this, JavaScript cannot read a number back. */
const MAX = Number.MAX_SAFE_INTEGER;

/** Columns that hold a time or a duration, by table. */
const NUMBERS: Readonly<Record<string, readonly string[]>> = {
  traces: ['start', 'finish', 'root_start', 'duration'],
  spans: ['start', 'duration'],
  rollups: ['longest', 'slow_start', 'slow_duration', 'failed_start', 'failed_duration'],
  logs: ['time'],
  points: ['time'],
  exemplars: ['time'],
};

/** Whether a question failed because a row has a number that JavaScript cannot read. */
export function isUnreadableNumber(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'ERR_OUT_OF_RANGE';
}

/**
 * Sets numbers that cannot be read to 0. One such row would fail every question that meets it; as
 * one of 1970 it is the next to be evicted.
 */
export function repairNumbers(database: Database): void {
  database.transaction(() => {
    for (const [table, columns] of Object.entries(NUMBERS))
      for (const column of columns)
        database.run(`UPDATE OR IGNORE ${table} SET ${column} = 0 WHERE ${column} NOT BETWEEN 0 AND ?`, MAX);
  });
}
