import { context, type Logger, type LoggerProvider, type LogRecord } from '@opentelemetry/api';
import { type InstrumentationScope } from '@opentelemetry/core';
import { type Resource } from '@opentelemetry/resources';

import { encodeLogRecord } from './encode-log-record.js';
import { type EncodedQueue } from './encoded-queue.js';

/**
 * Stands in for the SDK's logger provider where log records go to OTLP receivers and nowhere else: a record is encoded while
 * it is emitted, and there is no object of it.
 */
export class EncodingLoggerProvider implements LoggerProvider {
  private readonly loggers = new Map<string, Logger>();

  constructor(
    private readonly resource: Resource,
    private readonly queues: readonly EncodedQueue[],
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
    await Promise.all(this.queues.map((queue) => queue.flush()));
  }

  async shutdown(): Promise<void> {
    await Promise.all(this.queues.map((queue) => queue.shutdown()));
  }

  private createLogger(scope: InstrumentationScope): Logger {
    const { queues, resource } = this;
    return {
      enabled: () => true,
      emit(record: LogRecord) {
        const placed = record.context === undefined ? { ...record, context: context.active() } : record;
        for (const queue of queues) queue.add(placed, scope, resource, encodeLogRecord);
      },
    };
  }
}
