import { type ExportResult } from '@opentelemetry/core';

/** How an export ended, item by item where the exporter knows. */
export interface DeliveryResult extends ExportResult {
  /** Items that were tried in vain. Default: all that were not dropped when `code` is FAILED, else none. */
  readonly failed?: number;
  /** Items that were never tried, because they cannot be sent at all. Default 0. */
  readonly dropped?: number;
}

/** What span, log record and metric exporters of OpenTelemetry have in common. */
export interface PushExporter<Items> {
  export(items: Items, done: (result: DeliveryResult) => void): void;
  forceFlush?(): Promise<void>;
  shutdown(): Promise<void>;
}
