import { getOrAdd } from '../../get-or-add.js';
import { type CoverageAnswer, type ExemplarAnswer } from '../../reader/answers/answer-parts.interface.js';
import {
  type DurationsAnswer,
  type OverviewAnswer,
  type RouteAnswer,
  type ServiceAnswer,
} from '../../reader/answers/traffic.interface.js';
import { joinBars } from '../../reader/duration-bars.js';
import {
  type DurationFilter,
  type OverviewFilter,
  type ProcessFilter,
  type RouteFilter,
  type TimeRange,
} from '../../reader/telemetry-reader.interface.js';
import { type Steps, TimeSlice } from '../../steps.js';
import { type Database } from '../database/database.js';
import { valueBucket } from '../encoding/buckets.js';
import { hexOf } from '../encoding/ids.js';
import { ERROR_LEVEL } from '../rows.interface.js';
import { chooseProcesses, isOfProcesses } from './chosen-processes.js';
import { type EntrySums, readEntriesOf } from './entries-of-processes.js';
import { chooseService, Conditions, findRouteIds, findSources } from './query-parts.js';
import {
  chooseRollups,
  findGroup,
  type JoinedSums,
  type RollupRange,
  type RouteSums,
  secondsOf,
  SLOTS_OF_CHART,
  SLOTS_OF_TOTAL,
  type SlotSums,
  sumByRoute,
  sumBySlot,
  Total,
} from './rollups.js';

/** Rates, errors and quantiles of what entered, over time, with the slowest of each bucket, and the slowest that failed, as exemplars. */
export function* readOverview(database: Database, filter: OverviewFilter): Steps<OverviewAnswer> {
  const rollups = chooseRollups(filter, SLOTS_OF_CHART);
  const service = chooseService(database, filter.service);
  const { times, width } = splitRange(rollups, filter.buckets);
  const bucketOf = ({ slot }: SlotSums): number => Math.floor((slot - rollups.from) / width);
  const totals = times.map(() => new Total());
  const failedWork = times.map(() => 0);
  const exemplars = new EntryExemplars();
  const take = (sums: SlotSums): void => {
    totals[bucketOf(sums)]?.add(sums);
    exemplars.offer(`request ${bucketOf(sums)}`, sums);
  };
  const takeWork = (sums: SlotSums): void => {
    failedWork[bucketOf(sums)] = (failedWork[bucketOf(sums)] ?? 0) + sums.count;
    exemplars.offer(`work ${bucketOf(sums)}`, sums);
  };
  const processes = service && chooseProcesses(database, filter, service.id);
  let coverage: CoverageAnswer | undefined;
  if (processes !== undefined)
    coverage = yield* takeEntriesOf(database, rollups, processes, filter, take, takeWork);
  else if (service !== undefined && isOfRoute(filter)) {
    const routes = findRouteIds(database, service.id, filter.route, filter.method);
    yield* sumBySlot(database, rollups, routes, take);
  } else if (service !== undefined) {
    yield* sumBySlot(database, rollups, { group: 'entries', service: service.id }, take);
    yield* sumBySlot(database, rollups, { group: 'failedWork', service: service.id }, takeWork);
  }
  yield;
  const quantiles = totals.map((total) => total.quantiles([0.5, 0.95, 0.99]));
  const seconds = times.map((time) => secondsOf({ from: time, to: time + width }));
  const perSecond = (count: number, index: number) => count / (seconds[index] ?? 1);
  return {
    times,
    perSecond: totals.map(({ count }, index) => perSecond(count, index)),
    errorsPerSecond: totals.map(({ errors }, index) => perSecond(errors, index)),
    failedWorkPerSecond: failedWork.map(perSecond),
    p50: quantiles.map(([p50]) => p50 ?? null),
    p95: quantiles.map(([, p95]) => p95 ?? null),
    p99: quantiles.map(([, , p99]) => p99 ?? null),
    exemplars: exemplars.read(database),
    coverage,
  };
}

/** Calls `take` with what entered chosen processes, by a route or by all, and `takeWork` with what failed outside of that. */
function* takeEntriesOf(
  database: Database,
  rollups: RollupRange,
  processes: string,
  filter: Pick<OverviewFilter, 'route' | 'method'>,
  take: (sums: EntrySums) => void,
  takeWork?: (sums: EntrySums) => void,
): Steps<CoverageAnswer> {
  const { entries, failedWork, coverage } = yield* readEntriesOf(database, rollups, processes);
  if (isOfRoute(filter)) {
    const routes = new Set(findRouteIds(database, undefined, filter.route, filter.method));
    entries.filter(({ route }) => routes.has(route)).forEach(take);
  } else {
    entries.forEach(take);
    if (takeWork !== undefined) failedWork.forEach(takeWork);
  }
  return coverage;
}

function isOfRoute({ route, method }: Pick<OverviewFilter, 'route' | 'method'>): boolean {
  return route !== undefined || method !== undefined;
}

/** How many requests took how long, of a route, a service or all. */
export function* readDurations(database: Database, filter: DurationFilter): Steps<DurationsAnswer> {
  const rollups = chooseRollups(filter, SLOTS_OF_TOTAL);
  const service = chooseService(database, filter.service);
  const total = new Total();
  const take = (sums: JoinedSums): void => {
    total.add(sums);
  };
  const processes = service && chooseProcesses(database, filter, service.id);
  if (processes !== undefined) yield* takeEntriesOf(database, rollups, processes, filter, take);
  else if (service !== undefined) {
    const routes = findRouteIds(database, service.id, filter.route, filter.method);
    yield* sumByRoute(database, rollups, routes, take);
  }
  const counts = total.buckets().map(([bucket, count]) => [bucket - BUCKET_OF_ONE, count] as const);
  return { count: total.count, bars: joinBars(counts, filter.bars) };
}

/** Whose highest value is one microsecond. */
const BUCKET_OF_ONE = valueBucket(1);

export function splitRange(
  { from, to, slot }: RollupRange,
  count: number,
): { times: number[]; width: number } {
  const width = Math.max(1, Math.ceil((to - from) / slot / Math.max(1, count))) * slot;
  const times = Array.from({ length: Math.ceil((to - from) / width) }, (_, index) => from + index * width);
  return { times, width };
}

interface ServiceRow {
  readonly id: number;
  readonly name: string;
  readonly version: string;
  readonly environment: string;
  readonly lastSeen: number;
}

/** All services that have reported, busiest first; the numbers are those of the range. */
export function* findServices(database: Database, filter: ProcessFilter): Steps<ServiceAnswer[]> {
  const rollups = chooseRollups(filter, SLOTS_OF_TOTAL);
  const routes = database.all<{ id: number; service: number }>('SELECT id, service FROM routes');
  const serviceOfRoute = new Map(routes.map(({ id, service }) => [id, service]));
  const totals = new Map<number, Total>();
  const failedWork = new Map<number, number>();
  const serviceOf = ({ route }: RouteSums): number => serviceOfRoute.get(route) ?? -1;
  const take = (sums: RouteSums): void => {
    getOrAdd(totals, serviceOf(sums), () => new Total()).add(sums);
  };
  const takeWork = (sums: RouteSums): void => {
    failedWork.set(serviceOf(sums), (failedWork.get(serviceOf(sums)) ?? 0) + sums.count);
  };
  const processes = chooseProcesses(database, filter);
  if (processes === undefined) {
    yield* sumByRoute(database, rollups, findGroup(database, { group: 'entries' }), take);
    yield* sumByRoute(database, rollups, findGroup(database, { group: 'failedWork' }), takeWork);
  } else yield* takeEntriesOf(database, rollups, processes, {}, take, takeWork);
  const errorLogs = yield* countErrorLogs(database, filter, processes);
  const seconds = secondsOf(rollups);
  const ofProcesses =
    processes === undefined
      ? ''
      : `AND id IN (SELECT service FROM resources WHERE ${isOfProcesses('resources.id')})`;
  return database
    .all<ServiceRow>(
      `SELECT id, name, version, environment, last_seen AS lastSeen FROM services WHERE last_seen > 0 ${ofProcesses}`,
      ...valuesOf(processes),
    )
    .map(({ id, ...service }) => ({
      ...service,
      ...describeService(totals.get(id) ?? new Total(), seconds),
      failedWork: failedWork.get(id) ?? 0,
      errorLogs: errorLogs.get(id) ?? 0,
    }))
    .sort((a, b) => b.count - a.count || a.name.localeCompare(b.name));
}

/** The value of `isOfProcesses()`, where there is one. */
const valuesOf = (processes: string | undefined): string[] => (processes === undefined ? [] : [processes]);

const ERROR_LOGS = `SELECT service, count(*) AS count FROM logs INDEXED BY logs_by_time
  WHERE time >= ? AND time < ? AND level >= ? {of} GROUP BY service`;
/** SQLite looks at each line of the range in the index: so many times it is asked about a part of it. */
const PARTS = 20;

/** How many lines of level error and above each service has written in the range. */
function* countErrorLogs(
  database: Database,
  { from, to }: TimeRange,
  processes: string | undefined,
): Steps<Map<number, number>> {
  const sql = ERROR_LOGS.replace('{of}', processes === undefined ? '' : `AND ${isOfProcesses('resource')}`);
  const counts = new Map<number, number>();
  const turn = new TimeSlice();
  const width = (to - from) / PARTS;
  for (let start = from, part = 1; part <= PARTS; start = from + part * width, part += 1) {
    const end = part === PARTS ? to : from + part * width;
    for (const row of database.all<{ service: number; count: number }>(
      sql,
      start,
      end,
      ERROR_LEVEL,
      ...valuesOf(processes),
    ))
      counts.set(row.service, (counts.get(row.service) ?? 0) + row.count);
    if (turn.isOverNow()) yield* turn.pass();
  }
  return counts;
}

function describeService(total: Total, seconds: number) {
  const [p50, p95, p99] = total.quantiles([0.5, 0.95, 0.99]);
  return { ...total.rates(seconds), p50: p50 ?? 0, p95: p95 ?? 0, p99: p99 ?? 0 };
}

interface RouteRow {
  readonly id: number;
  readonly service: string;
  readonly method: string;
  readonly route: string;
  readonly handler: string | null;
  readonly lastSeen: number | null;
}

/**
 * What enters services, busiest first: every route that an application has declared, never-hit ones too, and whatever else was
 * seen. Of one service, of one route, or of all.
 */
export function* findRoutes(database: Database, filter: RouteFilter): Steps<RouteAnswer[]> {
  const service = chooseService(database, filter.service);
  if (service === undefined) return [];
  const rollups = chooseRollups(filter, SLOTS_OF_TOTAL);
  const seconds = secondsOf(rollups);
  const figures = new RouteFigures(seconds);
  const take = (sums: RouteSums): void => {
    figures.add(sums);
  };
  const processes = chooseProcesses(database, filter, service.id);
  if (processes !== undefined) yield* takeEntriesOf(database, rollups, processes, filter, take);
  else {
    const routes = findRouteIds(database, service.id, filter.route, filter.method);
    yield* sumByRoute(database, rollups, routes, take);
  }
  yield;
  const sources = findSources(database);
  return readRoutes(database, service.id, filter, processes)
    .map(({ id, handler, ...row }) => ({
      ...row,
      handler: handler ?? undefined,
      ...figures.of(id),
      source: handler === null ? undefined : sources(row.service, handler),
    }))
    .sort((a, b) => b.count - a.count || a.route.localeCompare(b.route) || a.method.localeCompare(b.method));
}

function readRoutes(
  database: Database,
  service: number | undefined,
  { route, method }: Pick<RouteFilter, 'route' | 'method'>,
  processes: string | undefined,
): RouteRow[] {
  const conditions = new Conditions();
  conditions.add(
    'is_entry = 1 AND (routes.last_seen IS NOT NULL OR routes.id IN (SELECT route FROM declared_routes))',
  );
  if (service !== undefined) conditions.add('routes.service = ?', service);
  if (route !== undefined) conditions.add('route = ?', route);
  if (method !== undefined) conditions.add('method = ?', method);
  if (processes !== undefined)
    conditions.add(
      `routes.service IN (SELECT service FROM resources WHERE ${isOfProcesses('id')})`,
      processes,
    );
  return database.all<RouteRow>(
    `SELECT routes.id, services.name AS service, method, route, handler, routes.last_seen AS lastSeen
      FROM routes JOIN services ON services.id = routes.service WHERE ${conditions.sql}`,
    ...conditions.values,
  );
}

type Figures = Pick<RouteAnswer, 'count' | 'perSecond' | 'errorShare' | 'p50' | 'p95'>;

/** What routes did, of sums that come by route. */
class RouteFigures {
  private readonly figures = new Map<number, Figures>();
  private route: number | undefined;
  // Emptied for the next: each takes 24 kB.
  private readonly total = new Total();

  constructor(private readonly seconds: number) {}

  add(sums: RouteSums): void {
    if (sums.route !== this.route) this.close(sums.route);
    this.total.add(sums);
  }

  /** Nothing is added afterwards. */
  of(route: number): Figures {
    if (this.route !== undefined) this.close(undefined);
    return this.figures.get(route) ?? NOT_CALLED;
  }

  private close(next: number | undefined): void {
    const { total, route, seconds } = this;
    const [p50 = null, p95 = null] = total.quantiles([0.5, 0.95]);
    if (route !== undefined) this.figures.set(route, { ...total.rates(seconds), p50, p95 });
    total.clear();
    this.route = next;
  }
}

const NOT_CALLED: Figures = { count: 0, perSecond: 0, errorShare: 0, p50: null, p95: null };

/** Of each bucket so many are shown, and so many more are tried, because the trace of one may be evicted. */
const SHOWN = 2;
const TRIED = 6;

interface Candidate {
  readonly trace: number;
  /** Hexadecimal digits. */
  readonly span: string;
  /** Microseconds. */
  readonly start: number;
  readonly duration: number;
  readonly failed: boolean;
}

/** Finds, among the slowest of many sums, those to show in each bucket of a chart. */
class EntryExemplars {
  /** The slowest of each place, the slowest first. */
  private readonly candidates = new Map<string, Candidate[]>();

  /** @param place what is shown side by side: a bucket, and of what kind */
  offer(place: string, { slowest, slowestFailed }: SlotSums): void {
    this.add(`${place} slow`, false, slowest);
    this.add(`${place} failed`, true, slowestFailed);
  }

  /** Those whose trace is in the store: failed ones first, and the slowest first. */
  read(database: Database): ExemplarAnswer[] {
    const lists = [...this.candidates.values()];
    const traces = readTraces(
      database,
      lists.flat().map(({ trace }) => trace),
    );
    const shown = lists.flatMap((list) => list.filter(({ trace }) => traces.has(trace)).slice(0, SHOWN));
    return shown
      .sort((a, b) => Number(b.failed) - Number(a.failed) || b.duration - a.duration)
      .flatMap(({ trace, span, start, duration, failed }) => {
        const found = traces.get(trace);
        if (found === undefined) return [];
        return {
          time: start / 1_000,
          value: duration / 1_000,
          traceId: hexOf(found.traceId),
          spanId: span.toLowerCase(),
          error: failed,
          label: found.name,
        };
      });
  }

  /** @param texts see `SlotSums` */
  private add(place: string, failed: boolean, texts: string | null): void {
    if (texts === null) return;
    const list = getOrAdd(this.candidates, place, () => []);
    for (const text of texts.split(',')) {
      const duration = Number.parseFloat(text);
      if (list.length === TRIED && duration <= (list.at(-1)?.duration ?? 0)) continue;
      const [, start, trace, span = ''] = text.split(' ');
      const before = list.findIndex((other) => other.duration < duration);
      list.splice(before === -1 ? list.length : before, 0, {
        trace: Number(trace),
        span,
        start: Number(start),
        duration,
        failed,
      });
      if (list.length > TRIED) list.pop();
    }
  }
}

interface NamedTrace {
  readonly id: number;
  readonly traceId: Uint8Array;
  readonly name: string;
}

function readTraces(database: Database, ids: readonly number[]): Map<number, NamedTrace> {
  const rows = database.all<NamedTrace>(
    'SELECT id, trace_id AS traceId, name FROM traces WHERE id IN (SELECT value FROM json_each(?))',
    JSON.stringify(ids),
  );
  return new Map(rows.map((row) => [row.id, row]));
}
