import { type ProcessMetric } from '../process-metrics.js';

/** Values of a `ProcessChoice`, each list by name. */
export interface ProcessValuesAnswer {
  readonly versions: readonly string[];
  readonly environments: readonly string[];
  readonly processes: readonly string[];
}

/** Which process it is, by its resource. */
export interface ProcessIdentity {
  readonly service: string;
  /** `service.instance.id`; empty where the process has none. */
  readonly instance: string;
  readonly version: string;
  readonly environment: string;
  /** undefined where the process does not say it. */
  readonly pid?: number | undefined;
  readonly host?: string | undefined;
}

/** A process that reported how it does. */
export interface ProcessAnswer extends ProcessIdentity {
  /** The first and the last report that is kept. */
  readonly firstSeen: number;
  readonly lastSeen: number;
}

/** What a process has sent of one signal. Numbers count since its start, or since they are known. */
export interface ProcessExporterAnswer {
  readonly signal: 'traces' | 'metrics' | 'logs';
  /** Protocol in words; the types of the exporters where only their metrics are known. */
  readonly name: string;
  /** Empty where it is not known. */
  readonly endpoint: string;
  readonly exported: number;
  readonly failed: number;
  readonly dropped: number;
  /** Those that failed and were dropped, by `error.type`: `rejected`, `queue_full`, a status or the class of an error. */
  readonly lostBy: Readonly<Record<string, number>>;
  /** How many failed or were dropped in the range that was asked about; undefined where only all of them are known. */
  readonly lostInRange?: number | undefined;
  /** Items that wait, and how many may; undefined where it has no queue. */
  readonly queued?: number | undefined;
  readonly queueCapacity?: number | undefined;
  readonly lastSuccess?: number | undefined;
  readonly lastError?: { readonly message: string; readonly at: number } | undefined;
  /** Since when sending fails, and is tried again; undefined where it does not fail. */
  readonly failingSince?: number | undefined;
}

/** What a process says of its telemetry. Where only its metrics are known, the optional parts are not there. */
export interface ProcessReport {
  readonly exporters: readonly ProcessExporterAnswer[];
  /** Rows of the embedded store that this process has lost, and that wait. */
  readonly store?: { readonly dropped: number; readonly queued: number } | undefined;
  readonly warnings?:
    | {
        /** How many there were, logged or not. */
        readonly count: number;
        /** The latest first, at most 5. */
        readonly latest: readonly { readonly message: string; readonly at: number; readonly count: number }[];
      }
    | undefined;
  /** Whether it records CPU profiles for the page of another process, and why not; undefined where it cannot be asked. */
  readonly profiling?: { readonly refused?: string | undefined } | undefined;
  /** Client libraries whose calls are not recorded, at most 20. */
  readonly notRecorded?:
    | readonly {
        readonly name: string;
        readonly version?: string | undefined;
        readonly reason?: string | undefined;
      }[]
    | undefined;
}

/** A process, and how its telemetry does. */
export interface ProcessHealthAnswer extends ProcessIdentity, ProcessReport {
  /** When it started; where it does not say that, when it was first heard of. */
  readonly started: number;
  readonly lastSeen: number;
  /** `ended`: it said so. `silent`: it has not reported for so long that it was killed, hangs, or cannot reach the database. */
  readonly state: 'running' | 'silent' | 'ended';
}

/** One metric of a process over time; every list has an entry per bucket, null where nothing was reported. */
export interface ProcessSeries {
  readonly metric: ProcessMetric;
  /** Value of the attribute that distinguishes the lines of the metric; empty where there is one line. */
  readonly label: string;
  /** The value that held; of what adds up (durations, counters) the sum per second. */
  readonly values: readonly (number | null)[];
  /** The highest value. Of durations the mean of one. */
  readonly peaks: readonly (number | null)[];
}

/** A process over time. */
export interface ProcessChartsAnswer {
  readonly process: ProcessAnswer;
  readonly times: readonly number[];
  /** By metric and label. */
  readonly series: readonly ProcessSeries[];
}
