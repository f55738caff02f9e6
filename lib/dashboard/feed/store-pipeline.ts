import { type LoggerProvider } from '@opentelemetry/api';
import { type Resource } from '@opentelemetry/resources';
import { type IMetricReader } from '@opentelemetry/sdk-metrics';

import { type TelemetryConfig } from '../../config/telemetry-config.interface.js';
import { OnDemandReader } from '../../exporters/on-demand.reader.js';
import { type MetricFeed, startMetricFeed } from './start-metric-feed.js';
import { storedResourceOf } from './stored-resource.js';
import { StoreLogRecordProcessor } from './store-log-record.processor.js';
import { StoreSpanProcessor } from './store-span.processor.js';
import { watchStoreLosses } from './watch-store-losses.js';
import { StoringLoggerProvider } from './storing-logger-provider.js';
import { type DeclaredFunction, type DeclaredRoute, type StoredResource } from '../sqlite/rows.interface.js';
import { openStore, type TelemetryStore } from '../sqlite/store.js';

/** A provider of log records that can be flushed and stopped. */
interface FlushableLoggerProvider extends LoggerProvider {
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

/** The store of this process, and what flows into it. */
export class StoreFeed {
  private metrics: MetricFeed | undefined;
  private readonly stopWatching: () => void;
  private readonly routes = new Map<string, DeclaredRoute>();

  constructor(
    readonly store: TelemetryStore,
    /** Who this process is. */
    readonly resource: StoredResource,
  ) {
    this.stopWatching = watchStoreLosses(store);
  }

  spanProcessor(): StoreSpanProcessor {
    return new StoreSpanProcessor(this.store);
  }

  /** For log records of a provider that is not ours. */
  logRecordProcessor(): StoreLogRecordProcessor {
    return new StoreLogRecordProcessor(this.store, this.resource);
  }

  /** Log records go into the store, and then to `next` if there is one. */
  loggerProvider(next: FlushableLoggerProvider | undefined): FlushableLoggerProvider {
    return new StoringLoggerProvider(this.store, this.resource, next);
  }

  /** The reader metrics are collected with: the one that answers scrapers, where there is one. */
  metricReader(scraped: IMetricReader | undefined): IMetricReader {
    return scraped ?? new OnDemandReader();
  }

  /** To be called when `reader` belongs to a meter provider. */
  startMetrics(reader: IMetricReader): void {
    this.metrics = startMetricFeed(this.store, reader);
  }

  /** Makes routes of an application known; another one in this process may have more of them. */
  declareRoutes(routes: readonly DeclaredRoute[]): void {
    for (const route of routes) this.routes.set(`${route.method} ${route.route}`, route);
    this.store.declareRoutes(this.resource, [...this.routes.values()]);
  }

  /** Makes known where methods of this process were written. */
  declareFunctions(functions: readonly DeclaredFunction[]): void {
    this.store.declareFunctions(this.resource, functions);
  }

  /** Collects what was measured so far. Never rejects. */
  async collectMetrics(): Promise<void> {
    await this.metrics?.collect();
  }

  /** Collects what was measured last; to be called while the meter provider still runs. Never rejects. */
  async stopMetrics(): Promise<void> {
    await this.metrics?.stop();
  }

  /** Writes what waits and closes the database. Never rejects. */
  async close(): Promise<void> {
    await this.store.close();
    this.stopWatching();
  }
}

/** Opens the store; undefined where the configuration wants none, or this Node has no SQLite. */
export function openStoreFeed(
  { store: options }: TelemetryConfig,
  resource: Resource,
): StoreFeed | undefined {
  if (options === undefined) return undefined;
  const store = openStore(options);
  return store === undefined ? undefined : new StoreFeed(store, storedResourceOf(resource));
}
