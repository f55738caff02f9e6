import { getOrAdd } from '../../get-or-add.js';
import { type CoverageAnswer } from '../../reader/answers/answer-parts.interface.js';
import {
  type RouteFiguresAnswer,
  type RouteTrendAnswer,
  type ServiceTrendAnswer,
  type TrendsAnswer,
} from '../../reader/answers/traffic.interface.js';
import { type TrendFilter } from '../../reader/telemetry-reader.interface.js';
import { type Steps, TimeSlice } from '../../steps.js';
import { type Database } from '../database/database.js';
import { quantilesOf, readJoinedCounts } from '../encoding/buckets.js';
import { chooseProcesses } from './chosen-processes.js';
import { readEntriesOf } from './entries-of-processes.js';
import { splitRange } from './overview.js';
import { chooseService } from './query-parts.js';
import {
  chooseRollups,
  type JoinedSums,
  type RouteSlotSums,
  secondsOf,
  sumByRouteAndSlot,
  Total,
} from './rollups.js';

/** Sums that are read at most, as long as each route has one per slot: the more routes, the longer are the slots. */
const MAX_ROWS = 16_000;
const MIN_SLOTS = 8;
const MAX_SLOTS = 120;

const CALLED = `SELECT routes.id, services.name AS service, method, route FROM routes JOIN services ON services.id = routes.service
  WHERE is_entry = 1 AND routes.last_seen >= ?`;

interface RouteRow {
  readonly id: number;
  readonly service: string;
  readonly method: string;
  readonly route: string;
}

/** Every service and route that was called in a range, over time. */
export function* findTrends(database: Database, filter: TrendFilter): Steps<TrendsAnswer> {
  const { from, buckets, recentFrom } = filter;
  const service = chooseService(database, filter.service);
  const called = service === undefined ? [] : findCalled(database, from, service.id);
  const slots = Math.min(MAX_SLOTS, Math.max(MIN_SLOTS, Math.floor(MAX_ROWS / Math.max(1, called.length))));
  const rollups = chooseRollups(filter, slots);
  const { times, width } = splitRange(rollups, buckets);
  const recentBucket = Math.min(
    times.length - 1,
    Math.max(0, Math.floor((recentFrom - rollups.from) / width)),
  );
  const byId = new Map(called.map((route) => [route.id, route]));
  const routes = new RouteTrends(byId, times.length, recentBucket);
  const services = new ServiceTrends(byId, times.length);
  const ids = called.map(({ id }) => id);
  const take = (row: RouteSlotSums): void => {
    const bucket = Math.floor((row.slot - rollups.from) / width);
    routes.add(row, bucket);
    services.add(row, bucket);
  };
  const processes = service && chooseProcesses(database, filter, service.id);
  let coverage: CoverageAnswer | undefined;
  if (processes === undefined) yield* sumByRouteAndSlot(database, rollups, ids, take);
  else {
    const found = yield* readEntriesOf(database, rollups, processes);
    found.entries.filter(({ route }) => byId.has(route)).forEach(take);
    ({ coverage } = found);
  }
  routes.close();
  const seconds = times.map((time) => secondsOf({ from: time, to: time + width }));
  return {
    times,
    recentFrom: times[recentBucket] ?? rollups.from,
    services: yield* services.describe(seconds),
    routes: routes.answers,
    coverage,
  };
}

function findCalled(database: Database, from: number, service: number | undefined): readonly RouteRow[] {
  return service === undefined
    ? database.all<RouteRow>(CALLED, from)
    : database.all<RouteRow>(`${CALLED} AND routes.service = ?`, from, service);
}

/** Follows one route after the other: sums come by route, and in the order of time. */
class RouteTrends {
  readonly answers: RouteTrendAnswer[] = [];
  private p95: (number | null)[] = [];
  private route: number | undefined;
  private bucket = 0;
  // Emptied for the next: each takes 24 kB.
  private readonly ofBucket = new Total();
  private readonly recent = new Total();
  private readonly earlier = new Total();

  /** @param recentBucket the first of the last part */
  constructor(
    private readonly routes: ReadonlyMap<number, RouteRow>,
    private readonly buckets: number,
    private readonly recentBucket: number,
  ) {}

  add(row: RouteSlotSums, bucket: number): void {
    if (row.route !== this.route) {
      this.close();
      this.route = row.route;
      this.p95 = new Array<number | null>(this.buckets).fill(null);
    } else if (bucket !== this.bucket) this.closeBucket();
    this.bucket = bucket;
    this.ofBucket.add(row);
  }

  /** Takes in what was added last; nothing is added for its route afterwards. */
  close(): void {
    const route = this.route === undefined ? undefined : this.routes.get(this.route);
    if (route === undefined) return;
    this.closeBucket();
    const { p95, recent, earlier } = this;
    const parts = { recent: figuresOf(recent), earlier: figuresOf(earlier) };
    earlier.merge(recent);
    const { service, method, route: path } = route;
    this.answers.push({ service, method, route: path, p95, all: figuresOf(earlier), ...parts });
    recent.clear();
    earlier.clear();
  }

  private closeBucket(): void {
    this.p95[this.bucket] = this.ofBucket.quantiles([0.95])[0] ?? null;
    (this.bucket >= this.recentBucket ? this.recent : this.earlier).merge(this.ofBucket);
    this.ofBucket.clear();
  }
}

function figuresOf(total: Total): RouteFiguresAnswer {
  const { count, errors } = total;
  const [p50, p95] = total.quantiles([0.5, 0.95]);
  return { count, errorShare: count === 0 ? 0 : errors / count, p50: p50 ?? null, p95: p95 ?? null };
}

/** What entered a service in one bucket. Not a `Total`: all services have all their buckets at the same time. */
class ServiceBucket {
  count = 0;
  errors = 0;
  /** Microseconds. */
  private longest = 0;
  private readonly buckets = new Map<number, number>();

  add({ count, errors, longest, buckets }: JoinedSums): void {
    this.count += count;
    this.errors += errors;
    this.longest = Math.max(this.longest, longest);
    readJoinedCounts(buckets, this.addCount);
  }

  /** In milliseconds; null where nothing entered. */
  p95(): number | null {
    const [us] = quantilesOf(this.buckets, [0.95], this.longest);
    return us === null || us === undefined ? null : us / 1_000;
  }

  private readonly addCount = (bucket: number, count: number): void => {
    this.buckets.set(bucket, (this.buckets.get(bucket) ?? 0) + count);
  };
}

/** Adds up the routes of each service. */
class ServiceTrends {
  private readonly services = new Map<string, ServiceBucket[]>();

  constructor(
    private readonly routes: ReadonlyMap<number, RouteRow>,
    private readonly buckets: number,
  ) {}

  add(row: RouteSlotSums, bucket: number): void {
    const route = this.routes.get(row.route);
    if (route === undefined) return;
    const begin = () => Array.from({ length: this.buckets }, () => new ServiceBucket());
    getOrAdd(this.services, route.service, begin)[bucket]?.add(row);
  }

  *describe(seconds: readonly number[]): Steps<ServiceTrendAnswer[]> {
    const answers: ServiceTrendAnswer[] = [];
    const turn = new TimeSlice();
    for (const [service, buckets] of this.services) {
      const rates = (of: (bucket: ServiceBucket) => number) =>
        buckets.map((bucket, index) => of(bucket) / (seconds[index] ?? 1));
      answers.push({
        service,
        perSecond: rates(({ count }) => count),
        errorsPerSecond: rates(({ errors }) => errors),
        p95: buckets.map((bucket) => bucket.p95()),
      });
      if (turn.isOverNow()) yield* turn.pass();
    }
    return answers;
  }
}
