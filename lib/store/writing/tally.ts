import { type Database } from '../database/database.js';

/** How one change moves the numbers of rows, so that nobody has to count them. All processes add to the same numbers. */
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
    let group = this.groups.get(route);
    if (group === undefined) this.groups.set(route, (group = { open: 0, pinned: 0 }));
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

  write(database: Database, dropped = 0): void {
    database.run(
      `UPDATE counters SET spans = spans + ?, pinned_spans = pinned_spans + ?, logs = logs + ?, points = points + ?, collected = collected + ?,
       evicted = evicted + ?, dropped = dropped + ? WHERE id = 1`,
      this.spans,
      this.pinnedSpans,
      this.logs,
      this.points,
      this.collected,
      this.evicted,
      dropped,
    );
    for (const [route, { open, pinned }] of this.groups)
      if (open !== 0 || pinned !== 0)
        database.run(
          'UPDATE routes SET spans = spans + ?, pinned_spans = pinned_spans + ? WHERE id = ?',
          open,
          pinned,
          route,
        );
  }
}
