import { ExportResultCode } from '@opentelemetry/core';

import { type ExporterHealth } from './exporter-health.js';
import { type DeliveryResult, type PushExporter } from './push-exporter.interface.js';
import { toError } from './to-error.js';

/** Passes everything on to another exporter and keeps the account of how it went; never throws, answers exactly once. */
export class ReportedExporter<Items> implements PushExporter<Items> {
  constructor(
    private readonly exporter: PushExporter<Items>,
    readonly health: ExporterHealth,
    private readonly countItems: (items: Items) => number,
  ) {}

  export(items: Items, done: (result: DeliveryResult) => void): void {
    const count = this.countItems(items);
    let settled = false;
    const settle = (result: DeliveryResult): void => {
      if (settled) return;
      settled = true;
      this.health.settle(count, result);
      done(result);
    };
    try {
      this.exporter.export(items, settle);
    } catch (error) {
      // The batch processor calls this from a promise nobody catches: a throw here would end the process.
      settle({ code: ExportResultCode.FAILED, error: toError(error) });
    }
  }

  async forceFlush(): Promise<void> {
    await this.exporter.forceFlush?.();
  }

  shutdown(): Promise<void> {
    return this.exporter.shutdown();
  }
}
