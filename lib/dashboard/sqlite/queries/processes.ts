import { ATTR_HOST_NAME, ATTR_PROCESS_PID } from '../../../config/semantic-conventions.constants.js';
import {
  type ProcessAnswer,
  type ProcessChartsAnswer,
  type ProcessSeries,
} from '../../reader/answers/processes.interface.js';
import { bucketOf, FINE_RANGE_MS, splitTime } from '../../reader/draw-chart.js';
import { HOLDS_MS, PROCESS_METRICS, type ProcessMetric } from '../../reader/process-metrics.js';
import {
  type ProcessFilter,
  type ProcessQuestion,
  type TimeRange,
} from '../../reader/telemetry-reader.interface.js';
import { type Steps, TimeSlice } from '../../steps.js';
import { type Database } from '../database/database.js';
import { COLLECTED_POINTS_KEPT_MS, MINUTE_MS, PROCESS_LEVEL } from '../encoding/buckets.js';
import { type Figure, type Figures } from '../writing/process-rows.js';
import { chooseProcesses, isOfProcesses } from './chosen-processes.js';
import { readAttributes } from './query-parts.js';

const MAX_PROCESSES = 200;
/** Rows between two looks at the clock; one is about a kilobyte. */
const SLICE = 60;

interface ProcessRow {
  readonly id: number;
  readonly service: string;
  readonly instance: string;
  readonly version: string;
  readonly environment: string;
  readonly attributes: string;
  readonly firstSeen: number | null;
  readonly lastSeen: number | null;
}

// Minutes stay longest, and the fine rows have what came after the last of them.
const END = (which: 'min' | 'max', level: number): string =>
  `(SELECT ${which}(time) FROM process_rows WHERE level = ${level} AND resource = resources.id)`;
const PROCESSES = `SELECT * FROM (SELECT resources.id, services.name AS service, instance, resources.version,
    resources.environment, resources.attributes,
    coalesce(${END('min', PROCESS_LEVEL.minute)}, ${END('min', PROCESS_LEVEL.fine)}) AS firstSeen,
    coalesce(${END('max', PROCESS_LEVEL.fine)}, ${END('max', PROCESS_LEVEL.minute)}) AS lastSeen
  FROM resources JOIN services ON services.id = resources.service WHERE `;

/** Processes that reported in the range, the last seen first. */
export function findProcesses(database: Database, { from, to, ...choice }: ProcessFilter): ProcessAnswer[] {
  const chosen = chooseProcesses(database, choice);
  const rows = database.all<ProcessRow>(
    `${PROCESSES} resources.last_seen >= ? ${chosen === undefined ? '' : `AND ${isOfProcesses('resources.id')}`}) WHERE lastSeen >= ? AND firstSeen < ? ORDER BY lastSeen DESC, id DESC LIMIT ?`,
    from,
    ...(chosen === undefined ? [] : [chosen]),
    from - MINUTE_MS,
    to,
    MAX_PROCESSES,
  );
  return rows.map(toProcess);
}

/** One process over time; undefined when it is not stored. */
export function* readProcess(
  database: Database,
  { service, instance, ...range }: ProcessQuestion,
  now = Date.now(),
): Steps<ProcessChartsAnswer | undefined> {
  // The same instance may have reported other attributes before.
  const rows = database.all<ProcessRow>(
    `${PROCESSES} services.name = ? AND instance = ?) WHERE lastSeen IS NOT NULL ORDER BY lastSeen`,
    service,
    instance,
  );
  const newest = rows.at(-1);
  if (newest === undefined) return undefined;
  const { times, width } = splitTime(range, now);
  const begin = times[0] ?? range.from;
  const drawn = new DrawnFigures(times, width);
  const turn = new TimeSlice();
  for (const { id } of rows)
    for (const part of partsOf({ from: begin - HOLDS_MS, to: range.to }, range, now))
      yield* drawn.read(database, id, part, turn);
  const firstSeen = Math.min(...rows.map((row) => row.firstSeen ?? Infinity));
  const process = { ...toProcess(newest), firstSeen };
  return { process, times, series: drawn.series(process, now) };
}

function toProcess({ attributes, firstSeen, lastSeen, ...row }: ProcessRow): ProcessAnswer {
  const { [ATTR_PROCESS_PID]: pid, [ATTR_HOST_NAME]: host } = readAttributes(attributes);
  const { service, instance, version, environment } = row;
  return {
    service,
    instance,
    version,
    environment,
    pid: typeof pid === 'number' ? pid : undefined,
    host: typeof host === 'string' ? host : undefined,
    firstSeen: firstSeen ?? 0,
    lastSeen: lastSeen ?? 0,
  };
}

/** Rows of one level, by time. */
interface Part extends TimeRange {
  readonly level: number;
}

/** From which rows a range is read: fine ones for a short one, those of minutes, and what came after them, for a long one. */
function partsOf(read: TimeRange, asked: TimeRange, now: number): readonly Part[] {
  const { fine, minute } = PROCESS_LEVEL;
  if (asked.to - asked.from <= FINE_RANGE_MS && asked.from >= now - COLLECTED_POINTS_KEPT_MS)
    return [{ ...read, level: fine }];
  const complete = Math.floor((now - 2 * MINUTE_MS) / MINUTE_MS) * MINUTE_MS;
  const minutes = { ...read, to: Math.min(read.to, complete), level: minute };
  const rest = { from: Math.max(read.from, complete), to: read.to, level: fine };
  return [minutes, rest].filter(({ from, to }) => from < to);
}

const ROWS = `SELECT time, figures FROM process_rows WHERE level = ? AND resource = ? AND time >= ? AND time < ?
  ORDER BY time LIMIT ${SLICE}`;

interface Line {
  readonly metric: ProcessMetric;
  readonly label: string;
  /** By bucket; those before the first are not drawn, but may hold into it. */
  readonly figures: Map<number, Figure[]>;
}

/** Reads rows into the buckets of a chart. */
class DrawnFigures {
  private readonly lines = new Map<string, Line>();

  constructor(
    private readonly times: readonly number[],
    private readonly width: number,
  ) {}

  *read(database: Database, resource: number, { level, from, to }: Part, turn: TimeSlice): Steps<void> {
    for (let begin = from; ;) {
      const rows = database.all<{ time: number; figures: string }>(ROWS, level, resource, begin, to);
      for (const { time, figures } of rows) this.add(bucketOf(time, this.times, this.width), figures);
      const last = rows.at(-1);
      if (last === undefined || rows.length < SLICE) return;
      begin = last.time + 1;
      if (turn.isOverNow()) yield* turn.pass();
    }
  }

  series(process: ProcessAnswer, now: number): ProcessSeries[] {
    const order = Object.keys(PROCESS_METRICS);
    return [...this.lines.values()]
      .sort((a, b) => order.indexOf(a.metric) - order.indexOf(b.metric) || a.label.localeCompare(b.label))
      .map((line) => this.draw(line, process, now));
  }

  private add(bucket: number, text: string): void {
    const figures = JSON.parse(text) as Figures; // as `ProcessRows` writes it
    for (const [metric, lines] of Object.entries(figures))
      for (const [label, figure] of Object.entries(lines)) {
        const key = `${metric} ${label}`;
        let line = this.lines.get(key);
        if (line === undefined)
          this.lines.set(key, (line = { metric: metric as ProcessMetric, label, figures: new Map() }));
        const ofBucket = line.figures.get(bucket);
        if (ofBucket === undefined) line.figures.set(bucket, [figure]);
        else ofBucket.push(figure);
      }
  }

  private draw(
    { metric, label, figures }: Line,
    { firstSeen, lastSeen }: ProcessAnswer,
    now: number,
  ): ProcessSeries {
    const { times, width } = this;
    const addsUp = [...figures.values()].some(([figure]) => figure?.length === 2);
    const before = Math.max(...[...figures.keys()].filter((bucket) => bucket < 0));
    let held = { ...levelOf(figures.get(before) ?? []), bucket: before };
    const levels = times.map((time, index): readonly [value: number | null, peak: number | null] => {
      const own = figures.get(index) ?? [];
      if (time > now) return [null, null];
      if (addsUp) {
        if (time + width <= firstSeen || time > lastSeen + HOLDS_MS) return [null, null];
        const [sum, count] = [total(own, 0), total(own, 1)];
        const seconds = Math.max(1_000, Math.min(width, now - time)) / 1_000;
        return [sum / seconds, count === 0 ? null : sum / count];
      }
      if (own.length > 0) {
        held = { ...levelOf(own), bucket: index };
        return [held.mean, held.max];
      }
      return (index - held.bucket) * width < HOLDS_MS ? [held.mean, held.mean] : [null, null];
    });
    return { metric, label, values: levels.map(([value]) => value), peaks: levels.map(([, peak]) => peak) };
  }
}

function total(figures: readonly Figure[], index: 0 | 1): number {
  return figures.reduce((sum, figure) => sum + figure[index], 0);
}

function levelOf(figures: readonly Figure[]): { readonly mean: number; readonly max: number } {
  return {
    mean: total(figures, 0) / Math.max(1, figures.length),
    max: Math.max(...figures.map(([mean, , max]) => max ?? mean)),
  };
}
