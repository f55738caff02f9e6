import { type TimeRange } from '../../reader/telemetry-reader.interface.js';
import { type Database } from '../database/database.js';
import { type ServiceAnswer } from '../../reader/answers.interface.js';
import { chooseRollups, readRollups, secondsOf, SLOTS_OF_TOTAL } from './rollup-range.js';
import { type Total, Totals } from './rollup-totals.js';
import { type Steps } from '../../steps.js';

interface ServiceRow {
  readonly id: number;
  readonly name: string;
  readonly version: string;
  readonly environment: string;
  readonly lastSeen: number;
}

/** Everybody who has reported, busiest first; the numbers are those of the range. */
export function* findServices(database: Database, range: TimeRange): Steps<ServiceAnswer[]> {
  const rollups = chooseRollups(range, SLOTS_OF_TOTAL);
  const serviceOfRoute = new Map(
    database
      .all<{ id: number; service: number }>('SELECT id, service FROM routes')
      .map(({ id, service }) => [id, service]),
  );
  const totals = new Totals();
  yield* readRollups(database, rollups, undefined, (row) => {
    const service = serviceOfRoute.get(row.route);
    if (service !== undefined) totals.add(service, row);
  });
  const seconds = secondsOf(rollups);
  return database
    .all<ServiceRow>('SELECT id, name, version, environment, last_seen AS lastSeen FROM services')
    .map(({ id, ...service }) => ({ ...service, ...describe(totals.of(id), seconds) }))
    .sort((a, b) => b.count - a.count || a.name.localeCompare(b.name));
}

function describe(total: Total, seconds: number) {
  const [p50, p95, p99] = total.quantiles([0.5, 0.95, 0.99]);
  return { ...total.rates(seconds), p50: p50 ?? 0, p95: p95 ?? 0, p99: p99 ?? 0 };
}
