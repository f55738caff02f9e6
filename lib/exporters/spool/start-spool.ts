import { type OtlpTarget } from '../../config/otlp.js';
import { type TelemetryConfig } from '../../config/telemetry-config.interface.js';
import { warnOnce } from '../../errors/warnings.js';
import { atProcessEnd } from '../../process/process-end.js';
import type { EncodedRequest } from '../otlp/encoded-batcher.js';
import { createOtlpSender } from '../otlp/otlp-sender.js';
import { otlpSettingsOf } from '../otlp/otlp-settings.js';
import { type Delivery, retryDelayMs, type Sender } from '../sending/sender.js';
import { SpoolFolder, type TakenFile } from './spool-folder.js';
import { forgetUnsentRequests, takeUnsentRequests, type UnsentRequest } from './unsent-requests.js';

/** A collector that starts beside the application needs some seconds. */
const MAX_ATTEMPTS = 6;

/**
 * Writes unsent requests into `folder` when the process ends, and sends those of earlier processes
 * of the service in the background.
 *
 * @returns what stops it
 */
export function startSpool(folder: string, config: TelemetryConfig): () => void {
  const spool = new SpoolFolder(folder, config.serviceName);
  const sending = new SpoolSending(spool, config);
  const forget = atProcessEnd('write', () => {
    sending.stop();
    spool.write(takeUnsentRequests());
  });
  void sending.run();
  return () => {
    forget();
    sending.stop();
    forgetUnsentRequests();
  };
}

class SpoolSending {
  private readonly senders = new Map<string, Sender<EncodedRequest>>();
  private taken: TakenFile | undefined;
  private stopped = false;

  constructor(
    private readonly spool: SpoolFolder,
    private readonly config: TelemetryConfig,
  ) {}

  /** Never rejects. */
  async run(): Promise<void> {
    if (this.config.traces.otlp.length + this.config.logs.otlp.length === 0) return;
    // After the start.
    await new Promise((resolve) => setImmediate(resolve).unref());
    try {
      for (let file = this.take(); file !== undefined; file = this.take()) {
        this.taken = file;
        const sent = await this.sendFile(file);
        if (this.isStopped()) break;
        this.taken = undefined;
        if (!sent) {
          file.putBack();
          break;
        }
        file.remove();
      }
    } catch (error) {
      warnOnce('spool:send', `Telemetry of an earlier process could not be sent: ${String(error)}.`);
    } finally {
      for (const sender of this.senders.values()) void sender.close();
      this.senders.clear();
    }
  }

  /** Aborts sending; the next start sends the file. Synchronous; never throws. */
  stop(): void {
    this.stopped = true;
    for (const sender of this.senders.values()) sender.abort();
    const { taken } = this;
    this.taken = undefined;
    try {
      taken?.putBack();
    } catch {
      // The file is free again after some minutes.
    }
  }

  private take(): TakenFile | undefined {
    return this.isStopped() ? undefined : this.spool.take();
  }

  /** May change during an await. */
  private isStopped(): boolean {
    return this.stopped;
  }

  private async sendFile({ requests }: TakenFile): Promise<boolean> {
    for (const request of requests) {
      const target = this.targetOf(request);
      if (target === undefined || !(await this.send(request, target))) return false;
    }
    return true;
  }

  private async send({ signal, count, body }: UnsentRequest, target: OtlpTarget): Promise<boolean> {
    const { timeoutMs } = otlpSettingsOf(signal, target);
    const sender = this.senderOf(signal, target);
    for (let attempts = 1; attempts <= MAX_ATTEMPTS && !this.stopped; attempts += 1) {
      const delivery: Delivery = await sender.send({ count, bytes: body.byteLength, body }, timeoutMs);
      if (delivery.outcome === 'sent') return true;
      if (delivery.outcome === 'failed') {
        // A retry would fail as well.
        if (!this.isStopped())
          warnOnce(
            'spool:refused',
            `${count} ${signal} of an earlier process were rejected: ${delivery.error.message}.`,
          );
        return !this.isStopped();
      }
      const wait = retryDelayMs(attempts, delivery.afterMs);
      await new Promise((resolve) => setTimeout(resolve, wait).unref());
    }
    return false;
  }

  private senderOf(signal: UnsentRequest['signal'], target: OtlpTarget): Sender<EncodedRequest> {
    const key = `${signal} ${target.url}`;
    const sender =
      this.senders.get(key) ??
      createOtlpSender<EncodedRequest>(signal, target, otlpSettingsOf(signal, target), () =>
        Promise.resolve(({ body }) => body),
      );
    this.senders.set(key, sender);
    return sender;
  }

  /** The same destination, else the first, with the configured headers: files contain none. */
  private targetOf({ signal, url, protocol }: UnsentRequest): OtlpTarget | undefined {
    const isJson = protocol === 'http/json';
    const targets = this.config[signal].otlp.filter((target) => (target.protocol === 'http/json') === isJson);
    return targets.find((target) => target.url === url) ?? targets[0];
  }
}
