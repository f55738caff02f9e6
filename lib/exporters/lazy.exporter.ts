import { ExportResultCode } from '@opentelemetry/core';

import { warnOnce } from '../errors/warnings.js';
import { ExporterLoadError } from './exporter-load.error.js';
import { type DeliveryResult, type PushExporter } from './push-exporter.interface.js';
import { toError } from './to-error.js';

/**
 * An exporter whose package is loaded in the background, from the moment this object exists: whoever starts the SDK
 * need not wait. Exports made before the package has arrived are sent after it has. A failed load warns once, fails
 * the exports and lets shutdown finish.
 */
export class LazyExporter<Items> implements PushExporter<Items> {
  private loaded: PushExporter<Items> | undefined;
  private loadError: ExporterLoadError | undefined;
  private stopping: Promise<void> | undefined;
  private readonly arrival: Promise<PushExporter<Items> | undefined>;

  constructor(packageName: string, load: () => Promise<PushExporter<Items>>) {
    this.arrival = load().then(
      (exporter) => (this.loaded = exporter),
      (cause: unknown) => {
        this.loadError = new ExporterLoadError(packageName, cause);
        warnOnce(
          `exporter-load:${packageName}`,
          `${this.loadError.message}. What it should send is lost. It is a dependency of nestjs-telemetry: ` +
            'run `npm install` again, and if you bundle your application, keep this package external.',
        );
        return undefined;
      },
    );
  }

  export(items: Items, done: (result: DeliveryResult) => void): void {
    if (this.stopping !== undefined) {
      done(failure(new Error('the exporter is shut down')));
      return;
    }
    if (this.loaded !== undefined) {
      this.loaded.export(items, done);
      return;
    }
    void this.arrival.then((exporter) => {
      if (exporter === undefined) {
        done(failure(this.loadError));
        return;
      }
      try {
        exporter.export(items, done);
      } catch (error) {
        done(failure(error));
      }
    });
  }

  async forceFlush(): Promise<void> {
    await (await this.arrival)?.forceFlush?.();
  }

  shutdown(): Promise<void> {
    this.stopping ??= this.arrival.then((exporter) => exporter?.shutdown());
    return this.stopping;
  }
}

function failure(error: unknown): DeliveryResult {
  return { code: ExportResultCode.FAILED, error: toError(error) };
}
