import { ATTR_HOST_NAME, ATTR_PROCESS_PID } from '../../../config/semantic-conventions.constants.js';
import { type ProcessHealthAnswer, type ProcessReport } from '../../reader/answers/processes.interface.js';
import { stateOf } from '../../reader/judge-process.js';
import { SdkMetricSums } from '../../reader/sum-sdk-metrics.js';
import { type TimeRange } from '../../reader/telemetry-reader.interface.js';
import { type Database } from '../database/database.js';
import { type SeriesTotals } from '../writing/process-health.js';
import { readAttributes } from './query-parts.js';

const MAX_PROCESSES = 200;

interface HealthRow {
  readonly service: string;
  readonly instance: string;
  readonly version: string;
  readonly environment: string;
  readonly attributes: string;
  readonly started: number;
  readonly lastSeen: number;
  readonly ended: 0 | 1;
  readonly report: string | null;
  readonly totals: string | null;
}

const PROCESSES = `SELECT services.name AS service, instance, resources.version, resources.environment, attributes,
    first_seen AS started, process_health.last_seen AS lastSeen, ended, report, totals
  FROM process_health JOIN resources ON resources.id = resource JOIN services ON services.id = resources.service
  WHERE process_health.last_seen >= ? AND first_seen < ? ORDER BY process_health.last_seen DESC, resource DESC LIMIT ?`;

/** Processes that said in the range how their telemetry does, the last seen first. */
export function findProcessHealth(
  database: Database,
  { from, to }: TimeRange,
  now = Date.now(),
): ProcessHealthAnswer[] {
  return database
    .all<HealthRow>(PROCESSES, from, to, MAX_PROCESSES)
    .map(({ attributes, ended, report, totals, ...row }) => {
      const { [ATTR_PROCESS_PID]: pid, [ATTR_HOST_NAME]: host } = readAttributes(attributes);
      return {
        ...row,
        pid: typeof pid === 'number' ? pid : undefined,
        host: typeof host === 'string' ? host : undefined,
        state: ended === 1 ? 'ended' : stateOf(row.lastSeen, report === null ? 'sends' : 'writes', now),
        // As `ProcessHealth` writes it.
        ...(report === null ? reportOfTotals(totals ?? '{}') : (JSON.parse(report) as ProcessReport)),
      };
    });
}

function reportOfTotals(text: string): ProcessReport {
  const sums = new SdkMetricSums();
  for (const [series, value] of Object.entries(JSON.parse(text) as SeriesTotals)) {
    const end = series.indexOf('\n');
    sums.add(series.slice(0, end), readAttributes(series.slice(end + 1)), value);
  }
  return sums.report();
}
