import { getOrAdd } from '../../get-or-add.js';
import { type Database } from './database.js';

/** How many rows of each kind there are. */
export interface RowCounts {
  readonly spans: number;
  readonly logs: number;
  readonly points: number;
}

export function readRowCounts(database: Database): RowCounts {
  return database.one<RowCounts>('SELECT spans, logs, points FROM counters');
}

/**
 * Does `work` as one change that is there as a whole or not at all, the numbers of rows with it.
 *
 * @param dropped rows that were lost on the way here
 */
export function changeRows<T>(database: Database, work: (tally: Tally) => T, dropped = 0): T {
  return database.transaction(() => {
    const tally = new Tally();
    const result = work(tally);
    tally.write(database, dropped);
    return result;
  });
}

const ADD = `UPDATE counters SET spans = spans + ?, pinned_spans = pinned_spans + ?, logs = logs + ?, points = points + ?,
  collected = collected + ?, evicted = evicted + ?, dropped = dropped + ?`;
const ADD_TO_ROUTE = 'UPDATE routes SET spans = spans + ?, pinned_spans = pinned_spans + ? WHERE id = ?';

/** Adds up how one change moves the numbers of rows, which are never counted. All processes add to the same numbers. */
export class Tally {
  private spans = 0;
  private pinnedSpans = 0;
  private logs = 0;
  private points = 0;
  private collected = 0;
  private evicted = 0;
  private readonly groups = new Map<number, { open: number; pinned: number }>();

  /** `spans` more (or fewer) of a trace of that group. */
  addSpans(route: number, pinned: boolean, spans: number): void {
    const group = getOrAdd(this.groups, route, () => ({ open: 0, pinned: 0 }));
    this.spans += spans;
    if (pinned) {
      group.pinned += spans;
      this.pinnedSpans += spans;
    } else group.open += spans;
  }

  addLogs(count: number): void {
    this.logs += count;
  }

  /** @param asCollected not by the minute */
  addPoints(count: number, asCollected: boolean): void {
    this.points += count;
    if (asCollected) this.collected += count;
  }

  addEvicted(count: number): void {
    this.evicted += count;
  }

  write(database: Database, dropped: number): void {
    const { spans, pinnedSpans, logs, points, collected, evicted } = this;
    database.run(ADD, spans, pinnedSpans, logs, points, collected, evicted, dropped);
    for (const [route, { open, pinned }] of this.groups)
      if (open !== 0 || pinned !== 0) database.run(ADD_TO_ROUTE, open, pinned, route);
  }
}
