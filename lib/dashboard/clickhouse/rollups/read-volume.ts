import { LOG_LEVELS, type LogVolumeFilter } from '../../reader/telemetry-reader.interface.js';
import { allOf, type Bindings } from '../query.js';
import { inSlots, slotBucketOf, type SlotBuckets } from './slots.js';
import { type RollupNames } from './statements.js';

/** Log lines by bucket and level, read from sums. */
export function linesByBucket(
  bind: Bindings,
  { logVolume }: RollupNames,
  slots: SlotBuckets,
  { service, level }: Pick<LogVolumeFilter, 'service' | 'level'>,
): string {
  const conditions = [inSlots(bind, slots)];
  if (service !== undefined) conditions.push(`ServiceName = ${bind.text(service)}`);
  if (level !== undefined) conditions.push(`Level >= ${LOG_LEVELS[level]}`);
  return `SELECT ${slotBucketOf(bind, slots)} AS bucket, Level AS level, sum(Lines) AS lines
    FROM ${logVolume} WHERE ${allOf(conditions)} GROUP BY bucket, level`;
}
