import {
  type ErrorAnswer,
  type ErrorDetailAnswer,
  type ErrorListAnswer,
  type ErrorPartAnswer,
  type ErrorState,
} from '../../reader/answers/errors.interface.js';
import {
  ERROR_STATES,
  type ErrorFilter,
  type ErrorQuestion,
  type TimeRange,
} from '../../reader/telemetry-reader.interface.js';
import { type Steps, TimeSlice } from '../../steps.js';
import { type Database } from '../database/database.js';
import { ERROR_COUNTS_KEPT_MS, ERROR_SLOTS_MS } from '../encoding/buckets.js';
import { hexOf, traceKeyOf } from '../encoding/ids.js';
import { chooseProcesses } from './chosen-processes.js';
import { type CountedTime, readErrorsOf } from './errors-of-processes.js';
import { chooseService, readServiceNames } from './query-parts.js';

/** One as it is stored. */
interface ErrorRow {
  readonly id: number;
  readonly service: number;
  readonly fingerprint: string;
  readonly type: string;
  readonly message: string;
  readonly total: number;
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly firstVersion: string;
  readonly lastVersion: string;
}

/** Failures that were seen, or those that these stand for, where that is more: each of both is too few at times. */
const COUNT = 'max(count, ifnull(stands_for, 0))';
const COLUMNS = `id, service, fingerprint, type, message, ${COUNT} AS total, first_seen AS firstSeen, last_seen AS lastSeen,
  first_version AS firstVersion, last_version AS lastVersion`;
const ROWS = `SELECT ${COLUMNS} FROM errors WHERE id > ? ORDER BY id LIMIT ?`;
const ROW = `SELECT ${COLUMNS}, stack FROM errors WHERE service = (SELECT id FROM services WHERE name = ?) AND fingerprint = ?`;
const COUNTS =
  'SELECT slot, count, stands_for AS standsFor FROM error_counts WHERE error = ? AND level = ? AND slot >= ? AND slot < ?';
const SEEN = 'SELECT 1 FROM error_counts WHERE error = ? AND level = ? AND slot >= ? AND slot < ? LIMIT 1';
const PARTS = `SELECT value, ${COUNT} AS count, first_seen AS firstSeen, last_seen AS lastSeen FROM error_parts WHERE error = ? AND kind = ?`;
const ROUTE = `SELECT value FROM error_parts WHERE error = ? AND kind = 'route' ORDER BY ${COUNT} DESC, value LIMIT 1`;
const USERS = `SELECT count(*) AS count FROM error_parts WHERE error = ? AND kind = 'user'`;
const FAILED_BY = "SELECT 1 FROM error_parts WHERE error = ? AND kind = 'route' AND value = ?";
const SAMPLES =
  'SELECT time, trace_id AS traceId, span_id AS spanId FROM error_samples WHERE error = ? ORDER BY time DESC, id DESC';
const VERSIONS =
  'SELECT service, version, min(id) AS first, max(id) AS last FROM resources GROUP BY service, version';
const IS_STORED = 'SELECT 1 FROM traces WHERE key = ? AND trace_id = ?';

/** Errors between two looks at the clock. */
const CHUNK = 100;
const DEFAULT_LIMIT = 200;
const MAX_LISTED_USERS = 100;
/** With so many slots a range and the time before are read by the finest that are kept. */
const MAX_SLOTS = 150;
/** What was not seen for a shorter time is not back: it comes now and then. */
const MIN_PAUSE_MS = 3_600_000;

/** Errors of a range and the times before, and how many of each state there are. */
export function* findErrors(database: Database, filter: ErrorFilter): Steps<ErrorListAnswer> {
  const { service, state, route, text, order = 'lastSeen', limit = DEFAULT_LIMIT } = filter;
  const counting = new Counting(database, filter);
  const chosen = chooseService(database, service);
  const processes = chosen && chooseProcesses(database, filter, chosen.id);
  const sightings =
    processes === undefined ? undefined : yield* readErrorsOf(database, counting.covered, processes);
  const names = readServiceNames(database);
  const wanted = text?.toLowerCase() ?? '';
  const found: Counted[] = [];
  const states = { new: 0, back: 0, known: 0, gone: 0 };
  const turn = new TimeSlice();
  for (let last = 0; ;) {
    const rows = database.all<ErrorRow>(ROWS, last, CHUNK);
    for (const row of rows) {
      if (service !== undefined && names.get(row.service) !== service) continue;
      if (row.firstSeen >= filter.to || !isAbout(row, wanted)) continue;
      if (route !== undefined && database.get(FAILED_BY, row.id, route) === undefined) continue;
      const counted = counting.of(row, sightings?.of(names.get(row.service) ?? '', row.fingerprint));
      if (sightings !== undefined && counted.count === 0) continue;
      states[counted.state] += 1;
      if (state === undefined || counted.state === state) found.push(counted);
      if (turn.isOver()) yield* turn.pass();
    }
    last = rows.at(-1)?.id ?? last;
    if (rows.length < CHUNK) break;
    if (turn.isOverNow()) yield* turn.pass();
  }
  const errors: ErrorAnswer[] = [];
  for (const counted of found.sort(ORDERS[order]).slice(0, limit)) {
    errors.push(describe(database, counted, names.get(counted.row.service) ?? ''));
    if (turn.isOver()) yield* turn.pass();
  }
  return { times: counting.times, errors, states, coverage: sightings?.coverage };
}

/** One error; undefined when it is not stored. */
export function* readError(
  database: Database,
  question: ErrorQuestion,
): Steps<ErrorDetailAnswer | undefined> {
  const { service, fingerprint } = question;
  const row = database.get<ErrorRow & { stack: string | null }>(ROW, service, fingerprint);
  if (row === undefined) return undefined;
  const counting = new Counting(database, question);
  const processes = chooseProcesses(database, question, row.service);
  const sightings =
    processes === undefined ? undefined : yield* readErrorsOf(database, counting.covered, processes);
  const parts = (kind: string) => database.all<ErrorPartAnswer>(PARTS, row.id, kind);
  return {
    ...describe(database, counting.of(row, sightings?.of(service, fingerprint)), service),
    coverage: sightings?.coverage,
    times: counting.times,
    stack: row.stack ?? undefined,
    versions: parts('version').sort((a, b) => b.lastSeen - a.lastSeen || b.firstSeen - a.firstSeen),
    routes: parts('route').sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1)),
    affectedUsers: parts('user')
      .sort((a, b) => b.lastSeen - a.lastSeen || (a.value < b.value ? -1 : 1))
      .slice(0, MAX_LISTED_USERS),
    samples: database.all<SampleRow>(SAMPLES, row.id).map((sample) => ({
      time: sample.time,
      traceId: undefined,
      spanId: undefined,
      ...storedSample(database, sample),
    })),
  };
}

/** An error with what of it is in the range. */
interface Counted {
  readonly row: ErrorRow;
  readonly state: ErrorState;
  readonly counts: readonly number[];
  readonly count: number;
}

const byLastSeen = (a: Counted, b: Counted): number => b.row.lastSeen - a.row.lastSeen || a.row.id - b.row.id;

const ORDERS: Readonly<Record<NonNullable<ErrorFilter['order']>, (a: Counted, b: Counted) => number>> = {
  lastSeen: byLastSeen,
  firstSeen: (a, b) => b.row.firstSeen - a.row.firstSeen || byLastSeen(a, b),
  count: (a, b) => b.count - a.count || byLastSeen(a, b),
  state: (a, b) => ERROR_STATES.indexOf(a.state) - ERROR_STATES.indexOf(b.state) || byLastSeen(a, b),
};

interface SlotCount {
  readonly slot: number;
  readonly count: number;
  /** null of what was written before it was kept. */
  readonly standsFor: number | null;
}

const toSlot = ([slot, standsFor]: CountedTime): SlotCount => ({ slot, count: 1, standsFor });
const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

/** Counts errors in the buckets of a range, and compares it with the time before. */
class Counting {
  readonly times: readonly number[];
  private readonly level: number;
  private readonly width: number;
  private readonly from: number;
  private readonly until: number;
  private readonly before: number;
  private readonly deploys: ReadonlyMap<number, string>;

  constructor(
    private readonly database: Database,
    private readonly range: TimeRange & { readonly buckets: number },
  ) {
    const { from, to, buckets } = range;
    const pause = Math.max(to - from, MIN_PAUSE_MS);
    this.level = chooseLevel(from - pause, to, Date.now());
    const slot = ERROR_SLOTS_MS[this.level] ?? MIN_PAUSE_MS;
    this.from = Math.floor(from / slot) * slot;
    this.until = Math.ceil(to / slot) * slot;
    this.before = this.from - pause;
    this.width = Math.max(1, Math.ceil((this.until - this.from) / slot / buckets)) * slot;
    const length = Math.ceil((this.until - this.from) / this.width);
    this.times = Array.from({ length }, (_, index) => this.from + index * this.width);
    this.deploys = readDeploys(database);
  }

  /** The range, to whole slots. */
  get covered(): TimeRange {
    return { from: this.from, to: this.until };
  }

  /** @param sightings when it happened, of chosen processes only; undefined: of all */
  of(row: ErrorRow, sightings?: readonly CountedTime[]): Counted {
    const seen = this.times.map(() => 0);
    const standFor = this.times.map(() => 0);
    if (row.lastSeen >= this.range.from)
      for (const { slot, count, standsFor } of sightings?.map(toSlot) ?? this.countsOf(row)) {
        const bucket = Math.floor((slot - this.from) / this.width);
        seen[bucket] = (seen[bucket] ?? 0) + count;
        standFor[bucket] = (standFor[bucket] ?? 0) + (standsFor ?? count);
      }
    const counts = sum(standFor) > sum(seen) ? standFor : seen;
    const count = sum(counts);
    return { row, counts, count, state: count === 0 ? 'gone' : this.stateOf(row) };
  }

  private countsOf({ id }: ErrorRow): readonly SlotCount[] {
    return this.database.all(COUNTS, id, this.level, this.from, this.until);
  }

  /** Of one that was seen in the range. */
  private stateOf({ id, service, firstSeen, firstVersion }: ErrorRow): ErrorState {
    if (firstSeen >= this.range.from || this.deploys.get(service) === firstVersion) return 'new';
    if (firstSeen >= this.before) return 'known';
    const seen = this.database.get(SEEN, id, this.level, this.before, this.from);
    return seen === undefined ? 'back' : 'known';
  }
}

/** The finest level whose slots are few enough and still there. */
function chooseLevel(from: number, to: number, now: number): number {
  const level = ERROR_SLOTS_MS.findIndex(
    (slot, index) =>
      (to - from) / slot <= MAX_SLOTS && from >= now - (ERROR_COUNTS_KEPT_MS[index] ?? Infinity),
  );
  return level === -1 ? ERROR_SLOTS_MS.length - 1 : level;
}

/** The version that each service runs now, of those that have run another one before. The newest process has it. */
function readDeploys(database: Database): Map<number, string> {
  const rows = database.all<{ service: number; version: string; first: number; last: number }>(VERSIONS);
  const deploys = new Map<number, string>();
  for (const [service, versions] of Map.groupBy(rows, (row) => row.service)) {
    const newest = versions.reduce((a, b) => (b.last > a.last ? b : a));
    if (versions.some(({ first }) => first < newest.first)) deploys.set(service, newest.version);
  }
  return deploys;
}

function isAbout({ type, message, fingerprint }: ErrorRow, wanted: string): boolean {
  return wanted === '' || `${type}\n${message}\n${fingerprint}`.toLowerCase().includes(wanted);
}

function describe(database: Database, { row, state, counts, count }: Counted, service: string): ErrorAnswer {
  const { id, fingerprint, type, message, total, firstSeen, lastSeen, firstVersion, lastVersion } = row;
  let sample: ErrorAnswer['sample'];
  for (const each of database.all<SampleRow>(SAMPLES, id)) {
    sample = storedSample(database, each);
    if (sample !== undefined) break;
  }
  return {
    service,
    fingerprint,
    type,
    message,
    state,
    count,
    total,
    firstSeen,
    lastSeen,
    firstVersion,
    lastVersion,
    counts,
    route: database.get<{ value: string }>(ROUTE, id)?.value,
    users: database.one<{ count: number }>(USERS, id).count,
    sample,
  };
}

interface SampleRow {
  readonly time: number;
  readonly traceId: Uint8Array | null;
  readonly spanId: Uint8Array | null;
}

/** Its ids, where the trace is in the store. */
function storedSample(database: Database, { traceId, spanId }: SampleRow): ErrorAnswer['sample'] {
  if (traceId === null || spanId === null) return undefined;
  const hex = hexOf(traceId);
  if (database.get(IS_STORED, traceKeyOf(hex), traceId) === undefined) return undefined;
  return { traceId: hex, spanId: hexOf(spanId) };
}
