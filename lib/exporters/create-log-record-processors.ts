import { type LogRecordProcessor } from '@opentelemetry/sdk-logs';

import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { resetExporterReports } from './exporter-reports.js';
import { createLogRecordBatcher } from './otlp/create-otlp-batcher.js';
import { ItemLogRecordProcessor } from './sending/batch-processors.js';

/** What a logger provider needs to send log records: a batch per OTLP target, and the processors of the user. */
export function createLogRecordProcessors({ logs, limits }: TelemetryConfig): LogRecordProcessor[] {
  resetExporterReports('logs');
  const batches = logs.otlp.map(
    (target) => new ItemLogRecordProcessor(createLogRecordBatcher(target, logs.batch, limits.queueBytes)),
  );
  return [...batches, ...logs.processors];
}
