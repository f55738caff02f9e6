import { type Finding } from '../../../doctor/finding.js';
import { type Question } from '../../api/question.js';
import { type ProcessHealthAnswer } from '../../reader/answers/processes.interface.js';
import { type StoreAnswer } from '../../reader/answers/store.interface.js';
import { compareHealth, type ProcessTrouble, troublesOf } from '../../reader/judge-process.js';

/** Addresses of the panel, and their answers. */
export interface HealthApi {
  readonly 'GET health': HealthAnswer;
  readonly 'GET health/findings': readonly Finding[];
  readonly 'GET health/processes': readonly JudgedProcess[];
  readonly 'POST store/clear': ClearAnswer;
}

/** How the telemetry of a process does. */
export interface JudgedProcess extends ProcessHealthAnswer {
  /** What is wrong with it, the worst first; of one that has ended, what was. */
  readonly troubles: readonly ProcessTrouble[];
  /** It is the one that answers. */
  readonly answers: boolean;
}

/** What was deleted. */
export interface ClearAnswer {
  /** null: everything. */
  readonly cleared: string | null;
}

/** A client library that the process has loaded. */
export interface ClientLibrary {
  readonly name: string;
  readonly version?: string | undefined;
  readonly recorded: boolean;
  /** Why its calls are not recorded. */
  readonly reason?: string | undefined;
}

/** How telemetry itself is doing in the process that serves the page, and how full the store is. */
export interface HealthAnswer {
  readonly exporters: readonly {
    readonly signal: string;
    readonly name: string;
    readonly endpoint: string;
    readonly exported: number;
    readonly failed: number;
    readonly dropped: number;
    readonly lastSuccess: number | undefined;
    readonly lastError: { readonly message: string; readonly at: number } | undefined;
  }[];
  readonly store: StoreAnswer;
  /** What the database behind the page can do; the page hides the rest. */
  readonly features: {
    /** New telemetry comes over `GET /stream`. */
    readonly live: boolean;
    /** `POST /traces/import` stores traces. */
    readonly import: boolean;
    /** Metrics are known of each process, and not only of all of a service. */
    readonly processMetrics: boolean;
  };
  /** Why `POST /store/clear` deletes nothing; undefined where it does. */
  readonly clearRefused?: string | undefined;
  readonly instrumentations: readonly string[];
  readonly libraries: readonly ClientLibrary[];
  /** URL of "open in editor", with `{file}` and `{line}` (and `{column}`) in it; `null` when there are no such links. */
  readonly editor?: string | null;
  /** Instruments that have reached their limit of series. */
  readonly seriesLimits?: readonly {
    readonly instrument: string;
    readonly limit: number;
    /** The attribute with the most distinct values, and how many it had. */
    readonly attribute: string | undefined;
    readonly values: number;
    /** Measurements that were added to the overflow series. */
    readonly overflowed: number;
  }[];
  /** Counts of tail sampling; undefined where `sampling.keep` is off. */
  readonly sampling?: Readonly<Record<string, number>> | undefined;
  readonly warnings: readonly { readonly message: string; readonly at: number; readonly count: number }[];
}

interface ProcessHealthQuestion extends Pick<Question, 'reader' | 'query' | 'signal'> {
  readonly context: { readonly process: { readonly service: string; readonly instance: string } | undefined };
}

const DAY_MS = 24 * 3_600_000;

/** Processes of a range, by default of the last day, those with the worst troubles first. */
export async function askProcessHealth({
  reader,
  query,
  context,
  signal,
}: ProcessHealthQuestion): Promise<readonly JudgedProcess[]> {
  const { from = Date.now() - DAY_MS, to = Infinity } = query.partialRange();
  const processes = await reader.processHealth({ from, to: Math.min(to, Date.now() + DAY_MS) }, { signal });
  return [...processes].sort(compareHealth).map((process) => ({
    ...process,
    troubles: troublesOf(process),
    answers: process.service === context.process?.service && process.instance === context.process.instance,
  }));
}
