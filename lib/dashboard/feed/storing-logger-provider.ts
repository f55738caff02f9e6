import {
  context,
  type Logger,
  type LoggerOptions,
  type LoggerProvider,
  type LogRecord,
  trace,
} from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';

import { type StoredResource } from '../sqlite/rows.interface.js';
import { type TelemetryStore } from '../sqlite/store.js';
import { toStoredLog } from './to-stored-log.js';

/** A provider that can be told to send what it holds. */
interface FlushableProvider extends LoggerProvider {
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

/**
 * Hands each log record to the store, and then to the provider that sends them elsewhere, if there is one. So lines are in the
 * store whether or not anything is exported.
 */
export class StoringLoggerProvider implements LoggerProvider {
  private readonly loggers = new Map<string, Logger>();

  constructor(
    private readonly store: TelemetryStore,
    private readonly resource: StoredResource,
    private readonly next: FlushableProvider | undefined,
  ) {}

  getLogger(name: string, version?: string, options?: LoggerOptions): Logger {
    const key = `${name}@${version ?? ''}:${options?.schemaUrl ?? ''}`;
    let logger = this.loggers.get(key);
    if (logger === undefined) {
      logger = this.createLogger(name, this.next?.getLogger(name, version, options));
      this.loggers.set(key, logger);
    }
    return logger;
  }

  async forceFlush(): Promise<void> {
    await Promise.all([this.store.flush(), this.next?.forceFlush()]);
  }

  async shutdown(): Promise<void> {
    await Promise.all([this.store.flush(), this.next?.shutdown()]);
  }

  private createLogger(scope: string, next: Logger | undefined): Logger {
    const { store, resource } = this;
    return {
      enabled: () => true,
      emit(record: LogRecord) {
        const active = record.context ?? context.active();
        if (!isTracingSuppressed(active))
          store.addLog(
            { record, scope, span: trace.getSpan(active), emittedAt: Date.now(), resource },
            toStoredLog,
          );
        next?.emit(record);
      },
    };
  }
}
