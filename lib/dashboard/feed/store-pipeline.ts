import { type Resource } from '@opentelemetry/resources';
import { type ReadableSpan, type Span } from '@opentelemetry/sdk-trace';

import { isSampled } from '../../engine/span-view.js';
import { type EmittedRecord, type MetricSource } from '../../runtime/telemetry-plugin.js';
import {
  type DeclaredFunction,
  type DeclaredRoute,
  type StoredLog,
  type StoredResource,
} from '../sqlite/rows.interface.js';
import { type TelemetryStore } from '../sqlite/store.js';
import { storedResourceOf } from './attribute-json.js';
import { type MetricFeed, startMetricFeed } from './metric-feed.js';
import { RunningTraces } from './running-traces.js';
import { watchStoreLosses } from './store-health.js';
import { toStoredLog } from './to-stored-log.js';
import { toStoredSpan } from './to-stored-span.js';

/** Writes the signals of this process to the store. */
export class StorePipeline {
  /** The process, as the store knows it. */
  readonly resource: StoredResource;
  readonly running = new RunningTraces();
  /** When a loss of rows was noticed last, on the clock of `performance.now()`. */
  lostAt: number | undefined;
  private metrics: MetricFeed | undefined;
  private readonly stopWatching: () => void;
  private readonly routes = new Map<string, DeclaredRoute>();

  constructor(
    readonly store: TelemetryStore,
    resource: Resource,
  ) {
    this.resource = storedResourceOf(resource);
    this.stopWatching = watchStoreLosses(store, {
      onLoss: () => {
        this.lostAt = performance.now();
      },
    });
  }

  /** Takes a span that has started: what runs is shown, too. */
  startSpan(span: Span): void {
    this.running.add(span);
  }

  /** Queues a span that has ended, if it is sampled; its row is made when it is written. */
  takeSpan(span: ReadableSpan): void {
    this.running.remove(span);
    if (isSampled(span)) this.store.addSpan(span, toStoredSpan);
  }

  /** Queues a log record; its row is made when it is written. */
  takeLog(emitted: EmittedRecord): void {
    this.store.addLog(emitted, this.makeLog);
  }

  /** Collects metrics from `source` at an interval from now on. */
  startMetrics(source: MetricSource): void {
    this.metrics = startMetricFeed(this.store, source);
  }

  /** Collects metrics now. Never rejects. */
  async collectMetrics(): Promise<void> {
    await this.metrics?.collect();
  }

  /** Collects metrics once more, and then no more. Never rejects. */
  async stopMetrics(): Promise<void> {
    await this.metrics?.stop();
  }

  /** Stores routes of an application; another one in this process may have more of them. */
  declareRoutes(routes: readonly DeclaredRoute[]): void {
    for (const route of routes) this.routes.set(`${route.method} ${route.route}`, route);
    this.store.declareRoutes(this.resource, [...this.routes.values()]);
  }

  /** Stores where methods of this process were written. */
  declareFunctions(functions: readonly DeclaredFunction[]): void {
    this.store.declareFunctions(this.resource, functions);
  }

  /** Writes what is queued and closes the database. Never rejects. */
  async close(): Promise<void> {
    await this.store.close();
    this.stopWatching();
  }

  private readonly makeLog = (emitted: EmittedRecord): StoredLog => toStoredLog(emitted, this.resource);
}
