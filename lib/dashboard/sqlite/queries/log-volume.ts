import { type LogVolumeAnswer } from '../../reader/answers/logs.interface.js';
import {
  LOG_LEVELS,
  type LogLevelName,
  type LogVolumeFilter,
} from '../../reader/telemetry-reader.interface.js';
import { type Steps, TimeSlice } from '../../steps.js';
import { type Database } from '../database/database.js';
import { chooseProcesses, isOfProcesses } from './chosen-processes.js';
import { levelName } from './find-logs.js';
import { chooseService, Conditions } from './query-parts.js';

/** Entries of the index that one statement counts: below 1 ms. */
const LINES_PER_STATEMENT = 2_000;

/** Lines of chosen processes are looked for among so many. */
const MAX_LINES = 50_000;

const NEWEST_BEGIN = `SELECT time FROM logs INDEXED BY logs_by_time WHERE time >= ? AND time < ?
  ORDER BY time DESC LIMIT 1 OFFSET ${MAX_LINES}`;
const NEXT_BEGIN = `SELECT time FROM logs INDEXED BY logs_by_time WHERE time >= ? AND time < ?
  ORDER BY time LIMIT 1 OFFSET ${LINES_PER_STATEMENT}`;

/** How many lines of each level there are over time, counted in the index alone. */
export function* countLogVolume(database: Database, filter: LogVolumeFilter): Steps<LogVolumeAnswer> {
  const { from, to, level } = filter;
  const step = Math.max(1, Math.ceil((to - from) / filter.buckets));
  // Bars keep their place while the range moves with the clock.
  const first = Math.floor(from / step) * step;
  const times = Array.from({ length: Math.ceil((to - first) / step) }, (_, index) => first + index * step);
  const counts = new Map<LogLevelName, number[]>();
  const service = chooseService(database, filter.service);
  const processes = service && chooseProcesses(database, filter, service.id);
  // The index does not have the processes of lines: only the newest rows are read.
  const since =
    processes === undefined ? undefined : database.get<{ time: number }>(NEWEST_BEGIN, from, to)?.time;
  const turn = new TimeSlice();
  for (let begin = since ?? from; service !== undefined && begin < to;) {
    const next = database.get<{ time: number }>(NEXT_BEGIN, begin, to)?.time ?? to;
    // Lines of one millisecond are counted together.
    const end = Math.max(next, begin + 1);
    const place = new Conditions();
    place.add('time >= ? AND time < ?', begin, Math.min(end, to));
    if (level !== undefined) place.add('level >= ?', LOG_LEVELS[level]);
    if (service.id !== undefined) place.add('service = ?', service.id);
    if (processes !== undefined) place.add(isOfProcesses('resource'), processes);
    const rows = database.all<{ bucket: number; level: number; count: number }>(
      `SELECT CAST((time - ?) / ? AS INTEGER) AS bucket, level, count(*) AS count FROM logs INDEXED BY logs_by_time
        WHERE ${place.sql} GROUP BY 1, 2`,
      first,
      step,
      ...place.values,
    );
    for (const row of rows) {
      const name = levelName(row.level);
      let ofLevel = counts.get(name);
      if (ofLevel === undefined) counts.set(name, (ofLevel = times.map(() => 0)));
      ofLevel[row.bucket] = (ofLevel[row.bucket] ?? 0) + row.count;
    }
    begin = end;
    if (turn.isOverNow()) yield* turn.pass();
  }
  return { times, counts: Object.fromEntries(counts), since };
}
