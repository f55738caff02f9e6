import { type Database } from '../database/database.js';
import { type Tally } from '../database/row-counts.js';
import { encodeCounts } from '../encoding/count-bytes.js';
import { blockOf, POINT_LEVEL } from '../resolutions.js';
import { type StoredPoint } from '../rows.interface.js';
import { type MinutePoints } from './minute-points.js';
import { type SeriesDictionary } from './series-dictionary.js';

/** A point whose series is known, to be added to its minute once it is there for good. */
export interface PlacedPoint {
  readonly series: number;
  readonly point: StoredPoint;
}

/** Writes points of metrics; to be used within one transaction. */
export class PointWriter {
  constructor(
    private readonly database: Database,
    private readonly series: SeriesDictionary,
  ) {}

  write(points: readonly StoredPoint[], placed: PlacedPoint[], tally: Tally, now: number): void {
    for (const point of points) {
      const series = this.series.numberOf(point, now);
      if (series === undefined) continue;
      this.insert(POINT_LEVEL.asCollected, series, point, tally);
      placed.push({ series, point });
    }
  }

  /** Writes the sums of minutes that are over, or of all. */
  writeMinutes(minutes: MinutePoints, now: number, all: boolean, tally: Tally): void {
    for (const { series, point } of minutes.due(now, all))
      this.insert(POINT_LEVEL.minute, series, point, tally);
  }

  private insert(
    level: number,
    series: number,
    { time, value, count, buckets }: Pick<StoredPoint, 'time' | 'value' | 'count' | 'buckets'>,
    tally: Tally,
  ): void {
    const bytes = buckets === undefined ? null : encodeCounts(buckets);
    // Another process may have a point of the series at that very instant; the next free one is as good.
    for (let at = Math.floor(time), tries = 0; tries < 10; at += 1, tries += 1) {
      const written = this.database.run(
        'INSERT OR IGNORE INTO points (level, block, series, time, value, count, buckets) VALUES (?, ?, ?, ?, ?, ?, ?)',
        level,
        blockOf(level, at),
        series,
        at,
        value,
        count,
        bytes,
      );
      if (written > 0) {
        tally.addPoints(1, level === POINT_LEVEL.asCollected);
        return;
      }
    }
  }
}
