import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { GRPC_STATUS_NAMES } from '../../../errors/grpc-status.js';
import { codeOf, describeError, ExportError, toError } from '../../export-failure.js';
import { shutdownError } from '../../sending/sender.js';
import { hostOf, openTunnel, portOf } from './proxy.js';
import {
  type Answer,
  MAX_ANSWER_BYTES,
  readRetryDelay,
  toPayload,
  type Transport,
  type TransportOptions,
} from './transport.js';

const UNKNOWN = 2;
const DEADLINE_EXCEEDED = 4;
const RESOURCE_EXHAUSTED = 8;
const UNAVAILABLE = 14;
/** The specification's list; RESOURCE_EXHAUSTED is added if the receiver sends a retry delay. */
const RETRYABLE: ReadonlySet<number> = new Set([1, 4, 10, 11, 14, 15]);

/** A call without a response for this time sends one ping: servers allow few. */
const PING_AFTER_MS = 2_000;
/** A connection that does not answer the ping within this time is dead. */
const PONG_WITHIN_MS = 2_000;
const FRAME_HEADER_BYTES = 5;

/** Sends OTLP as unary gRPC calls over one HTTP/2 connection, reopened when it is dead. */
export class GrpcTransport implements Transport {
  private session: ClientHttp2Session | undefined;
  private closed = false;

  constructor(
    private readonly options: TransportOptions,
    /** For example `/opentelemetry.proto.collector.trace.v1.TraceService/Export`. */
    private readonly method: string,
  ) {}

  async send(body: Uint8Array, timeoutMs: number): Promise<Answer> {
    const began = performance.now();
    try {
      const frame = await this.frame(body);
      const session = await this.open(timeoutMs);
      if (this.closed) {
        session.destroy();
        return failure(UNAVAILABLE, shutdownError().message);
      }
      return await this.call(session, frame, Math.max(timeoutMs - (performance.now() - began), 1));
    } catch (error) {
      if (error instanceof ExportError || isClosedSession(error))
        return failure(UNAVAILABLE, describeError(error));
      // For example, a header that HTTP/2 does not allow: a retry would fail as well.
      return { outcome: 'failed', error: toError(error) };
    }
  }

  close(): void {
    this.closed = true;
    this.session?.destroy();
  }

  private async frame(body: Uint8Array): Promise<Buffer> {
    const payload = await toPayload(body, this.options);
    const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.byteLength);
    frame.writeUInt8(this.options.compress ? 1 : 0, 0);
    frame.writeUInt32BE(payload.byteLength, 1);
    frame.set(payload, FRAME_HEADER_BYTES);
    return frame;
  }

  private async open(timeoutMs: number): Promise<ClientHttp2Session> {
    if (this.session !== undefined && !this.session.closed && !this.session.destroyed) return this.session;
    const { url, tls, proxy } = this.options;
    const tunnel =
      proxy === undefined ? undefined : await openTunnel(proxy, `${url.hostname}:${portOf(url)}`, timeoutMs);
    const session = connect(url.origin, {
      ...tls,
      ...(tunnel !== undefined && { createConnection: () => encrypted(tunnel, this.options) }),
    });
    // The current call gets the same error.
    session.on('error', () => undefined);
    session.on('close', () => {
      if (this.session === session) this.session = undefined;
    });
    session.unref();
    this.session = session;
    return session;
  }

  private call(session: ClientHttp2Session, frame: Buffer, timeoutMs: number): Promise<Answer> {
    return new Promise((resolve) => {
      const stream = session.request(this.headers(timeoutMs));
      session.ref();
      const call = new Call(stream, session, (answer) => {
        session.unref();
        resolve(answer);
      });
      call.limit(timeoutMs);
      session.once('error', call.fail);
      stream.once('close', () => session.off('error', call.fail));
      stream.end(frame);
    });
  }

  private headers(timeoutMs: number): OutgoingHttpHeaders {
    const { headers, compress } = this.options;
    return {
      ...Object.fromEntries(
        Object.entries(headers).map(([key, value]) => [key.toLowerCase(), encode(key, value)]),
      ),
      ':method': 'POST',
      ':path': this.method,
      te: 'trailers',
      'content-type': 'application/grpc',
      'user-agent': 'nestjs-telemetry',
      'grpc-timeout': `${Math.ceil(timeoutMs)}m`,
      ...(compress && { 'grpc-encoding': 'gzip' }),
    };
  }
}

/** One call: collects the response, and ends exactly once. */
class Call {
  private readonly chunks: Buffer[] = [];
  private length = 0;
  private headers: IncomingHttpHeaders = {};
  private trailers: IncomingHttpHeaders | undefined;
  private readonly timers: NodeJS.Timeout[] = [];
  private ended = false;

  constructor(
    private readonly stream: ClientHttp2Stream,
    private readonly session: ClientHttp2Session,
    private readonly resolve: (answer: Answer) => void,
  ) {
    stream.on('response', (headers) => {
      this.headers = headers;
    });
    stream.on('trailers', (trailers: IncomingHttpHeaders) => {
      this.trailers = trailers;
    });
    stream.on('data', (chunk: Buffer) => {
      this.length += chunk.length;
      if (this.length <= MAX_ANSWER_BYTES) {
        this.chunks.push(chunk);
        return;
      }
      // As over HTTP: the receiver has accepted the request, but its response cannot be read.
      this.end({ outcome: 'sent', body: undefined, contentType: '' });
      // The rest of the response would use up the flow control window of the connection.
      session.destroy();
    });
    stream.on('error', this.fail);
    stream.on('close', () => {
      this.end(this.read());
    });
  }

  /** Ends the call after `timeoutMs`, or earlier if the connection does not answer a ping. */
  limit(timeoutMs: number): void {
    const { session } = this;
    let alive = false;
    this.after(PING_AFTER_MS, () => {
      // A connection that is not open yet cannot ping; the deadline ends it.
      if (session.connecting || session.destroyed) return;
      session.ping(() => {
        alive = true;
      });
      this.after(PONG_WITHIN_MS, () => {
        if (alive) return;
        this.end(failure(UNAVAILABLE, 'the connection is dead: it did not answer a ping'));
        session.destroy();
      });
    });
    this.after(timeoutMs, () => {
      this.end(failure(DEADLINE_EXCEEDED, `no answer within ${timeoutMs.toFixed(0)} ms`));
      // A connection that answers pings may still be stuck: the next attempt opens a new one.
      session.destroy();
    });
  }

  readonly fail = (error: unknown): void => {
    this.end(failure(UNAVAILABLE, describeError(error)));
  };

  private after(ms: number, action: () => void): void {
    this.timers.push(setTimeout(action, ms));
  }

  private end(answer: Answer): void {
    if (this.ended) return;
    this.ended = true;
    for (const timer of this.timers) clearTimeout(timer);
    this.resolve(answer);
  }

  private read(): Answer {
    const { headers } = this;
    const trailers = this.trailers ?? headers;
    const code = trailers['grpc-status'];
    if (code === undefined) return withoutStatus(headers);
    const status = Number(code);
    if (status !== 0) {
      const details = trailers['grpc-status-details-bin'];
      return failure(
        status,
        decodeURIComponentSafely(String(trailers['grpc-message'] ?? '')),
        typeof details === 'string' ? readRetryDelay(Buffer.from(details, 'base64')) : undefined,
      );
    }
    const answer = Buffer.concat(this.chunks);
    const complete =
      answer.length >= FRAME_HEADER_BYTES && answer.length >= FRAME_HEADER_BYTES + answer.readUInt32BE(1);
    return {
      outcome: 'sent',
      body: complete ? answer.subarray(FRAME_HEADER_BYTES) : undefined,
      contentType: 'application/x-protobuf',
    };
  }
}

/** The connection ended, or another kind of server listens. */
function withoutStatus(headers: IncomingHttpHeaders): Answer {
  const httpStatus = Number(headers[':status'] ?? 200);
  if (httpStatus === 200)
    return failure(UNAVAILABLE, 'the connection was closed before the answer was complete');
  const retryable = [429, 502, 503, 504].includes(httpStatus);
  return failure(retryable ? UNAVAILABLE : UNKNOWN, `HTTP ${httpStatus} without a gRPC status`);
}

function failure(status: number, message: string, afterMs?: number): Answer {
  const name = GRPC_STATUS_NAMES[status] ?? 'UNKNOWN';
  const error = new ExportError(`${status} ${name}: ${message}`, name);
  if (RETRYABLE.has(status) || (status === RESOURCE_EXHAUSTED && afterMs !== undefined))
    return { outcome: 'retry', error, ...(afterMs !== undefined && { afterMs }) };
  return { outcome: 'failed', error };
}

/** Whether the connection was closed between two calls. */
function isClosedSession(error: unknown): boolean {
  return /^ERR_HTTP2_(?:INVALID_SESSION|GOAWAY_SESSION|OUT_OF_STREAMS)$/.test(String(codeOf(error)));
}

function encrypted(socket: Socket, { url, tls }: TransportOptions): Socket {
  if (url.protocol !== 'https:') return socket;
  const host = hostOf(url);
  return connectTls({
    ...tls,
    socket,
    host,
    // SNI does not allow an IP address.
    ...(isIP(host) === 0 && { servername: host }),
    ALPNProtocols: ['h2'],
  });
}

/** Values of `-bin` headers are base64 in the environment, and padded in any way. */
function encode(key: string, value: string): string {
  return key.toLowerCase().endsWith('-bin') ? Buffer.from(value, 'base64').toString('base64') : value;
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
