import { type StoreAnswer } from '../../reader/answers.interface.js';

/** Addresses of the panel, and their answers. */
export interface HealthApi {
  readonly 'GET health': HealthAnswer;
  readonly 'POST store/clear': ClearAnswer;
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
