import { ExportResultCode } from '@opentelemetry/core';

import { warnOnce } from '../errors/warnings.js';
import { describeError, explainExportFailure } from './explain-export-failure.js';
import { ExporterLoadError } from './exporter-load.error.js';
import { type ExporterDestination, type ExporterReport } from './exporter-report.interface.js';
import { type DeliveryResult } from './push-exporter.interface.js';
import { WARNING_INTERVAL_MS } from './warning-interval.constants.js';

/**
 * Counts what an exporter sends and loses, and warns about losses at most once a minute. OpenTelemetry's own
 * diagnostic logger is silent unless somebody sets it: without this a dead collector goes unnoticed.
 */
export class ExporterHealth {
  private exported = 0;
  private failed = 0;
  private dropped = 0;
  private lastSuccess: Date | undefined;
  private lastError: { message: string; at: Date } | undefined;

  constructor(readonly destination: ExporterDestination) {}

  report(): ExporterReport {
    const { exported, failed, dropped, lastSuccess, lastError } = this;
    return { ...this.destination, exported, failed, dropped, lastSuccess, lastError };
  }

  /** Records how the export of `count` items ended. */
  settle(count: number, result: DeliveryResult): void {
    const dropped = result.dropped ?? 0;
    const succeeded = result.code === ExportResultCode.SUCCESS;
    const failed = result.failed ?? (succeeded ? 0 : count - dropped);
    this.dropped += dropped;
    this.failed += failed;
    this.exported += count - dropped - failed;
    if (succeeded) {
      this.lastSuccess = new Date();
      return;
    }
    const { signal, endpoint } = this.destination;
    this.lastError = { message: describeError(result.error), at: new Date() };
    if (result.error instanceof ExporterLoadError) return;
    warnOnce(
      `export:${signal}:${endpoint}`,
      explainExportFailure(this.destination, result.error),
      WARNING_INTERVAL_MS,
    );
  }

  /** Records items that never reached the exporter because the queue before it was full. */
  dropFromQueue(count: number): void {
    this.dropped += count;
    const { signal, name, endpoint } = this.destination;
    const variables = signal === 'logs' ? 'OTEL_BLRP_*' : 'OTEL_BSP_*';
    warnOnce(
      `queue-full:${signal}:${endpoint}`,
      `${signal} are produced faster than ${endpoint} (${name}) takes them: the queue is full and further ones are ` +
        `dropped, ${this.dropped} so far. Check that it answers quickly, record fewer (sampling), or raise the ` +
        `limits ${variables}.`,
      WARNING_INTERVAL_MS,
    );
  }
}
