import { once } from 'node:events';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import {
  createServer as createHttp2Server,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

import { type OtlpProtocol } from '../../lib/config/otlp.js';
import { decodeOtlp } from '../exporters/otlp/decode-otlp.js';

/** What a collector can do wrong. The first ones happen on the connection, the others in the answer. */
export type Fault =
  | 'refused' // nobody listens
  | 'black-hole' // connections are accepted, nothing is read
  | 'frozen' // a process that is stopped: open connections stay, new ones are accepted, nothing moves
  | 'not-tls' // plain bytes where another protocol is expected, and a closed connection
  | 'slow' // an answer after 700 ms
  | 'garbage' // 200 and something that is not OTLP
  | 'partial' // 200, and half of the items are refused
  | 'too-many' // 429 or RESOURCE_EXHAUSTED: come back in a second
  | 'unavailable' // 503 or UNAVAILABLE: come back in a second
  | 'mid-close' // the connection ends in the middle of the answer
  | 'huge' // 200 and 8 MiB
  | 'redirect'; // 307

type Signal = 'trace' | 'metrics' | 'logs';

interface FaultyCollectorOptions {
  readonly keepBodies?: boolean;
  /** Key and certificate of the port. */
  readonly tls?: { readonly key: Buffer; readonly cert: Buffer };
}

const RETRY_INFO_ONE_SECOND = encodeStatus();
const HUGE = Buffer.alloc(8 * 2 ** 20);

/**
 * A real OTLP receiver over HTTP or gRPC whose answers can be switched to a fault, behind a port that can be cut, frozen or closed
 * while it stays the same port.
 */
export class FaultyCollector {
  fault: Fault | undefined;
  /** Items of requests that were taken, by signal; refused ones of a partial success are not among them. */
  readonly accepted = { trace: 0, metrics: 0, logs: 0 };
  readonly rejected = { trace: 0, metrics: 0, logs: 0 };
  /** Times at which requests were read completely, whatever the answer. */
  readonly requestTimes: number[] = [];
  /** Bodies of requests that were read completely. */
  readonly bodies: Buffer[] = [];
  /** Ids of spans that were taken. */
  readonly spanIds = new Set<string>();
  connections = 0;
  private readonly sockets = new Set<Socket>();
  private readonly frozen = new Set<Socket>();
  private front: Server | undefined;
  private back: Server | undefined;
  private backPort = 0;
  private port = 0;
  private readonly sessions = new Set<ServerHttp2Session>();

  constructor(
    readonly protocol: OtlpProtocol,
    private readonly options: FaultyCollectorOptions = {},
  ) {}

  static async start(protocol: OtlpProtocol, options?: FaultyCollectorOptions): Promise<FaultyCollector> {
    const collector = new FaultyCollector(protocol, options);
    await collector.listenBehind();
    await collector.listen();
    return collector;
  }

  /** Base address, as `otlpEndpoint` takes it. */
  get url(): string {
    return `${this.options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${this.port}`;
  }

  /** Switches to a fault, or to working well. */
  async set(fault: Fault | undefined): Promise<void> {
    this.fault = fault;
    if (fault === 'refused') await this.stop();
    else if (this.front === undefined) await this.listen();
    if (fault === 'not-tls') this.cut();
    if (fault === 'frozen' || fault === 'black-hole') for (const socket of this.sockets) this.freeze(socket);
  }

  /** Ends all connections and stops to listen; the port stays reserved for `listen()`. */
  async stop(): Promise<void> {
    const { front } = this;
    this.front = undefined;
    if (front === undefined) return;
    front.close();
    this.cut();
    await once(front, 'close');
  }

  async listen(): Promise<void> {
    const { tls } = this.options;
    const accept = (socket: Socket): void => {
      this.connections += 1;
      this.forward(socket);
    };
    const ALPNProtocols = [this.protocol === 'grpc' ? 'h2' : 'http/1.1'];
    const front =
      tls === undefined ? createServer(accept) : createTlsServer({ ...tls, ALPNProtocols }, accept);
    front.listen(this.port, '127.0.0.1');
    await once(front, 'listening');
    this.port = (front.address() as AddressInfo).port;
    this.front = front;
  }

  async close(): Promise<void> {
    await this.stop();
    for (const session of this.sessions) session.destroy();
    this.back?.close();
  }

  private cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  private forward(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    if (this.fault === 'not-tls') {
      socket.end('SSH-2.0-OpenSSH_9.2\r\n');
      return;
    }
    const behind = connect(this.backPort, '127.0.0.1');
    behind.on('error', () => undefined);
    socket.on('close', () => {
      this.sockets.delete(socket);
      this.frozen.delete(socket);
      behind.destroy();
    });
    behind.on('close', () => {
      if (!this.frozen.has(socket)) socket.destroy();
    });
    socket.on('data', (chunk) => behind.write(chunk));
    behind.on('data', (chunk) => {
      if (!this.frozen.has(socket)) socket.write(chunk);
    });
    if (this.fault === 'frozen' || this.fault === 'black-hole') this.freeze(socket);
  }

  /** For good: whoever works again behind this port is another collector, which does not know the connection. */
  private freeze(socket: Socket): void {
    this.frozen.add(socket);
    socket.pause();
  }

  private async listenBehind(): Promise<void> {
    const server = this.protocol === 'grpc' ? this.createGrpc() : this.createHttp();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.backPort = (server.address() as AddressInfo).port;
    this.back = server;
  }

  private createHttp(): Server {
    return createHttpServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const signal = (/\/v1\/(trace|metrics|logs)/.exec(request.url ?? '')?.[1] ?? 'trace') as Signal;
        this.answerHttp(signal, Buffer.concat(chunks), response);
      });
    });
  }

  private answerHttp(signal: Signal, body: Buffer, response: ServerResponse): void {
    const json = this.protocol === 'http/json';
    const type = json ? 'application/json' : 'application/x-protobuf';
    const end = (rejected: number): void => {
      const text = json ? partialJson(signal, rejected) : partialProtobuf(rejected);
      response.writeHead(200, { 'content-type': type }).end(text);
    };
    this.note(body);
    switch (this.fault) {
      case 'slow':
        this.take(signal, body, 0);
        setTimeout(() => {
          end(0);
        }, 700);
        return;
      case 'garbage':
        this.take(signal, body, 0);
        response.writeHead(200, { 'content-type': 'text/html' }).end('<html>\u0000\u00ff not OTLP');
        return;
      case 'too-many':
        response.writeHead(429, { 'retry-after': '1' }).end();
        return;
      case 'unavailable':
        response.writeHead(503, { 'retry-after': new Date(Date.now() + 1_999).toUTCString() }).end();
        return;
      case 'mid-close':
        response.writeHead(200, { 'content-type': type, 'content-length': '100' });
        response.write('1234567890', () => response.destroy());
        return;
      case 'huge':
        this.take(signal, body, 0);
        response.writeHead(200, { 'content-type': type });
        response.end(HUGE);
        return;
      case 'redirect':
        response.writeHead(307, { location: 'http://127.0.0.1:9/elsewhere' }).end();
        return;
      default:
        end(this.takePart(signal, body));
    }
  }

  private createGrpc(): Server {
    const server = createHttp2Server();
    server.on('session', (session) => {
      this.sessions.add(session);
      session.on('error', () => undefined);
      session.on('close', () => this.sessions.delete(session));
    });
    server.on('stream', (stream, headers) => {
      const chunks: Buffer[] = [];
      stream.on('error', () => undefined);
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const service = /collector\.(trace|metrics|logs)\./.exec(headers[':path'] ?? '')?.[1] ?? 'trace';
        this.answerGrpc(service as Signal, Buffer.concat(chunks).subarray(5), stream);
      });
    });
    return server;
  }

  private answerGrpc(signal: Signal, body: Buffer, stream: ServerHttp2Stream): void {
    const end = (message: Buffer, trailers: OutgoingHttpHeaders): void => {
      if (stream.destroyed) return;
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => {
        stream.sendTrailers(trailers);
      });
      stream.end(message);
    };
    const ok = { 'grpc-status': '0' };
    this.note(body);
    switch (this.fault) {
      case 'slow':
        this.take(signal, body, 0);
        setTimeout(() => {
          end(frame(Buffer.alloc(0)), ok);
        }, 700);
        return;
      case 'garbage':
        this.take(signal, body, 0);
        end(frame(Buffer.from('<html>\u0000\u00ff not OTLP')), ok);
        return;
      case 'too-many':
        end(Buffer.alloc(0), { 'grpc-status': '8', 'grpc-status-details-bin': RETRY_INFO_ONE_SECOND });
        return;
      case 'unavailable':
        end(Buffer.alloc(0), { 'grpc-status': '14', 'grpc-status-details-bin': RETRY_INFO_ONE_SECOND });
        return;
      case 'mid-close':
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
        stream.write(Buffer.from([0, 0]), () => stream.session?.destroy());
        return;
      case 'huge':
        this.take(signal, body, 0);
        end(frame(HUGE), ok);
        return;
      case 'redirect':
        stream.respond({ ':status': 307, location: 'http://127.0.0.1:9/elsewhere' }, { endStream: true });
        return;
      default:
        end(frame(partialProtobuf(this.takePart(signal, body))), ok);
    }
  }

  private note(body: Buffer): void {
    this.requestTimes.push(performance.now());
    if (this.options.keepBodies === true) this.bodies.push(body);
  }

  /** Takes all or, with the fault `partial`, the first half; returns how many were refused. */
  private takePart(signal: Signal, body: Buffer): number {
    if (this.fault !== 'partial') return this.take(signal, body, 0);
    return this.take(signal, body, 0.5);
  }

  private take(signal: Signal, body: Buffer, refusedShare: number): number {
    const ids =
      this.protocol === 'http/json'
        ? itemsOf(JSON.parse(body.toString()))
        : itemsOf(decodeOtlp(signal, body));
    const rejected = Math.floor(ids.length * refusedShare);
    for (const id of ids.slice(rejected)) if (id !== '') this.spanIds.add(id);
    this.accepted[signal] += ids.length - rejected;
    this.rejected[signal] += rejected;
    return rejected;
  }
}

/** Span ids, or as many empty texts as there are log records or data points. */
function itemsOf(payload: unknown): string[] {
  const found: string[] = [];
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) for (const entry of value) walk(entry);
    else if (typeof value === 'object' && value !== null)
      for (const [key, entry] of Object.entries(value)) {
        if (key === 'spans') found.push(...(entry as { spanId: string }[]).map(({ spanId }) => spanId));
        else if (key === 'logRecords' || key === 'dataPoints')
          found.push(...(entry as unknown[]).map(() => ''));
        else if (key !== 'resource') walk(entry);
      }
  };
  walk(payload);
  return found;
}

function partialJson(signal: Signal, rejected: number): string {
  if (rejected === 0) return '{}';
  const name = { trace: 'rejectedSpans', metrics: 'rejectedDataPoints', logs: 'rejectedLogRecords' }[signal];
  return JSON.stringify({ partialSuccess: { [name]: String(rejected), errorMessage: 'too old' } });
}

function partialProtobuf(rejected: number): Buffer {
  if (rejected === 0) return Buffer.alloc(0);
  const message = Buffer.from('too old');
  const partial = Buffer.concat([Buffer.from([0x08, ...varint(rejected), 0x12, message.length]), message]);
  return Buffer.concat([Buffer.from([0x0a, partial.length]), partial]);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >> 7)];
}

function frame(message: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

/** `google.rpc.Status` with a `RetryInfo` of one second, in base64. */
function encodeStatus(): string {
  const type = Buffer.from('type.googleapis.com/google.rpc.RetryInfo');
  const info = Buffer.from([0x0a, 0x02, 0x08, 0x01]);
  const any = Buffer.concat([Buffer.from([0x0a, type.length]), type, Buffer.from([0x12, info.length]), info]);
  return Buffer.concat([Buffer.from([0x08, 8, 0x1a, any.length]), any]).toString('base64');
}
