import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort } from '../support/free-port.js';
import { BackendProcess, poll } from './backend-processes.js';

export interface QueryResult {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/** A real Prometheus that scrapes each second. */
export class PrometheusServer {
  private constructor(
    readonly origin: string,
    private readonly process: BackendProcess,
    private readonly folder: string,
  ) {}

  /** @param config of Prometheus, without `global` */
  static async start(binary: string, config: object): Promise<PrometheusServer> {
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-prometheus-'));
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    const global = { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' };
    // JSON is YAML, too.
    writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify({ global, ...config }));
    const server = await BackendProcess.start(
      [
        binary,
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--enable-feature=exemplar-storage',
      ],
      async () => (await fetch(`${origin}/-/ready`)).ok,
    );
    return new PrometheusServer(origin, server, folder);
  }

  async get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.origin}/api/v1/${path}`);
    const { data, error } = (await response.json()) as { data: T; error?: string };
    if (error !== undefined) throw new Error(error);
    return data;
  }

  async query(expression: string): Promise<readonly QueryResult[]> {
    const { result } = await this.get<{ result: QueryResult[] }>(
      `query?query=${encodeURIComponent(expression)}`,
    );
    return result;
  }

  /** Waits until a query has one result, which is `expected`. */
  async expectValue(expression: string, expected: number): Promise<void> {
    let seen: unknown;
    const value = await poll(`${expression} to be ${expected}`, async () => {
      const results = await this.query(expression);
      seen = results.map(({ metric, value: [, text] }) => `${JSON.stringify(metric)} ${text}`);
      return results.length === 1 && Number(results[0]!.value[1]) === expected && expected;
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}; it gives ${JSON.stringify(seen)}`, { cause: error });
    });
    expect(value).toBe(expected);
  }

  /** The trace ids of the exemplars of a metric, once `traceId` is among them. */
  async exemplars(metric: string, traceId: string): Promise<readonly (string | undefined)[]> {
    return poll(`an exemplar of ${metric} in trace ${traceId}`, async () => {
      const now = Date.now() / 1_000;
      const series = await this.get<{ exemplars: { labels: Record<string, string> }[] }[]>(
        `query_exemplars?query=${metric}&start=${now - 600}&end=${now + 60}`,
      );
      const ids = series.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels.trace_id));
      return ids.includes(traceId) && ids;
    });
  }

  async stop(): Promise<void> {
    await this.process.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
