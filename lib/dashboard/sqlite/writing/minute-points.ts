import { MINUTE_MS } from '../resolutions.js';
import { type StoredPoint } from '../rows.interface.js';
import { type PlacedPoint } from './point-writer.js';

/** What a series did in the current minute. */
interface Minute {
  readonly time: number;
  value: number;
  count: number;
  readonly buckets: Map<number, number> | undefined;
}

/** A point of a minute, and whose it is. */
export interface MinutePoint {
  readonly series: number;
  readonly point: Pick<StoredPoint, 'time' | 'value' | 'count' | 'buckets'>;
}

/** Adds the points of each minute up to one, so that a day of metrics is a few points per series and hour instead of 720. */
export class MinutePoints {
  private readonly minutes = new Map<number, Minute>();
  /** Minutes that a later point has ended. */
  private over: MinutePoint[] = [];

  add({ series, point }: PlacedPoint): void {
    const time = Math.floor(point.time / MINUTE_MS) * MINUTE_MS;
    let minute = this.minutes.get(series);
    if (minute !== undefined && minute.time !== time) {
      this.over.push({ series, point: minute });
      minute = undefined;
    }
    if (minute === undefined) {
      minute = { time, value: 0, count: 0, buckets: point.buckets && new Map<number, number>() };
      this.minutes.set(series, minute);
    }
    const { type } = point.instrument;
    const addsUp = type === 'counter' || type === 'histogram';
    minute.value = addsUp ? minute.value + point.value : point.value;
    minute.count += point.count;
    for (const [bucket, count] of point.buckets ?? [])
      minute.buckets?.set(bucket, (minute.buckets.get(bucket) ?? 0) + count);
  }

  /** Whether a minute is over that is not written. */
  isDue(now: number): boolean {
    return this.over.length > 0 || [...this.minutes.values()].some(({ time }) => time + MINUTE_MS <= now);
  }

  /** The minutes that are over at `now`, or all. */
  due(now: number, all: boolean): MinutePoint[] {
    const due = [...this.over];
    for (const [series, minute] of this.minutes)
      if (all || minute.time + MINUTE_MS <= now) due.push({ series, point: minute });
    return due;
  }

  /** To be called when what was due is there for good. */
  settle(now: number, all: boolean): void {
    this.over = [];
    for (const [series, minute] of this.minutes)
      if (all || minute.time + MINUTE_MS <= now) this.minutes.delete(series);
  }
}
