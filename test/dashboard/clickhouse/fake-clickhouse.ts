import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';

import { type ClickHouseConfig } from '../../../lib/config/clickhouse.js';

/** What a query came with. */
export interface AskedQuery {
  readonly text: string;
  readonly parameters: URLSearchParams;
}

/** Speaks as much of ClickHouse's HTTP interface as a reader needs to ask it. */
export class FakeClickHouse {
  readonly asked: AskedQuery[] = [];
  /** Connections that the reader has ended before their answer. */
  left = 0;
  private readonly server = createServer((request, response) => {
    void this.take(request, response);
  });
  /** Answers a query; by default with no rows. */
  answer: (response: ServerResponse, query: AskedQuery) => void = (response) => response.end();

  /** @param port default: a free one */
  static async start(port = 0): Promise<FakeClickHouse> {
    const fake = new FakeClickHouse();
    await new Promise<void>((resolve) => fake.server.listen(port, '127.0.0.1', resolve));
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Refuses queries as ClickHouse does. */
  refuse(code: number, name: string, message: string, status = 500): void {
    this.answer = (response) => {
      response.writeHead(status, { 'x-clickhouse-exception-code': code });
      response.end(`Code: ${code}. DB::Exception: ${message}. (${name}) (version 26.7.2.1 (official build))`);
    };
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const query = { text, parameters: new URL(request.url ?? '/', this.url).searchParams };
    this.asked.push(query);
    response.on('close', () => {
      if (!response.writableFinished) this.left += 1;
    });
    this.answer(response, query);
  }
}

export function configOf(url: string, more: Partial<ClickHouseConfig> = {}): ClickHouseConfig {
  return {
    url,
    username: 'reader',
    password: 'a-secret-password',
    database: 'otel',
    tables: { traces: 'otel_traces', logs: 'otel_logs', metrics: 'otel_metrics' },
    tls: {},
    maxSeconds: 20,
    maxRows: 1e9,
    maxBytes: 1e11,
    ...more,
  };
}
