import type { TelemetryConfig } from '../config/telemetry-config.interface.js';
import { warnOnce } from '../errors/warnings.js';
import { exporterReports } from '../exporters/exporter-report.js';
import type { PrometheusScrape } from '../exporters/prometheus/prometheus-scrape.js';
import { abortPendingExports } from '../exporters/sending/export-queue.js';
import { processWide } from '../process/process-wide.js';
import type { TelemetryPlugin } from './telemetry-plugin.js';

/** Running telemetry, as one application or script uses it: its configuration, and how to flush and leave it. */
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

/**
 * The former name of `TelemetryHandle`.
 *
 * @deprecated
 */
export type RunningTelemetry = TelemetryHandle;

/** A provider of this process that we started and must flush and stop. */
export interface OwnedProvider {
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

interface RuntimeParts {
  readonly config: TelemetryConfig;
  readonly providers: readonly OwnedProvider[];
  /** The metrics a scraper is offered, or undefined when they are not. */
  readonly prometheus: PrometheusScrape | undefined;
  /** Takes all signals beside the exporters; undefined where nothing does. */
  readonly plugin: TelemetryPlugin | undefined;
  /** Whether log records have somewhere to go. */
  readonly emitsLogRecords: boolean;
  /** Whether a span whose local parent is not sampled is never sampled either. */
  readonly childrenFollowParent: boolean;
  /** Takes our registrations out of the API's registry again. */
  unregister(): void;
}

type Ending = 'flush' | 'shutdown';

/** How long a flush may take. */
export interface FlushOptions {
  /** Milliseconds. Default `shutdownTimeoutMs`. */
  readonly timeoutMs?: number;
}

/** The telemetry of this process while it runs: what it was configured with, and how to flush and stop it. */
export class SdkRuntime {
  private readonly stoppers: (() => void | Promise<void>)[] = [];
  private stopped: Promise<void> | undefined;

  constructor(private readonly parts: RuntimeParts) {}

  get config(): TelemetryConfig {
    return this.parts.config;
  }

  get prometheus(): PrometheusScrape | undefined {
    return this.parts.prometheus;
  }

  get plugin(): TelemetryPlugin | undefined {
    return this.parts.plugin;
  }

  get emitsLogRecords(): boolean {
    return this.parts.emitsLogRecords;
  }

  get childrenFollowParent(): boolean {
    return this.parts.childrenFollowParent;
  }

  /** Registers what must be undone before the providers stop; last registered, first undone. */
  onStop(stopper: () => void | Promise<void>): void {
    this.stoppers.push(stopper);
  }

  /**
   * Sends what is buffered, and collects metrics once more. Never rejects.
   *
   * @returns whether all of it was taken: false when something was lost, refused or not done in time
   */
  async flush({ timeoutMs = this.parts.config.shutdownTimeoutMs }: FlushOptions = {}): Promise<boolean> {
    const lostBefore = lostItems();
    const flushed = await this.withinDeadline('flush', timeoutMs, this.flushEverything());
    return flushed === true && lostItems() === lostBefore;
  }

  private async flushEverything(): Promise<boolean> {
    await this.plugin?.collectMetrics();
    return this.settle('flush', (provider) => provider.forceFlush());
  }

  /** Undoes what was installed, then flushes and stops the providers within the deadline. Never rejects. */
  stop(): Promise<void> {
    const { shutdownTimeoutMs } = this.parts.config;
    this.stopped ??= this.withinDeadline('shutdown', shutdownTimeoutMs, this.stopEverything())
      .finally(abortPendingExports)
      .then(() => undefined);
    return this.stopped;
  }

  private async stopEverything(): Promise<boolean> {
    for (const stopper of this.stoppers.reverse()) {
      try {
        await stopper();
      } catch (error) {
        warnOnce('shutdown', `telemetry could not be undone completely at shutdown: ${String(error)}`);
      }
    }
    return this.settle('shutdown', (provider) => provider.shutdown());
  }

  private async settle(what: Ending, action: (provider: OwnedProvider) => Promise<void>): Promise<boolean> {
    const results = await Promise.allSettled(this.parts.providers.map(action));
    const failures = results.filter((result) => result.status === 'rejected');
    for (const { reason } of failures) {
      warnOnce(what, `telemetry could not be sent completely at the ${what}: ${describe(reason)}`);
    }
    return failures.length === 0;
  }

  /** @returns what `work` returns, undefined when it took too long */
  private async withinDeadline(
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
    if (outcome === undefined) {
      const rest =
        what === 'flush' ? 'what is still buffered is sent later' : 'what was still buffered is lost';
      warnOnce(
        `${what}-deadline`,
        `telemetry ${what} gave up after ${timeoutMs} ms, ${rest}. ` +
          'Check that the exporters answer, or allow more time (shutdownTimeoutMs).',
      );
    }
    return outcome;
  }

  /** Called by whoever stops the runtime, once the process no longer counts on it. */
  unregister(): void {
    this.parts.unregister();
  }
}

function lostItems(): number {
  return exporterReports().reduce((sum, { failed, dropped }) => sum + failed + dropped, 0);
}

function describe(reason: unknown): string {
  if (Array.isArray(reason)) return reason.map(String).join('; ');
  return String(reason);
}

/** What must exist once per process, however many copies of this package are loaded (ESM, CommonJS, two versions). */
interface RuntimeState {
  /** Grows whenever a runtime starts or stops: whatever caches a tracer or instrument compares it and binds anew. */
  generation: number;
  runtime: SdkRuntime | undefined;
  /** How many applications count on the runtime; the last one to leave stops it. */
  users: number;
}

const state = processWide<RuntimeState>('runtime', () => ({ generation: 0, runtime: undefined, users: 0 }));

export function runtimeState(): RuntimeState {
  return state;
}

/** The runtime of this process, or undefined before the start, after the shutdown and when telemetry is disabled. */
export function currentRuntime(): SdkRuntime | undefined {
  return state.runtime;
}
