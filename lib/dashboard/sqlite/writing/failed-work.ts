import { getOrAdd } from '../../get-or-add.js';
import { type Database } from '../database/database.js';
import { IdBytes } from '../encoding/ids.js';
import { SPAN_STATUS, type StoredSpan } from '../rows.interface.js';
import { type RouteKey } from './dictionaries.js';
import { type Entry } from './rollups.js';

/** The group of a service in which failed work is added up. */
export const FAILED_WORK: RouteKey = { method: 'WORK', route: '(failed)', isEntry: false };

/** A span as it was written. */
export interface WrittenSpan {
  readonly span: StoredSpan;
  /** Number of its trace. */
  readonly trace: number;
  /** Number of the group `FAILED_WORK` of its service; undefined unless the span failed, entered no service and is no call. */
  readonly work: number | undefined;
}

/** Failed spans of one parent of which it is not known whether it failed, too. */
interface Siblings {
  readonly trace: number;
  readonly parentHigh: number;
  readonly parentLow: number;
  readonly since: number;
  readonly entries: Entry[];
  /** Whether the parent was looked for in the store. */
  isAsked: boolean;
}

/** A parent that does not come for so long was not recorded, or is lost. */
const WAIT_MS = 60_000;
const MAX_WAITING = 5_000;
/** Spans of a trace among which the parent is looked for. */
const MAX_SPANS = 2_000;

const STATUS = `SELECT status FROM (SELECT span_id, status FROM spans INDEXED BY spans_by_trace WHERE trace = ? LIMIT ${MAX_SPANS})
  WHERE span_id = ?`;

/**
 * Finds failed spans that no failed request, message or run includes: work that went on after the answer, or a method whose error was caught.
 * An exception passes through spans outwards, so only the outermost counts: one whose parent did not fail. The parent ends, and
 * comes, later; where the answer was sent before, it is in the store already.
 */
export class FailedWork {
  /** By the trace and the id of their parent. */
  private readonly waiting = new Map<string, Siblings>();
  private readonly id = new IdBytes();
  private size = 0;
  /** Whether the last `decide()` had no time for all of them. */
  isUnfinished = false;

  /** @param count takes what has failed by itself */
  constructor(private readonly count: (entry: Entry) => void) {}

  /** Takes spans that are there for good. */
  take(written: readonly WrittenSpan[], now: number): void {
    for (const { span, trace, work } of written) {
      const { traceId, idHigh, idLow, parentHigh, parentLow, start, duration, weight = 1 } = span;
      if (this.size > 0) this.settle(keyOf(traceId, idHigh, idLow), span.status !== SPAN_STATUS.error);
      if (work === undefined) continue;
      const entry: Entry = { route: work, trace, idHigh, idLow, start, duration, failed: true, weight };
      if ((parentHigh === 0 && parentLow === 0) || this.size >= MAX_WAITING) this.count(entry);
      else {
        const siblings = getOrAdd(this.waiting, keyOf(traceId, parentHigh, parentLow), () => ({
          trace,
          parentHigh,
          parentLow,
          since: now,
          entries: [],
          isAsked: false,
        }));
        siblings.entries.push(entry);
        this.size += 1;
      }
    }
  }

  /**
   * Decides about those whose parent was written before them, or does not come, until time is up.
   *
   * @param all also about those whose parent may still come, because nothing will follow
   * @throws SQLite's error; then the rest is decided with the next call
   */
  decide(database: Database, now: number, all: boolean, isTimeUp: () => boolean): void {
    this.isUnfinished = false;
    for (const [key, siblings] of this.waiting) {
      const { trace, parentHigh, parentLow, since, isAsked } = siblings;
      const found = isAsked
        ? undefined
        : database.get<{ status: number }>(STATUS, trace, this.id.of(parentHigh, parentLow));
      siblings.isAsked = true;
      if (found !== undefined || all || now - since >= WAIT_MS)
        this.settle(key, found?.status !== SPAN_STATUS.error);
      // A parent is looked for among thousands of spans; those that were asked about cost nothing.
      this.isUnfinished = !isAsked && isTimeUp();
      if (this.isUnfinished) return;
    }
  }

  /** @param counts whether the parent did not fail */
  private settle(key: string, counts: boolean): void {
    const settled = this.waiting.get(key);
    if (settled === undefined) return;
    this.waiting.delete(key);
    this.size -= settled.entries.length;
    if (counts) settled.entries.forEach(this.count);
  }
}

function keyOf(traceId: string, high: number, low: number): string {
  return `${traceId} ${high} ${low}`;
}
