import { type RunningTraceAnswer } from '../../reader/answers/traces.interface.js';
import { type RouteAnswer, type ServiceAnswer } from '../../reader/answers/traffic.interface.js';
import {
  type ProcessChoice,
  type QueryOptions,
  type TelemetryReader,
} from '../../reader/telemetry-reader.interface.js';

/** A job that runs at regular times, and is late. */
export interface OverdueJob {
  readonly kind: 'overdue';
  readonly service: string;
  /** Its name, as `RouteAnswer` has it. */
  readonly route: string;
  /** Milliseconds between the starts of two runs, usually. */
  readonly everyMs: number;
  /** When the last one that is known began. */
  readonly lastRun: number;
}

/** The last runs of what began by itself in a service. */
interface JobRuns extends Pick<OverdueJob, 'service' | 'route'> {
  readonly runs: readonly { readonly start: number; readonly durationMs: number }[];
}

/** Fewer intervals show no habit. */
const MIN_INTERVALS = 5;
/** An interval is as usual when it differs from the median by this share at most, and most have to be. */
const TOLERANCE = 0.25;
const REGULAR_SHARE = 0.8;
/** Intervals after which a job is late. */
const LATE_AFTER = 2;
/** Spans are stored some seconds after they end. */
const STORED_AFTER_MS = 10_000;

/**
 * The job, if it has run at regular times and is late: two usual intervals, and the longest of its runs, have passed since the last one began.
 * Undefined for one that runs now, and for one whose service has not reported since: a service that was stopped runs nothing.
 *
 * @param reportedAt when the service was last heard of
 */
export function judgeJob(
  { service, route, runs }: JobRuns,
  now: number,
  reportedAt: number,
  running: readonly RunningTraceAnswer[] = [],
): OverdueJob | undefined {
  const starts = runs.map(({ start }) => start).sort((a, b) => a - b);
  const lastRun = starts.at(-1);
  const intervals = starts.slice(1).map((start, index) => start - (starts[index] ?? start));
  if (lastRun === undefined || intervals.length < MIN_INTERVALS) return undefined;
  const everyMs = intervals.toSorted((a, b) => a - b)[intervals.length >> 1] ?? 0;
  const usual = intervals.filter((each) => Math.abs(each - everyMs) <= everyMs * TOLERANCE);
  if (everyMs === 0 || usual.length < intervals.length * REGULAR_SHARE) return undefined;
  const longest = Math.max(...runs.map(({ durationMs }) => durationMs));
  const due = lastRun + LATE_AFTER * everyMs + longest + STORED_AFTER_MS;
  if (Math.min(now, reportedAt) < due) return undefined;
  if (running.some((each) => each.service === service && each.name === route)) return undefined;
  return { kind: 'overdue', service, route, everyMs, lastRun };
}

/** What began by itself most recently is looked at: so many routes, and so many runs of each. */
const MAX_JOBS = 20;
const RUNS = 12;
/** A job that has not run for so long was taken out. */
const FORGOTTEN_MS = 7 * 24 * 3_600_000;

/** Jobs that are late now, those that are late by most intervals first. */
export async function findOverdueJobs(
  reader: Pick<TelemetryReader, 'traces'>,
  {
    routes,
    services,
    choice = {},
    running,
    now,
  }: {
    readonly routes: readonly RouteAnswer[];
    readonly services: readonly ServiceAnswer[];
    readonly choice?: ProcessChoice;
    readonly running: readonly RunningTraceAnswer[];
    readonly now: number;
  },
  options?: QueryOptions,
): Promise<readonly OverdueJob[]> {
  const reportedAt = new Map(services.map(({ name, lastSeen }) => [name, lastSeen]));
  const began = routes
    .filter(({ method, lastSeen }) => method === 'RUN' && (lastSeen ?? 0) >= now - FORGOTTEN_MS)
    .sort((a, b) => (b.lastSeen ?? 0) - (a.lastSeen ?? 0))
    .slice(0, MAX_JOBS);
  const judged = await Promise.all(
    began.map(async ({ service, route, method }) => {
      const { items } = await reader.traces({ ...choice, service, route, method, limit: RUNS }, options);
      return judgeJob({ service, route, runs: items }, now, reportedAt.get(service) ?? 0, running);
    }),
  );
  const lateness = ({ lastRun, everyMs }: OverdueJob): number => (now - lastRun) / everyMs;
  return judged.filter((job) => job !== undefined).sort((a, b) => lateness(b) - lateness(a));
}
