import { warnOnce } from '../../errors/warnings.js';
import { ExporterLoadError } from '../exporter-load.error.js';
import { toError } from '../to-error.js';
import { type Delivery, type ExportRequest, type Sender } from './sender.interface.js';

/**
 * A sender whose package is loaded in the background, from the moment this object exists, so that the start does not wait. Requests
 * made before the package has arrived are sent after it has. A failed load warns once, fails the requests and lets the shutdown end.
 */
export class LazySender<Request extends ExportRequest> implements Sender<Request> {
  private loaded: Sender<Request> | undefined;
  private loadError: ExporterLoadError | undefined;
  private aborted = false;
  private readonly arrival: Promise<Sender<Request> | undefined>;

  constructor(packageName: string, load: () => Promise<Sender<Request>>) {
    this.arrival = load().then(
      (sender) => (this.loaded = sender),
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

  async send(request: Request, timeoutMs: number): Promise<Delivery> {
    const sender = this.loaded ?? (await this.arrival);
    if (sender === undefined) return { outcome: 'failed', error: toError(this.loadError) };
    if (this.aborted) return { outcome: 'failed', error: new Error('the exporter is shut down') };
    return sender.send(request, timeoutMs);
  }

  abort(): void {
    this.aborted = true;
    this.loaded?.abort();
  }

  async close(): Promise<void> {
    await (await this.arrival)?.close();
  }
}
