import { type Context, context as contextApi, trace } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { type LogRecordProcessor, type ReadWriteLogRecord } from '@opentelemetry/sdk-logs';

import { type StoredResource } from '../sqlite/rows.interface.js';
import { type TelemetryStore } from '../sqlite/store.js';
import { toStoredLog } from './to-stored-log.js';

/** Hands log records of OpenTelemetry's SDK to the store, where the logger provider is not ours. */
export class StoreLogRecordProcessor implements LogRecordProcessor {
  constructor(
    private readonly store: TelemetryStore,
    private readonly resource: StoredResource,
  ) {}

  onEmit(record: ReadWriteLogRecord, context: Context = contextApi.active()): void {
    if (isTracingSuppressed(context)) return;
    const { severityNumber, severityText, body, attributes, hrTime, spanContext, instrumentationScope } =
      record;
    this.store.addLog(
      {
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
        resource: this.resource,
      },
      toStoredLog,
    );
  }

  forceFlush(): Promise<void> {
    return this.store.flush();
  }

  shutdown(): Promise<void> {
    // Whoever opened the store closes it.
    return this.store.flush();
  }
}
