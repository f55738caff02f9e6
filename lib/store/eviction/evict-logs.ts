import { type Database } from '../database/database.js';
import { type Tally } from '../writing/tally.js';
import { deleteLogs } from './delete-logs.js';

const CHUNK = 64;
const ERROR_LEVEL = 50;

interface Candidate {
  readonly id: number;
  readonly level: number;
  readonly hasTrace: number;
}

/**
 * Deletes the oldest lines that say least: those below `error` whose trace is not in the store. Goes through the lines from
 * the oldest to the newest, a bit with each call.
 */
export class LogEviction {
  private position = 0;
  private goneInPass = 0;

  /** Deletes up to `wanted` lines; returns false when it came to the newest without having found any since the oldest. */
  evict(database: Database, wanted: number, isTimeUp: () => boolean, tally: Tally): boolean {
    let gone = 0;
    while (gone < wanted && !isTimeUp()) {
      const lines = database.all<Candidate>(
        `SELECT id, level, trace_id IS NOT NULL AND EXISTS (SELECT 1 FROM traces WHERE key = trace_key AND traces.trace_id = logs.trace_id) AS hasTrace
         FROM logs WHERE id > ? ORDER BY id LIMIT ?`,
        this.position,
        CHUNK,
      );
      if (lines.length === 0) {
        const found = this.goneInPass > 0;
        this.position = 0;
        this.goneInPass = 0;
        return found;
      }
      const victims = lines.filter(({ level, hasTrace }) => level < ERROR_LEVEL && hasTrace === 0);
      const chosen = victims.slice(0, wanted - gone);
      deleteLogs(database, chosen, tally);
      gone += chosen.length;
      this.goneInPass += chosen.length;
      this.position = (chosen.length < victims.length ? chosen : lines).at(-1)?.id ?? 0;
    }
    return true;
  }
}

/** Deletes the oldest lines, whatever they say; returns how many. */
export function evictOldestLogs(database: Database, wanted: number, tally: Tally): number {
  const lines = database.all<{ id: number }>(
    'SELECT id FROM logs ORDER BY time LIMIT ?',
    Math.min(wanted, 2 * CHUNK),
  );
  deleteLogs(database, lines, tally);
  return lines.length;
}

/** Deletes lines written before that time, in milliseconds; returns whether there are more. */
export function evictOldLogs(database: Database, before: number, tally: Tally): boolean {
  const lines = database.all<{ id: number }>(
    'SELECT id FROM logs WHERE time < ? ORDER BY time LIMIT ?',
    before,
    2 * CHUNK,
  );
  deleteLogs(database, lines, tally);
  return lines.length > 0;
}
