import { warnOnce } from '../../../errors/warnings.js';
import { type StoredLog, type StoredPoint, type StoredSpan } from '../rows.interface.js';
import { problemOfLog, problemOfPoint, problemOfSpan } from './check-row.js';
import { RowQueue } from './row-queue.js';
import { type Batch } from './write-session.js';

/** How many rows may wait: ten seconds of a busy service. Beyond, the newest are dropped and counted. */
const MAX_WAITING = 20_000;

/** Rows of each kind that wait to be written. */
export class RowQueues {
  readonly spans = new RowQueue<StoredSpan>(MAX_WAITING);
  readonly logs = new RowQueue<StoredLog>(MAX_WAITING);
  readonly points = new RowQueue<StoredPoint>(MAX_WAITING);
  private readonly all = [this.spans, this.logs, this.points] as const;
  /** Of the rows that were read, those that could not be made. */
  unreadable = 0;

  /** How many wait. */
  get size(): number {
    return this.spans.size + this.logs.size + this.points.size;
  }

  /** How many there was no room for. */
  get refused(): number {
    return this.spans.refused + this.logs.refused + this.points.refused;
  }

  /** How many were read since the last `settle()` or `rewind()`. */
  get read(): number {
    return this.spans.read + this.logs.read + this.points.read;
  }

  /** Reads the next rows, at most so many of each kind and so many in all; undefined when there are none. */
  readBatch(ofEach: number, inAll = Infinity): Batch | undefined {
    const { read } = this;
    const limit = (): number => Math.min(ofEach, read + inAll - this.read);
    const spans = this.take(this.spans, limit(), problemOfSpan);
    const logs = this.take(this.logs, limit(), problemOfLog);
    const points = this.take(this.points, limit(), problemOfPoint);
    return this.read === read ? undefined : { spans, logs, points };
  }

  /** Begins again with the first row that is not settled. */
  rewind(): void {
    for (const queue of this.all) queue.rewind();
    this.unreadable = 0;
  }

  /** Forgets what was read. */
  settle(): void {
    for (const queue of this.all) queue.settle();
    this.unreadable = 0;
  }

  private take<Row>(queue: RowQueue<Row>, limit: number, problemOf: (row: Row) => string | undefined): Row[] {
    const rows: Row[] = [];
    for (let count = 0; count < limit && queue.hasNext; count += 1) {
      try {
        const row = queue.next();
        const problem = row === undefined ? undefined : problemOf(row);
        if (problem !== undefined) this.refuse(problem);
        else if (row !== undefined) rows.push(row);
      } catch (error) {
        this.unreadable += 1;
        warnOnce('store:row', `Some telemetry could not be read to be stored: ${String(error)}.`, 60_000);
      }
    }
    return rows;
  }

  private refuse(problem: string): void {
    this.unreadable += 1;
    warnOnce(
      'store:refused',
      `Some telemetry is not stored for the dashboard, because it cannot be right: ${problem}. ` +
        'Look at the clock of the sender, and at times that the application gives to spans itself.',
      60_000,
    );
  }
}
