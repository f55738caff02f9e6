import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';

import { type JaegerTarget } from '../../config/telemetry-config.interface.js';
import { warnOnce } from '../../errors/warnings.js';
import { type DeliveryResult, type PushExporter } from '../push-exporter.interface.js';
import { WARNING_INTERVAL_MS } from '../warning-interval.constants.js';
import { toError } from '../to-error.js';
import { withoutVariables } from '../without-variables.js';
import { accountForLosses, type Losses } from './account-for-losses.js';
import { breakOffSlowRequests } from './break-off-slow-requests.js';
import { DatagramClient } from './datagram-client.js';
import { jaegerEndpoint } from './jaeger-endpoint.js';
import {
  type JaegerHttpSender,
  type JaegerSender,
  type JaegerUdpSender,
  type ThriftExporter,
  type ThriftExporterConstructor,
  type ThriftExporterOptions,
} from './jaeger-sender.interface.js';
import { thriftBinaryToCompact } from './thrift-binary-to-compact.js';
import { toJaegerSpan, toProcessTags } from './to-jaeger-span.js';

/** Set for other programs, `localhost:6831` in this variable would turn the exporter's UDP into a broken HTTP address. */
const ENDPOINT_VARIABLE = ['OTEL_EXPORTER_JAEGER_ENDPOINT'] as const;

/** macOS refuses larger datagrams unless `net.inet.udp.maxdgram` is raised. */
const MAX_PACKET_BYTES = process.platform === 'darwin' ? 9_216 : 65_000;

const REQUEST_TIMEOUT_MS = 5_000;

/**
 * Sends spans to Jaeger in Thrift through `JaegerExporter`, and makes up for what that exporter lacks: the compact
 * protocol, losing only what cannot be sent, a deadline for HTTP, and a shutdown that leaves nothing behind.
 */
export class JaegerThriftExporter implements PushExporter<ReadableSpan[]> {
  private exporter: ThriftExporter | undefined;
  private sender: JaegerSender | undefined;
  private losses: Losses = { failed: 0, dropped: 0, error: undefined };
  private queue: Promise<void> = Promise.resolve();

  constructor(
    private readonly target: JaegerTarget,
    private readonly Exporter: ThriftExporterConstructor,
    private readonly requestTimeoutMs = REQUEST_TIMEOUT_MS,
  ) {}

  /** One batch after the other: the sender fills one packet at a time, and two batches at once would overfill it. */
  export(spans: ReadableSpan[], done: (result: DeliveryResult) => void): void {
    this.queue = this.queue.then(async () => {
      done(await this.send(spans).catch((error: unknown) => failure(error)));
    });
  }

  async forceFlush(): Promise<void> {
    await this.queue;
  }

  /** Every export ends with a flush, so closing is all there is to do; the exporter's own shutdown leaves a timer. */
  async shutdown(): Promise<void> {
    await this.queue;
    this.sender?.close();
    this.sender = undefined;
  }

  private async send(spans: ReadableSpan[]): Promise<DeliveryResult> {
    const [first] = spans;
    if (first === undefined) return { code: ExportResultCode.SUCCESS };
    this.losses = { failed: 0, dropped: 0, error: undefined };
    const exporter = (this.exporter ??= this.createExporter(first));
    const result = await new Promise<ExportResult>((resolve) => {
      exporter.export(spans.map(toJaegerSpan), resolve);
    });
    const { failed, dropped, error } = this.losses;
    if (result.code !== ExportResultCode.SUCCESS) return { ...result, dropped };
    if (error !== undefined)
      return { code: ExportResultCode.FAILED, error: new Error(error), failed, dropped };
    return { code: ExportResultCode.SUCCESS, failed, dropped };
  }

  /** Made with the first span at hand, when the resource is complete: its attributes describe Jaeger's process. */
  private createExporter(first: ReadableSpan): ThriftExporter {
    const tags = toProcessTags(first.resource);
    const exporter = withoutVariables(
      ENDPOINT_VARIABLE,
      () => new this.Exporter({ ...this.address(), tags }),
    );
    const getSender = exporter._getSender.bind(exporter);
    exporter._getSender = (span) => (this.sender ??= this.prepare(getSender(span)));
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
      const udp = sender as JaegerUdpSender;
      udp._client.close();
      const encode = protocol === 'compact' ? thriftBinaryToCompact : (message: Buffer) => message;
      udp._client = new DatagramClient({ host, port, encode });
    } else {
      breakOffSlowRequests(sender as JaegerHttpSender, this.requestTimeoutMs);
    }
    accountForLosses(
      sender,
      () => this.losses,
      (name, reason) => {
        this.warnAboutDrop(name, reason);
      },
    );
    return sender;
  }

  private warnAboutDrop(name: string, reason: string): void {
    const endpoint = jaegerEndpoint(this.target);
    warnOnce(
      `jaeger-drop:${endpoint}`,
      `the span "${name}" was not sent to ${endpoint}: ${reason} (bytes). A UDP packet holds no more; the other spans ` +
        'were sent. Put less into its attributes and events, or send to Jaeger through OTLP (http://host:4318) or ' +
        'http://host:14268/api/traces.',
      WARNING_INTERVAL_MS,
    );
  }
}

function failure(error: unknown): DeliveryResult {
  return { code: ExportResultCode.FAILED, error: toError(error) };
}
