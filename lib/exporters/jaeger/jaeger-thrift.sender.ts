import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';

import { type JaegerTarget } from '../../config/jaeger.js';
import { ExportError, toError } from '../export-failure.js';
import type { ItemRequest } from '../sending/item-batcher.js';
import type { Delivery, Sender } from '../sending/sender.js';
import { thriftBinaryToCompact } from './compact-thrift.js';
import { DatagramClient } from './datagram-client.js';
import {
  abortHttpRequest,
  accountForLosses,
  createThriftExporter,
  type JaegerSender,
  limitHttpRequests,
  type Losses,
  onSender,
  replaceUdpClient,
  type ThriftExporter,
  type ThriftExporterConstructor,
  type ThriftExporterOptions,
} from './jaeger-package.js';
import { toJaegerSpan, toProcessTags } from './jaeger-span.js';

/** macOS refuses larger datagrams unless `net.inet.udp.maxdgram` is raised. */
const MAX_PACKET_BYTES = process.platform === 'darwin' ? 9_216 : 65_000;

const REQUEST_TIMEOUT_MS = 5_000;

/** `error.type` of spans that are too large for a packet. */
const TOO_LARGE = 'too_large';

/**
 * Sends spans to Jaeger in Thrift through `JaegerExporter`, and adds the compact protocol, batches
 * that survive a span that is too large, a timeout for HTTP, and a shutdown that leaves no timer.
 */
export class JaegerThriftExporter implements Sender<ItemRequest<ReadableSpan>> {
  private exporter: ThriftExporter | undefined;
  private sender: JaegerSender | undefined;
  private losses: Losses = noLosses();
  private queue: Promise<void> = Promise.resolve();

  constructor(
    private readonly target: JaegerTarget,
    private readonly Exporter: ThriftExporterConstructor,
    private readonly requestTimeoutMs = REQUEST_TIMEOUT_MS,
  ) {}

  /** One batch after the other: the sender fills one packet at a time. */
  send({ items }: Pick<ItemRequest<ReadableSpan>, 'items'>): Promise<Delivery> {
    const delivery = this.queue.then(() =>
      this.sendItems(items).catch((error: unknown): Delivery => ({
        outcome: 'failed',
        error: toError(error),
      })),
    );
    this.queue = delivery.then(() => undefined);
    return delivery;
  }

  /** Aborts a request over HTTP; a datagram has no response. */
  abort(): void {
    if (this.target.transport === 'http' && this.sender !== undefined) abortHttpRequest(this.sender);
  }

  /** Every export ends with a flush; the exporter's own shutdown would leave a timer. */
  async close(): Promise<void> {
    await this.queue;
    this.sender?.close();
    this.sender = undefined;
  }

  private async sendItems(spans: readonly ReadableSpan[]): Promise<Delivery> {
    const [first] = spans;
    if (first === undefined) return { outcome: 'sent' };
    this.losses = noLosses();
    const exporter = (this.exporter ??= this.createExporter(first));
    const result = await new Promise<ExportResult>((resolve) => {
      exporter.export(spans.map(toJaegerSpan), resolve);
    });
    const { failed, dropped, error, tooLarge } = this.losses;
    if (result.code !== ExportResultCode.SUCCESS)
      return { outcome: 'failed', error: toError(result.error), dropped };
    if (error !== undefined) {
      const reason = new Error(error);
      // Not retried: a datagram, whose loss is unknown, and a request that Jaeger refuses.
      const again = this.target.transport === 'http' && failed === spans.length && !/HTTP 4\d\d/.test(error);
      return again
        ? { outcome: 'retry', error: reason }
        : { outcome: 'failed', error: reason, failed, dropped };
    }
    if (tooLarge === undefined) return { outcome: 'sent' };
    return { outcome: 'failed', error: new ExportError(tooLarge, TOO_LARGE), failed, dropped };
  }

  /** Created with the first span, whose resource describes Jaeger's process. */
  private createExporter(first: ReadableSpan): ThriftExporter {
    const tags = toProcessTags(first.resource);
    const exporter = createThriftExporter(this.Exporter, { ...this.address(), tags });
    onSender(exporter, (sender) => (this.sender = this.prepare(sender)));
    return exporter;
  }

  private address(): Omit<ThriftExporterOptions, 'tags'> {
    if (this.target.transport === 'udp') {
      return { host: this.target.host, port: this.target.port, maxPacketSize: MAX_PACKET_BYTES };
    }
    const { username, password } = new URL(this.target.url);
    return {
      endpoint: this.target.url,
      username: decodeURIComponent(username),
      password: decodeURIComponent(password),
    };
  }

  private prepare(sender: JaegerSender): JaegerSender {
    if (this.target.transport === 'udp') {
      const { host, port, protocol } = this.target;
      const encode = protocol === 'compact' ? thriftBinaryToCompact : (message: Buffer) => message;
      replaceUdpClient(sender, new DatagramClient({ host, port, encode }));
    } else {
      limitHttpRequests(sender, this.requestTimeoutMs);
    }
    accountForLosses(sender, () => this.losses);
    return sender;
  }
}

function noLosses(): Losses {
  return { failed: 0, dropped: 0, error: undefined, tooLarge: undefined };
}
