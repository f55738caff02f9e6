import { getOrAdd } from '../../get-or-add.js';
import { type RouteVersionAnswer } from '../../reader/answers/traffic.interface.js';
import { type Steps, TimeSlice } from '../../steps.js';
import { type Database } from '../database/database.js';
import { quantilesOf, readCounts } from '../encoding/buckets.js';
import { chooseService } from './query-parts.js';

interface VersionRow {
  readonly slot: number;
  readonly route: number;
  readonly version: string;
  readonly part: number;
  readonly count: number;
  readonly errors: number;
  readonly longest: number;
  readonly buckets: Uint8Array;
  readonly firstSeen: number;
  readonly lastSeen: number;
}

/** Sums between two looks at the clock. */
const SLICE = 200;
/** Older versions of services that have a new one all the time are not looked at, nor answered. */
const MAX_ROWS = 40_000;
const MAX_ANSWERS = 5_000;

const NEXT = `SELECT slot, route, version, part, count, errors, longest, buckets, first_seen AS firstSeen, last_seen AS lastSeen
  FROM version_sums WHERE (slot, route, version, part) < (?, ?, ?, ?) {of}
  ORDER BY slot DESC, route DESC, version DESC, part DESC LIMIT ?`;
const OF_SERVICE = 'AND route IN (SELECT id FROM routes WHERE service = ?)';

const ROUTES = `SELECT routes.id, services.name AS service, method, route FROM routes JOIN services ON services.id = routes.service
  WHERE is_entry = 1`;

/** What one version answered by one route. */
class VersionTotal {
  count = 0;
  errors = 0;
  /** Microseconds. */
  longest = 0;
  /** Not a `Total`: most of thousands have few buckets. */
  readonly buckets = new Map<number, number>();
  firstSeen = Infinity;
  lastSeen = 0;

  constructor(
    readonly route: number,
    readonly version: string,
  ) {}

  add(row: VersionRow): void {
    this.count += row.count;
    this.errors += row.errors;
    this.longest = Math.max(this.longest, row.longest);
    readCounts(row.buckets, this.addCount);
    this.firstSeen = Math.min(this.firstSeen, row.firstSeen);
    this.lastSeen = Math.max(this.lastSeen, row.lastSeen);
  }

  /** What is known of it, in milliseconds. */
  describe(): Omit<RouteVersionAnswer, 'service' | 'method' | 'route'> {
    const { version, count, errors, firstSeen, lastSeen } = this;
    const [p50, p95] = quantilesOf(this.buckets, [0.5, 0.95], this.longest).map((us) => (us ?? 0) / 1_000);
    const errorShare = count === 0 ? 0 : errors / count;
    return { version, count, errorShare, p50: p50 ?? 0, p95: p95 ?? 0, firstSeen, lastSeen };
  }

  private readonly addCount = (bucket: number, count: number): void => {
    this.buckets.set(bucket, (this.buckets.get(bucket) ?? 0) + count);
  };
}

/** Every route of every version that is kept, of one service or of all; the newest days first where there are very many. */
export function* findRouteVersions(database: Database, name?: string): Steps<RouteVersionAnswer[]> {
  const service = chooseService(database, name);
  if (service === undefined) return [];
  const ofService = service.id === undefined ? [] : [service.id];
  const sql = NEXT.replace('{of}', service.id === undefined ? '' : OF_SERVICE);
  const totals = new Map<string, VersionTotal>();
  const turn = new TimeSlice();
  const END = { slot: Number.MAX_SAFE_INTEGER, route: 0, version: '', part: 0 };
  for (let last: typeof END = END, read = 0; read < MAX_ROWS;) {
    const place = [last.slot, last.route, last.version, last.part];
    const rows = database.all<VersionRow>(sql, ...place, ...ofService, SLICE);
    for (const row of rows) {
      const key = `${row.route} ${row.version}`;
      if (!totals.has(key) && totals.size >= MAX_ANSWERS) continue;
      getOrAdd(totals, key, () => new VersionTotal(row.route, row.version)).add(row);
      if (turn.isOver()) yield* turn.pass();
    }
    last = rows.at(-1) ?? last;
    read += rows.length;
    if (rows.length < SLICE) break;
    if (turn.isOverNow()) yield* turn.pass();
  }
  yield* turn.pass();
  const routes = new Map(database.all<RouteRow>(ROUTES).map(({ id, ...route }) => [id, route]));
  const answers: RouteVersionAnswer[] = [];
  for (const total of totals.values()) {
    const of = routes.get(total.route);
    if (of !== undefined) answers.push({ ...of, ...total.describe() });
    if (turn.isOver()) yield* turn.pass();
  }
  return answers.sort((a, b) => b.firstSeen - a.firstSeen || b.count - a.count);
}

interface RouteRow {
  readonly id: number;
  readonly service: string;
  readonly method: string;
  readonly route: string;
}
