import { type Database } from '../database/database.js';
import { findTraceNumber } from '../database/find-trace-number.js';
import { type Tally } from '../database/row-counts.js';
import { bytesOf } from '../encoding/ids.js';
import { type StoredExemplar } from '../rows.interface.js';
import { type PlacedPoint } from './point-writer.js';
import { pinTrace } from './pin-trace.js';

/** The span of a measurement may end, and be written, long after it was made. */
const WAIT_MS = 60_000;
const MAX_WAITING = 2_000;
/** Of a series no more are kept than can be told apart on a chart. */
const EVERY_MS = 2_000;

/** An exemplar whose trace has not come yet. */
export interface WaitingExemplar {
  readonly series: number;
  readonly exemplar: StoredExemplar;
}

/** Writes exemplars whose trace is in the store, and pins that trace: a dot on a chart must lead somewhere. */
export class ExemplarWriter {
  private waiting: WaitingExemplar[] = [];
  private readonly latest = new Map<number, { time: number; value: number }>();

  constructor(private readonly database: Database) {}

  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }

  /** Takes the exemplars of points that are there for good. */
  take({ series, point }: PlacedPoint): void {
    for (const exemplar of point.exemplars ?? []) {
      const latest = this.latest.get(series);
      // A larger one than the latest is news, whenever it comes.
      if (latest !== undefined && exemplar.time - latest.time < EVERY_MS && exemplar.value <= latest.value)
        continue;
      this.latest.set(series, { time: exemplar.time, value: exemplar.value });
      if (this.waiting.length < MAX_WAITING) this.waiting.push({ series, exemplar });
    }
  }

  /** Writes those whose trace has come; returns what to keep waiting once that is there for good. */
  write(tally: Tally, now: number): WaitingExemplar[] {
    return this.waiting.filter(
      (waiting) => !this.writeOne(waiting, tally) && now - waiting.exemplar.time < WAIT_MS,
    );
  }

  settle(waiting: WaitingExemplar[]): void {
    this.waiting = waiting;
  }

  private writeOne({ series, exemplar }: WaitingExemplar, tally: Tally): boolean {
    const { database } = this;
    const trace = findTraceNumber(database, exemplar.traceId);
    if (trace === undefined) return false;
    database.run(
      'INSERT INTO exemplars (series, time, value, trace, span_id) VALUES (?, ?, ?, ?, ?)',
      series,
      Math.floor(exemplar.time),
      exemplar.value,
      trace,
      bytesOf(exemplar.spanId),
    );
    pinTrace(database, trace, tally);
    return true;
  }
}
