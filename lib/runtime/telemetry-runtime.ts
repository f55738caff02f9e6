import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { warnOnce } from '../errors/warnings.js';
import { abandonExports } from '../exporters/abandon-exports.js';
import { type PrometheusScrape } from '../exporters/prometheus/prometheus-scrape.js';
import { type StoreFeed } from './feed-store.js';

/** A provider of this process that we started and must flush and stop. */
export interface OwnedProvider {
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

export interface RuntimeParts {
  readonly config: TelemetryConfig;
  readonly providers: readonly OwnedProvider[];
  /** The metrics a scraper is offered, or undefined when they are not. */
  readonly prometheus: PrometheusScrape | undefined;
  /** What is kept in the embedded database; undefined when nothing is. */
  readonly feed: StoreFeed | undefined;
  /** Whether log records have somewhere to go. */
  readonly emitsLogRecords: boolean;
  /** Whether a span whose local parent is not sampled is never sampled either. */
  readonly childrenFollowParent: boolean;
  /** Takes our registrations out of the API's registry again. */
  unregister(): void;
}

/** The telemetry of this process while it runs: what it was configured with, and how to flush and stop it. */
export class TelemetryRuntime {
  private readonly stoppers: (() => void | Promise<void>)[] = [];
  private stopped: Promise<void> | undefined;

  constructor(private readonly parts: RuntimeParts) {}

  get config(): TelemetryConfig {
    return this.parts.config;
  }

  get prometheus(): PrometheusScrape | undefined {
    return this.parts.prometheus;
  }

  get feed(): StoreFeed | undefined {
    return this.parts.feed;
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

  /** Sends what is buffered; gives up, with a warning, at the shutdown deadline. Never rejects. */
  async flush(): Promise<void> {
    await this.withinDeadline(
      'flush',
      this.settle((provider) => provider.forceFlush()),
    );
  }

  /** Undoes what was installed, then flushes and stops the providers within the deadline. Never rejects. */
  stop(): Promise<void> {
    this.stopped ??= this.withinDeadline('shutdown', this.stopEverything()).finally(abandonExports);
    return this.stopped;
  }

  private async stopEverything(): Promise<void> {
    for (const stopper of this.stoppers.reverse()) {
      try {
        await stopper();
      } catch (error) {
        warnOnce('shutdown', `telemetry could not be undone completely at shutdown: ${String(error)}`);
      }
    }
    await this.settle((provider) => provider.shutdown());
  }

  private async settle(action: (provider: OwnedProvider) => Promise<void>): Promise<void> {
    const results = await Promise.allSettled(this.parts.providers.map(action));
    for (const result of results) {
      if (result.status === 'rejected') {
        warnOnce(
          'shutdown',
          `telemetry could not be sent completely at shutdown: ${describe(result.reason)}`,
        );
      }
    }
  }

  private async withinDeadline(what: string, work: Promise<void>): Promise<void> {
    const { shutdownTimeoutMs } = this.parts.config;
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, shutdownTimeoutMs, 'late');
    });
    const outcome = await Promise.race([work, deadline]);
    clearTimeout(timer);
    if (outcome === 'late') {
      warnOnce(
        `${what}-deadline`,
        `telemetry ${what} gave up after ${shutdownTimeoutMs} ms, what was still buffered is lost. ` +
          'Check that the exporters answer, or raise shutdownTimeoutMs.',
      );
    }
  }

  /** Called by whoever stops the runtime, once the process no longer counts on it. */
  unregister(): void {
    this.parts.unregister();
  }
}

function describe(reason: unknown): string {
  if (Array.isArray(reason)) return reason.map(String).join('; ');
  return String(reason);
}
