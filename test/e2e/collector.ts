import { createServer, type Server } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo } from 'node:net';

import { decodeOtlp } from '../exporters/otlp/decode-otlp.js';

interface SentSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly status?: { readonly code?: number; readonly message?: string };
  readonly events?: readonly { readonly name: string }[];
}

interface SentLog {
  readonly severityText: string;
  readonly traceId?: string;
  readonly spanId?: string;
  readonly body: { readonly stringValue: string };
}

/** An OTLP receiver that keeps what it was sent. */
export class Collector {
  /** Answers 503 and keeps nothing while true; by HTTP. */
  refuses = false;
  readonly spans: SentSpan[] = [];
  readonly logs: SentLog[] = [];
  readonly metrics: string[] = [];
  private readonly grpc = createHttp2Server();
  private readonly server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (this.refuses) {
        response.writeHead(503).end();
        return;
      }
      const isJson = request.headers['content-type'] === 'application/json';
      this.keep(request.url ?? '', Buffer.concat(chunks), isJson);
      response.end();
    });
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async listenForGrpc(): Promise<string> {
    this.grpc.on('stream', (stream, { ':path': path = '' }) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        // A message has its length in front, and the flag of its compression.
        this.keep(
          `/v1/${/(trace|logs|metrics)\.v1/.exec(path)?.[1] ?? ''}`.replace('trace', 'traces'),
          Buffer.concat(chunks).subarray(5),
          false,
        );
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => {
          stream.sendTrailers({ 'grpc-status': '0' });
        });
        stream.end(Buffer.alloc(5));
      });
      stream.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => this.grpc.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.grpc.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.grpc.close();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private keep(path: string, body: Buffer, isJson: boolean): void {
    const read = (signal: 'trace' | 'logs' | 'metrics'): Record<string, unknown> =>
      isJson ? (JSON.parse(body.toString()) as Record<string, unknown>) : decodeOtlp(signal, body);
    if (path === '/v1/traces')
      this.spans.push(...itemsOf<SentSpan>(read('trace'), 'resourceSpans', 'scopeSpans', 'spans'));
    if (path === '/v1/logs')
      this.logs.push(...itemsOf<SentLog>(read('logs'), 'resourceLogs', 'scopeLogs', 'logRecords'));
    if (path === '/v1/metrics') {
      const found = itemsOf<{ name: string }>(read('metrics'), 'resourceMetrics', 'scopeMetrics', 'metrics');
      this.metrics.push(...found.map(({ name }) => name));
    }
  }
}

function itemsOf<Item>(request: Record<string, unknown>, ...path: readonly string[]): Item[] {
  return path.reduce<unknown[]>(
    (holders, key) =>
      holders.flatMap((holder) => (holder as Record<string, unknown[] | undefined>)[key] ?? []),
    [request],
  ) as Item[]; // what a receiver of OTLP gets there
}
