import { type LoggerProvider as ApiLoggerProvider } from '@opentelemetry/api';
import { type Resource } from '@opentelemetry/resources';
import { LoggerProvider } from '@opentelemetry/sdk-logs';

import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { createLogRecordProcessors } from './create-log-record-processors.js';
import { resetExporterReports } from './exporter-reports.js';
import { createEncodedBatcher, takesEncodedRequests } from './otlp/create-otlp-batcher.js';
import { EncodingLoggerProvider } from './otlp/encoding/encoding-logger-provider.js';

/** A provider that can be told to send what it holds. */
export interface FlushableLoggerProvider extends ApiLoggerProvider {
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

/**
 * What log records are emitted to, or undefined when nobody wants any. Processors of the user need records that are
 * objects, and JSON is written by the SDK's exporter: then the SDK's provider serves all.
 */
export function createLoggerProvider(
  config: TelemetryConfig,
  resource: Resource,
): FlushableLoggerProvider | undefined {
  const { engine, limits, logs } = config;
  if (
    engine === 'fast' &&
    logs.otlp.length > 0 &&
    logs.processors.length === 0 &&
    logs.otlp.every(takesEncodedRequests)
  ) {
    resetExporterReports('logs');
    return new EncodingLoggerProvider(
      resource,
      logs.otlp.map((target) => createEncodedBatcher('logs', target, logs.batch, limits.queueBytes)),
    );
  }
  const processors = createLogRecordProcessors(config);
  return processors.length === 0 ? undefined : new LoggerProvider({ resource, processors });
}
