import { ATTR_HOST_NAME, ATTR_PROCESS_PID } from '../../config/semantic-conventions.constants.js';
import { getOrAdd } from '../get-or-add.js';
import { type ProcessHealthAnswer } from '../reader/answers/processes.interface.js';
import { stateOf } from '../reader/judge-process.js';
import { SDK_METRICS, SdkMetricSums } from '../reader/sum-sdk-metrics.js';
import { type QueryOptions, type TimeRange } from '../reader/telemetry-reader.interface.js';
import { type ClickHouse } from './clickhouse.js';
import {
  ENVIRONMENT,
  INSTANCE,
  PROCESS_KEY,
  readAttributes,
  type TextAttributes,
  VERSION,
} from './columns.js';
import { allOf } from './query.js';
import { REPORT_BEFORE_MS, reportedIn, SERIES } from './reports.js';

const MAX_PROCESSES = 200;
/** Series of all processes that are read. */
const MAX_SERIES = 20_000;

const PROCESS = `cityHash64(ServiceName, ${PROCESS_KEY})`;
/** The names are constants of this library. */
const IS_SDK_METRIC = `MetricName IN (${[...SDK_METRICS.keys()].map((name) => `'${name}'`).join(', ')})`;

interface SeriesRow {
  readonly process: string;
  readonly service: string;
  readonly instance: string;
  readonly version: string;
  readonly environment: string;
  readonly resource: TextAttributes;
  readonly metric: string;
  readonly labels: TextAttributes;
  /** What was added in the range, where reports begin again each time; else the last value. */
  readonly total: number;
  /** What was added in the range. */
  readonly added: number;
  readonly started: number;
  readonly lastSeen: number;
}

/** Processes that sent metrics of their telemetry in the range, the last seen first. */
export async function findProcessHealth(
  clickHouse: ClickHouse,
  range: TimeRange,
  options: QueryOptions = {},
): Promise<ProcessHealthAnswer[]> {
  // The last report before the range says what was counted by then.
  const read = { from: range.from - REPORT_BEFORE_MS, to: range.to };
  const rows = await clickHouse.rows<SeriesRow>((bind) => {
    const begin = bind.second(range.from);
    const isAdded = 'any(AggregationTemporality) = 1 AND any(IsMonotonic)';
    return `SELECT toString(${PROCESS}) AS process, toString(any(ServiceName)) AS service, any(${INSTANCE}) AS instance,
        argMax(${VERSION}, TimeUnix) AS version, argMax(${ENVIRONMENT}, TimeUnix) AS environment,
        argMax(ResourceAttributes, TimeUnix) AS resource, toString(any(MetricName)) AS metric, any(Attributes) AS labels,
        if(${isAdded}, sumIf(Value, TimeUnix >= ${begin}), argMax(Value, TimeUnix)) AS total,
        argMaxIf(Value, TimeUnix, TimeUnix < ${begin}) AS before, if(${isAdded} OR before > total, total, total - before) AS added,
        toInt64(toUnixTimestamp(min(StartTimeUnix))) * 1000 AS started, toInt64(toUnixTimestamp(max(TimeUnix))) * 1000 AS lastSeen
      FROM ${clickHouse.tables.sums} WHERE ${allOf([reportedIn(bind, read), IS_SDK_METRIC])}
      GROUP BY ${PROCESS}, ${SERIES} HAVING max(TimeUnix) >= ${begin} ORDER BY lastSeen DESC LIMIT ${bind.integer(MAX_SERIES)}`;
  }, options);
  const processes = new Map<string, { newest: SeriesRow; started: number; readonly sums: SdkMetricSums }>();
  for (const row of rows) {
    // In the order of their last report.
    const process = getOrAdd(processes, row.process, () => ({
      newest: row,
      started: row.started,
      sums: new SdkMetricSums(),
    }));
    process.started = Math.min(process.started, row.started);
    process.sums.add(row.metric, row.labels, row.total, row.added);
  }
  return [...processes.values()].slice(0, MAX_PROCESSES).map(({ newest, started, sums }) => {
    const { [ATTR_PROCESS_PID]: pid, [ATTR_HOST_NAME]: host } = readAttributes(newest.resource);
    const { service, instance, version, environment, lastSeen } = newest;
    return {
      service,
      instance,
      version,
      environment,
      pid: typeof pid === 'number' ? pid : undefined,
      host: host === undefined ? undefined : String(newest.resource[ATTR_HOST_NAME]),
      started,
      lastSeen,
      state: stateOf(lastSeen, 'sends'),
      ...sums.report(),
    };
  });
}
