import { type DashboardConfig } from '../config/dashboard.js';
import { type ClientLibrary } from './panels/health/query.js';
import { type ProcessCommands, type ProcessName } from './profiling/process-commands.interface.js';
import { type ProfileBudget } from './profiling/profile-budget.js';
import { type RunningTraceAnswer } from './reader/answers/traces.interface.js';
import { type TelemetryReader } from './reader/telemetry-reader.interface.js';
import { type StoredLog, type StoredPoint, type StoredSpan } from './sqlite/rows.interface.js';
import { type Steps } from './steps.js';

/** Stores imported traces and telemetry that other services send. */
export interface TelemetrySink {
  /** Rows that wait to be written. */
  readonly queued: number;
  /** Rows lost so far. */
  readonly dropped: number;
  addSpan(span: StoredSpan): void;
  addLog(log: StoredLog): void;
  addPoints(points: readonly StoredPoint[]): void;
  /** Resolves when everything added so far is written. */
  flush(): Promise<void>;
  /**
   * Deletes everything that is stored, or all of a service that is gone. Resolves with why that was not done; with undefined when it was.
   */
  clear(service?: string): Promise<string | undefined>;
}

/** Everything the page and its API need. */
export interface DashboardContext {
  readonly config: DashboardConfig;
  /** Token of visitors; undefined where the dashboard is open. */
  readonly token: string | undefined;
  /** Answers every question about telemetry. */
  readonly reader: TelemetryReader;
  /** undefined where the database behind the page is only read: import and OTLP are off then. */
  readonly sink: TelemetrySink | undefined;
  /** Runs CPU work in steps, in turns with the questions, so that the event loop is not blocked for long. */
  readonly work: <T>(steps: Steps<T>) => Promise<T>;
  /** Requests, messages and runs of this process that have not ended, the longest first. */
  readonly running: () => readonly RunningTraceAnswer[];
  /** This process, as the store knows it; undefined where it stores nothing. */
  readonly process: ProcessName | undefined;
  /** Asks processes that have the same store open; undefined where another database is behind the page. */
  readonly commands?: ProcessCommands | undefined;
  /** CPU profiles that this process may still record; undefined: the page alone asks for them. */
  readonly profileBudget?: ProfileBudget | undefined;
  /** Why this process itself is not profiled, whatever the configuration says; undefined where it may be. */
  readonly notProfiled?: string | undefined;
  /** Names of the active instrumentations. */
  instrumentations(): readonly string[];
  /** The client libraries that are loaded, and whether their calls are recorded. */
  libraries(): readonly ClientLibrary[];
}

/** What a process passes to its dashboard. */
export interface DashboardParts extends Omit<DashboardContext, 'reader'> {
  /** Called with the first request: no query is loaded before. */
  readonly loadReader: () => Promise<TelemetryReader>;
  /** Called when the application closes, if the reader was loaded. */
  readonly closeReader?: (() => void) | undefined;
}
