import { type TimeRange } from '../../reader/telemetry-reader.interface.js';
import { allOf, type Bindings } from '../query.js';
import { type RollupNames } from './statements.js';

const HOUR_MS = 3_600_000;

/** From the hour on in which a time is. */
function sinceHourOf(bind: Bindings, from: number): string {
  return `Time >= ${bind.second(Math.floor(from / HOUR_MS) * HOUR_MS)}`;
}

/** Services that have written spans since a time, as their last span says. */
export function knownServices(bind: Bindings, { processes }: RollupNames, since: number): string {
  return `SELECT ServiceName AS name, argMax(Version, LastSeen) AS version, argMax(Environment, LastSeen) AS environment, max(LastSeen) AS lastSeen
    FROM ${processes} WHERE ${sinceHourOf(bind, since)} GROUP BY ServiceName HAVING lastSeen >= ${bind.integer(since)}`;
}

/** When each process wrote its first span of a range. */
export function processStarts(
  bind: Bindings,
  { processes }: RollupNames,
  { from, to }: TimeRange,
  service: string | undefined,
): string {
  const conditions = [sinceHourOf(bind, from), `Time < ${bind.second(to)}`];
  if (service !== undefined) conditions.push(`ServiceName = ${bind.text(service)}`);
  return `SELECT toString(ServiceName) AS service, toString(Version) AS version, min(FirstSeen) AS time, 1 AS isChosen
    FROM ${processes} WHERE ${allOf(conditions)} GROUP BY service, version, Instance HAVING time < ${bind.integer(to)}`;
}
