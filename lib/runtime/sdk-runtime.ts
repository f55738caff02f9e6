import { type MeterProvider } from '@opentelemetry/sdk-metrics';

import type { TelemetryConfig } from '../config/telemetry-config.interface.js';
import { warnOnce } from '../errors/warnings.js';
import { exporterReports } from '../exporters/exporter-report.js';
import type { PrometheusScrape } from '../exporters/prometheus/prometheus-scrape.js';
import { abortPendingExports } from '../exporters/sending/export-queue.js';
import { processWide } from '../process/process-wide.js';
import { type NewTraceRatio } from './sampling/new-trace-ratio.js';
import { type SamplingCounts } from './sampling/tail-sampling.processor.js';
import type { TelemetryPlugin } from './telemetry-plugin.js';
import { TemporaryChanges } from './temporary-changes.js';

/** Running telemetry as one application or script uses it. */
export interface TelemetryHandle {
  /** The value of every option, after code, environment and defaults. */
  readonly config: TelemetryConfig;
  /**
   * Sends what is buffered now, within `timeoutMs` (default `shutdownTimeoutMs`). Never rejects.
   *
   * @returns whether all of it was accepted; true without telemetry
   */
  flush(options?: FlushOptions): Promise<boolean>;
  /** Leaves; the last one to leave flushes and stops the SDK within the deadline. Never rejects. */
  shutdown(): Promise<void>;
}

/** The former name of `TelemetryHandle`. @deprecated */
export type RunningTelemetry = TelemetryHandle;

/** A provider of this process that we started and must flush and stop. */
export interface OwnedProvider {
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

interface RuntimeParts {
  readonly config: TelemetryConfig;
  readonly providers: readonly OwnedProvider[];
  /** Of our SDK; undefined where there is none, or where another was joined. */
  readonly meterProvider: MeterProvider | undefined;
  /** The metrics a scraper is offered; undefined where they are not. */
  readonly prometheus: PrometheusScrape | undefined;
  /** Takes all signals beside the exporters; undefined where nothing does. */
  readonly plugin: TelemetryPlugin | undefined;
  /** Counts of tail sampling; undefined where `sampling.keep` is off. */
  readonly samplingCounts: (() => SamplingCounts) | undefined;
  /**
   * The ratio of traces that begin here; undefined where a sampler of the application or another SDK
   * decides.
   */
  readonly samplingRatio: NewTraceRatio | undefined;
  /** Whether log records have somewhere to go. */
  readonly emitsLogRecords: boolean;
  /** Whether a span whose local parent is not sampled is never sampled either. */
  readonly childrenFollowParent: boolean;
  /** Removes our registrations from the API's registry, after the stop. */
  unregister(): void;
}

/** The telemetry of this process while it runs. */
export interface SdkRuntime extends RuntimeParts {
  /** Changes that are made while the process runs. */
  readonly changes: TemporaryChanges;
  /** Registers what must be undone before the providers stop; last registered, first undone. */
  onStop(stopper: () => void | Promise<void>): void;
  /**
   * Sends what is buffered, and collects metrics once more. Never rejects.
   *
   * @returns false when something was lost, refused or not done in time
   */
  flush(options?: FlushOptions): Promise<boolean>;
  /**
   * Calls the stoppers, then flushes and stops the providers within the deadline. Never rejects.
   */
  stop(): Promise<void>;
}

type Ending = 'flush' | 'shutdown';

/** How long a flush may take. */
export interface FlushOptions {
  /** Milliseconds. Default `shutdownTimeoutMs`. */
  readonly timeoutMs?: number;
}

export function createRuntime(parts: RuntimeParts): SdkRuntime {
  const { shutdownTimeoutMs } = parts.config;
  const stoppers: (() => void | Promise<void>)[] = [];
  let stopped: Promise<void> | undefined;

  const settle = async (what: Ending, end: (provider: OwnedProvider) => Promise<void>): Promise<boolean> => {
    const results = await Promise.allSettled(parts.providers.map(end));
    const failures = results.filter((result) => result.status === 'rejected');
    for (const { reason } of failures)
      warnOnce(what, `telemetry could not be sent completely at the ${what}: ${describe(reason)}`);
    return failures.length === 0;
  };
  const flushEverything = async (): Promise<boolean> => {
    await parts.plugin?.collectMetrics();
    return settle('flush', (provider) => provider.forceFlush());
  };
  const stopEverything = async (): Promise<boolean> => {
    for (const stopper of stoppers.reverse()) {
      try {
        await stopper();
      } catch (error) {
        warnOnce('shutdown', `telemetry could not be undone completely at shutdown: ${String(error)}`);
      }
    }
    return settle('shutdown', (provider) => provider.shutdown());
  };

  return {
    ...parts,
    changes: new TemporaryChanges(),
    onStop: (stopper) => {
      stoppers.push(stopper);
    },
    flush: async ({ timeoutMs = shutdownTimeoutMs } = {}) => {
      const lostBefore = lostItems();
      const flushed = await withinDeadline('flush', timeoutMs, flushEverything());
      return flushed === true && lostItems() === lostBefore;
    },
    stop: () =>
      (stopped ??= withinDeadline('shutdown', shutdownTimeoutMs, stopEverything())
        .finally(abortPendingExports)
        .then(() => undefined)),
  };
}

/** @returns what `work` returns; undefined when it took too long */
async function withinDeadline(
  what: Ending,
  timeoutMs: number,
  work: Promise<boolean>,
): Promise<boolean | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, undefined);
  });
  const outcome = await Promise.race([work, deadline]);
  clearTimeout(timer);
  if (outcome !== undefined) return outcome;
  const rest = what === 'flush' ? 'what is still buffered is sent later' : 'what was still buffered is lost';
  warnOnce(
    `${what}-deadline`,
    `telemetry ${what} gave up after ${timeoutMs} ms, ${rest}. ` +
      'Check that the exporters answer, or allow more time (shutdownTimeoutMs).',
  );
  return undefined;
}

function lostItems(): number {
  return exporterReports().reduce((sum, { failed, dropped }) => sum + failed + dropped, 0);
}

function describe(reason: unknown): string {
  return Array.isArray(reason) ? reason.map(String).join('; ') : String(reason);
}

interface RuntimeState {
  /** Grows when a runtime starts or stops: caches of tracers compare it. */
  generation: number;
  runtime: SdkRuntime | undefined;
  /** Applications that use the runtime; the last one to leave stops it. */
  users: number;
  /** Whether everything that is started joins the runtime, whatever its options: that of a test. */
  joinsAll?: boolean;
}

const state = processWide<RuntimeState>('runtime', () => ({ generation: 0, runtime: undefined, users: 0 }));

export function runtimeState(): RuntimeState {
  return state;
}

/** The runtime of this process; undefined before the start, after the stop, without telemetry. */
export function currentRuntime(): SdkRuntime | undefined {
  return state.runtime;
}

/** Counts of tail sampling since the start; undefined where `sampling.keep` is off. */
export function samplingReport(): SamplingCounts | undefined {
  return state.runtime?.samplingCounts?.();
}

/** Stops the runtime of this process, if there is one, so that another can be started. */
export async function stopRuntime(runtime: SdkRuntime): Promise<void> {
  const state = runtimeState();
  await runtime.stop();
  await runtime.plugin?.close();
  if (state.runtime !== runtime) return;
  runtime.unregister();
  state.runtime = undefined;
  state.joinsAll = false;
  state.generation += 1;
}
