import { type OverviewFilter } from '../../reader/telemetry-reader.interface.js';
import { type Database } from '../database/database.js';
import { type OverviewAnswer } from '../../reader/answers.interface.js';
import { chooseService } from './find-service.js';
import { EntryExemplars } from './entry-exemplars.js';
import {
  chooseRollups,
  readExemplifiedRollups,
  type RollupRange,
  secondsOf,
  SLOTS_OF_CHART,
} from './rollup-range.js';
import { Total } from './rollup-totals.js';
import { type Steps } from '../../steps.js';

/** Rates, errors and quantiles of what entered, over time, with the slowest of each bucket, and the slowest that failed, as exemplars. */
export function* readOverview(database: Database, filter: OverviewFilter): Steps<OverviewAnswer> {
  const rollups = chooseRollups(filter, SLOTS_OF_CHART);
  const service = chooseService(database, filter.service);
  const { times, width } = splitRange(rollups, filter.buckets);
  const totals = times.map(() => new Total());
  const exemplars = new EntryExemplars();
  if (service !== undefined)
    yield* readExemplifiedRollups(database, rollups, service.id, (row) => {
      const bucket = Math.floor((row.slot - rollups.from) / width);
      totals[bucket]?.add(row);
      exemplars.offer(bucket, row);
    });
  yield;
  const quantiles = totals.map((total) => total.quantiles([0.5, 0.95, 0.99]));
  const seconds = times.map((time) => secondsOf({ from: time, to: time + width }));
  const perSecond = (count: number, index: number) => count / (seconds[index] ?? 1);
  return {
    times,
    perSecond: totals.map(({ count }, index) => perSecond(count, index)),
    errorsPerSecond: totals.map(({ errors }, index) => perSecond(errors, index)),
    p50: quantiles.map(([p50]) => p50 ?? null),
    p95: quantiles.map(([, p95]) => p95 ?? null),
    p99: quantiles.map(([, , p99]) => p99 ?? null),
    exemplars: exemplars.read(database),
  };
}

function splitRange({ from, to, slot }: RollupRange, count: number): { times: number[]; width: number } {
  const width = Math.max(1, Math.ceil((to - from) / slot / Math.max(1, count))) * slot;
  const times = Array.from({ length: Math.ceil((to - from) / width) }, (_, index) => from + index * width);
  return { times, width };
}
