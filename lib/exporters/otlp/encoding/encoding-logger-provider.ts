import { context, type Logger, type LoggerProvider, type LogRecord } from '@opentelemetry/api';
import { type InstrumentationScope } from '@opentelemetry/core';
import { type Resource } from '@opentelemetry/resources';

import { encodeLogRecord } from './encode-log-record.js';
import { type EncodedBatcher } from './encoded-batcher.js';

/**
 * Stands in for the SDK's logger provider where log records go to OTLP receivers and nowhere else: a record is encoded while
 * it is emitted, and there is no object of it.
 */
export class EncodingLoggerProvider implements LoggerProvider {
  private readonly loggers = new Map<string, Logger>();

  constructor(
    private readonly resource: Resource,
    private readonly batchers: readonly EncodedBatcher[],
  ) {}

  getLogger(name: string, version?: string, options?: { schemaUrl?: string }): Logger {
    const schemaUrl = options?.schemaUrl;
    const key = `${name}@${version ?? ''}:${schemaUrl ?? ''}`;
    let logger = this.loggers.get(key);
    if (logger === undefined) {
      logger = this.createLogger({
        name: name === '' ? 'unknown' : name,
        ...(version !== undefined && { version }),
        ...(schemaUrl !== undefined && { schemaUrl }),
      });
      this.loggers.set(key, logger);
    }
    return logger;
  }

  async forceFlush(): Promise<void> {
    await Promise.all(this.batchers.map((batcher) => batcher.flush()));
  }

  async shutdown(): Promise<void> {
    await Promise.all(this.batchers.map((batcher) => batcher.shutdown()));
  }

  private createLogger(scope: InstrumentationScope): Logger {
    const { batchers, resource } = this;
    return {
      enabled: () => true,
      emit(record: LogRecord) {
        const placed = record.context === undefined ? { ...record, context: context.active() } : record;
        for (const batcher of batchers) batcher.add(placed, scope, resource, encodeLogRecord);
      },
    };
  }
}
