import {
  type Context,
  context as contextApi,
  type Logger,
  type LoggerOptions,
  type LogRecord,
  type Span,
  trace,
} from '@opentelemetry/api';
import { type Resource } from '@opentelemetry/resources';
import { type LogRecordProcessor, type ReadWriteLogRecord } from '@opentelemetry/sdk-logs';
import { type CollectionResult, type IMetricReader } from '@opentelemetry/sdk-metrics';
import { type SpanProcessor } from '@opentelemetry/sdk-trace';

import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { type FlushableLoggerProvider } from '../engine/limited-logger-provider.js';
import { ScopeCache } from '../engine/scope-cache.js';
import { isTracingSuppressed } from '../engine/suppressed-tracing.js';
import { type PrometheusScrape } from '../exporters/prometheus/prometheus-scrape.js';
import { OnDemandReader } from '../metrics-sdk/on-demand.reader.js';
import { type AttachPart } from './application.js';

/**
 * Takes all signals of this process beside the exporters, and joins its HTTP applications. The
 * dashboard is one; the runtime knows only this interface of it.
 */
export interface TelemetryPlugin {
  /** As messages name it, for example `the dashboard`. */
  readonly name: string;
  readonly spans: SpanProcessor;
  /** Returns what it has lost, and whether it takes anything. */
  health(): PluginHealth;
  /** Takes a log record. Never throws. */
  takeLog(emitted: EmittedRecord): void;
  /** Called once, when a meter provider serves `source`. */
  startMetrics(source: MetricSource): void;
  /** Collects metrics now. Never rejects. */
  collectMetrics(): Promise<void>;
  /** Resolves when everything it has taken is stored. Never rejects. */
  flush(): Promise<void>;
  /** Collects metrics once more and ends its own work; the providers still run. Never rejects. */
  stop(): Promise<void>;
  /** Stores what is left and releases its resources; the providers have stopped. Never rejects. */
  close(): Promise<void>;
  /** Joins an application before it registers routes; undefined where there is nothing to add. */
  readonly mount: AttachPart;
}

/** How a plugin does. */
export interface PluginHealth {
  /** Items that were lost. */
  readonly lost: number;
  /** When the last of them was lost, on the clock of `performance.now()`. */
  readonly lostAt: number | undefined;
  /** False where it could not be loaded or opened: nothing is taken. */
  readonly works: boolean;
}

/** Opens the plugin of a process that starts; undefined where the configuration wants none. */
export type OpenPlugin = (config: TelemetryConfig, resource: Resource) => TelemetryPlugin | undefined;

/** A log record when it is emitted. */
export interface EmittedRecord {
  readonly record: LogRecord;
  /** Name of its logger: the class that logged. */
  readonly scope: string;
  /** The active span. */
  readonly span: Span | undefined;
  /** Milliseconds since the epoch. */
  readonly emittedAt: number;
}

/** Returns running totals: a reader of the meter provider. */
export interface MetricSource {
  collect(): Promise<CollectionResult>;
}

/**
 * Returns the reader that a plugin collects metrics with: the one that answers scrapers, or a new
 * one in `readers`. A second reader would make every measurement cost twice.
 */
export function readerForPlugin(
  readers: IMetricReader[],
  prometheus: PrometheusScrape | undefined,
): IMetricReader {
  if (prometheus !== undefined) return prometheus.reader;
  const reader = new OnDemandReader();
  readers.push(reader);
  return reader;
}

/**
 * Gives each log record to the plugin, and then to the provider that exports it, if there is one. A
 * processor of the SDK would need the SDK's record for each line, which costs more than storing it.
 */
export class PluginLoggerProvider implements FlushableLoggerProvider {
  private readonly loggers = new ScopeCache<Logger>();

  constructor(
    private readonly plugin: Pick<TelemetryPlugin, 'takeLog' | 'flush'>,
    private readonly next: FlushableLoggerProvider | undefined,
  ) {}

  getLogger(name: string, version?: string, options?: LoggerOptions): Logger {
    return this.loggers.get(name, version, options?.schemaUrl, () =>
      this.createLogger(name, this.next?.getLogger(name, version, options)),
    );
  }

  async forceFlush(): Promise<void> {
    await Promise.all([this.plugin.flush(), this.next?.forceFlush()]);
  }

  async shutdown(): Promise<void> {
    await Promise.all([this.plugin.flush(), this.next?.shutdown()]);
  }

  private createLogger(scope: string, next: Logger | undefined): Logger {
    const { plugin } = this;
    return {
      enabled: () => true,
      emit(record: LogRecord) {
        const active = record.context ?? contextApi.active();
        if (!isTracingSuppressed(active))
          plugin.takeLog({ record, scope, span: trace.getSpan(active), emittedAt: Date.now() });
        next?.emit(record);
      },
    };
  }
}

/** Gives the plugin the log records of an SDK that the application started itself. */
export class PluginLogRecordProcessor implements LogRecordProcessor {
  constructor(private readonly plugin: Pick<TelemetryPlugin, 'takeLog' | 'flush'>) {}

  onEmit(record: ReadWriteLogRecord, context: Context = contextApi.active()): void {
    if (isTracingSuppressed(context)) return;
    const { severityNumber, severityText, body, attributes, hrTime, spanContext, instrumentationScope } =
      record;
    this.plugin.takeLog({
      record: {
        timestamp: hrTime,
        body: body ?? '',
        attributes: { ...attributes },
        ...(severityNumber !== undefined && { severityNumber }),
        ...(severityText !== undefined && { severityText }),
      },
      scope: instrumentationScope.name,
      span: spanContext === undefined ? undefined : trace.wrapSpanContext(spanContext),
      emittedAt: Date.now(),
    });
  }

  forceFlush(): Promise<void> {
    return this.plugin.flush();
  }

  shutdown(): Promise<void> {
    // The runtime closes the plugin later: metrics and lines may still come.
    return this.plugin.flush();
  }
}
