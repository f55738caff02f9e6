import { METRIC_STORE_DROPPED } from '../../../config/semantic-conventions.constants.js';
import { type ErrorAnswer } from '../../reader/answers/errors.interface.js';
import { type ProcessHealthAnswer } from '../../reader/answers/processes.interface.js';
import { type RunningTraceAnswer } from '../../reader/answers/traces.interface.js';
import {
  choosesProcesses,
  type ProcessChoice,
  type QueryOptions,
  type TelemetryReader,
  type TimeRange,
} from '../../reader/telemetry-reader.interface.js';
import { findOverdueJobs, type OverdueJob } from './overdue-jobs.js';
import { findRegressions, type Regression } from './regressions.js';
import { findUnknownSamples, type UnknownSample } from './unknown-sample.js';

/** An error that was not there before. */
interface NewError extends Pick<
  ErrorAnswer,
  'service' | 'fingerprint' | 'type' | 'message' | 'count' | 'firstSeen' | 'firstVersion' | 'route'
> {
  readonly kind: 'new-error';
}

/** Telemetry that did not arrive. */
interface LostTelemetry {
  readonly kind: 'lost';
  /** Whose it was; undefined where that is not known. */
  readonly service?: string | undefined;
  /** How many processes of the service have lost it. */
  readonly processes?: number | undefined;
  /** What was lost: spans, log records, data points, or rows of the embedded store. */
  readonly items: string;
  readonly count: number;
  /** Where it should have gone; undefined for the embedded store. */
  readonly endpoint: string | undefined;
  /** The last reason, where one is known. */
  readonly reason: string | undefined;
}

/** Something that is wrong. */
export type Finding = NewError | Regression | OverdueJob | LostTelemetry | UnknownSample;

export interface FindingsAnswer {
  /** The worst first. */
  readonly findings: readonly Finding[];
  /** Findings that are left out: of each kind at most five are listed. */
  readonly more: number;
}

/** Losses of an exporter, as `HealthAnswer` and `ProcessHealthAnswer` have them. */
export interface ExporterLosses {
  readonly signal: string;
  readonly endpoint: string;
  readonly failed: number;
  readonly dropped: number;
  readonly lastError?: { readonly message: string; readonly at: number } | undefined;
  readonly lostBy?: Readonly<Record<string, number>> | undefined;
  readonly lostInRange?: number | undefined;
}

/** What a process has lost. */
interface ProcessLosses {
  readonly service?: string | undefined;
  readonly exporters: readonly ExporterLosses[];
}

const MAX_OF_KIND = 5;

/** From the worst: what a user meets, then what they wait for, then what only looks wrong because it is not seen. */
const ORDER: readonly Finding['kind'][] = ['new-error', 'failing', 'slower', 'overdue', 'lost', 'sample'];

/** Orders findings by kind, and within each as they come, and leaves out what is too much. */
export function rankFindings(found: readonly Finding[]): FindingsAnswer {
  const findings = ORDER.flatMap((kind) => found.filter((each) => each.kind === kind).slice(0, MAX_OF_KIND));
  return { findings, more: found.length - findings.length };
}

/** Errors of the state `new`, the most frequent first. */
export function newErrorsOf(errors: readonly ErrorAnswer[]): readonly NewError[] {
  return errors
    .filter(({ state }) => state === 'new')
    .sort((a, b) => b.count - a.count)
    .map(({ service, fingerprint, type, message, count, firstSeen, firstVersion, route }) => ({
      kind: 'new-error',
      service,
      fingerprint,
      type,
      message,
      count,
      firstSeen,
      firstVersion,
      route,
    }));
}

const ITEMS: Readonly<Record<string, string>> = {
  traces: 'spans',
  logs: 'log records',
  metrics: 'data points',
};

/**
 * What the exporters of processes have lost in the range, or since they were started where only that is known, by service, kind and
 * endpoint; the most first. One whose last error lies before the range works again, and is left out; a full queue leaves no error.
 */
export function lossesOf(processes: readonly ProcessLosses[], from: number): readonly LostTelemetry[] {
  const found = new Map<string, { finding: LostTelemetry; at: number }>();
  for (const { service, exporters } of processes)
    for (const { signal, endpoint, failed, dropped, lastError, ...known } of exporters) {
      const count = known.lostInRange ?? failed + dropped;
      if (count === 0 || (lastError?.at ?? Infinity) < from) continue;
      const key = JSON.stringify([service, signal, endpoint]);
      const before = found.get(key);
      const reason = lastError?.message ?? mostOften(known.lostBy ?? {});
      const at = lastError?.at ?? 0;
      const isLatest = before === undefined || at > before.at;
      found.set(key, {
        finding: {
          kind: 'lost',
          service,
          processes: (before?.finding.processes ?? 0) + 1,
          items: ITEMS[signal] ?? signal,
          count: (before?.finding.count ?? 0) + count,
          endpoint,
          reason: isLatest ? reason : before.finding.reason,
        },
        at: isLatest ? at : before.at,
      });
    }
  return [...found.values()].map(({ finding }) => finding).sort((a, b) => b.count - a.count);
}

/** The reason that most items have. */
function mostOften(lostBy: Readonly<Record<string, number>>): string | undefined {
  return Object.entries(lostBy).sort(([, a], [, b]) => b - a)[0]?.[0];
}

/** All processes that reported in the range. What this one knows of itself is newer than what it has reported. */
function withOwn(
  processes: readonly ProcessHealthAnswer[],
  own: OwnLosses,
  choice: ProcessChoice,
): readonly ProcessLosses[] {
  const isOwn = ({ service, instance }: ProcessHealthAnswer): boolean =>
    service === own.service && instance === own.instance;
  const chosen = processes.filter((process) => isOfProcesses(process, choice));
  const others = chosen.filter((process) => !isOwn(process));
  return !choosesProcesses(choice) || chosen.some(isOwn) ? [...others, own] : others;
}

function isOfProcesses(
  { version, environment, instance, host }: ProcessHealthAnswer,
  choice: ProcessChoice,
): boolean {
  return (
    (choice.version ?? version) === version &&
    (choice.environment ?? environment) === environment &&
    (choice.process === undefined || choice.process === (instance || host))
  );
}

/** What the process that answers has lost. */
export interface OwnLosses extends ProcessLosses {
  readonly instance?: string | undefined;
}

/** What the embedded stores of all processes have lost in the range, by the counter that they report. */
async function findStoreLosses(
  reader: Pick<TelemetryReader, 'instruments' | 'chart'>,
  { from, to, ...choice }: TimeRange & ProcessChoice,
  options: QueryOptions | undefined,
): Promise<readonly LostTelemetry[]> {
  const instruments = await reader.instruments(undefined, options);
  const counters = instruments.filter(({ name }) => name === METRIC_STORE_DROPPED).slice(0, MAX_OF_KIND);
  const charts = await Promise.all(
    counters.map(({ id }) => reader.chart({ from, to, ...choice, instrument: id, buckets: 1 }, options)),
  );
  const count = charts.reduce((sum, chart) => {
    if (chart === undefined) return sum;
    const ends = [...chart.times.slice(1), to];
    const lost = chart.series.flatMap(({ values }) =>
      values.map((rate, at) => ((rate ?? 0) * ((ends[at] ?? to) - (chart.times[at] ?? to))) / 1_000),
    );
    return sum + lost.reduce((all, each) => all + each, 0);
  }, 0);
  if (Math.round(count) === 0) return [];
  const [items, endpoint, reason] = ['rows', undefined, undefined];
  return [{ kind: 'lost', items, count: Math.round(count), endpoint, reason }];
}

/** A range that ended earlier is about the past: jobs are late now, or not at all. */
const PRESENT_MS = 60_000;

/** Everything that is wrong in a range, the worst first; empty where nothing stands out. */
export async function findFindings(
  reader: TelemetryReader,
  {
    range,
    choice = {},
    running,
    own,
    now,
  }: {
    readonly range: TimeRange;
    /** Of which processes; the sample is found out of all only. */
    readonly choice?: ProcessChoice;
    readonly running: readonly RunningTraceAnswer[];
    readonly own: OwnLosses;
    readonly now: number;
  },
  options?: QueryOptions,
): Promise<FindingsAnswer> {
  const isPresent = range.to >= now - PRESENT_MS;
  const chosen = { ...range, ...choice };
  const isOfAll = !choosesProcesses(choice);
  const routes = await reader.routes(chosen, options);
  const jobs = async (): Promise<readonly OverdueJob[]> => {
    if (!isPresent) return [];
    // When each was last heard of does not depend on the range: the shortest costs least.
    const services = await reader.services({ ...choice, from: range.to - PRESENT_MS, to: range.to }, options);
    return findOverdueJobs(reader, { routes, services, choice, running, now }, options);
  };
  const found = await Promise.all([
    reader.errors({ ...chosen, state: 'new', order: 'count', buckets: 1 }, options),
    findRegressions(reader, chosen, options, routes),
    jobs(),
    // Its counter is that of all processes, where metrics are added up.
    isOfAll || reader.addsUpMetrics !== true ? findStoreLosses(reader, chosen, options) : [],
    isPresent && isOfAll ? findUnknownSamples(reader, range, options) : [],
    reader.processHealth(range, options),
  ]);
  const [errors, regressions, overdue, storeLosses, samples, processes] = found;
  return rankFindings([
    ...newErrorsOf(errors.errors),
    ...regressions,
    ...overdue,
    ...storeLosses,
    ...lossesOf(withOwn(processes, own, choice), range.from),
    ...samples,
  ]);
}
