import { BatchLogRecordProcessor, type LogRecordProcessor } from '@opentelemetry/sdk-logs';

import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { countQueueDrops } from './count-queue-drops.js';
import { definedLimits } from './defined-limits.js';
import { resetExporterReports } from './exporter-reports.js';
import { createOtlpLogRecordExporter } from './otlp/create-otlp-log-record-exporter.js';

/** What a logger provider needs to send log records: a batch per OTLP target, and the processors of the user. */
export function createLogRecordProcessors({ logs }: TelemetryConfig): LogRecordProcessor[] {
  resetExporterReports('logs');
  const batches = logs.otlp.map(createOtlpLogRecordExporter).map(
    (exporter) =>
      new BatchLogRecordProcessor({
        exporter,
        selfObsMeterProvider: countQueueDrops((count) => {
          exporter.health.dropFromQueue(count);
        }),
        ...definedLimits(logs.batch),
      }),
  );
  return [...batches, ...logs.processors];
}
