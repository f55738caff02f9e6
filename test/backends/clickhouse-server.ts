import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type ClickHouseClient, createClient } from '@clickhouse/client';

import { freePort } from '../support/free-port.js';
import { BackendProcess } from './backend-processes.js';

/** Tables of the Collector's exporter, by the file that has its statement. */
export const TABLES = {
  otel_traces: 'traces_table.sql',
  otel_traces_trace_id_ts: 'traces_id_ts_lookup_table.sql',
  otel_logs: 'logs_table.sql',
  otel_metrics_gauge: 'metrics_gauge_table.sql',
  otel_metrics_sum: 'metrics_sum_table.sql',
  otel_metrics_histogram: 'metrics_histogram_table.sql',
  otel_metrics_exponential_histogram: 'metrics_exp_histogram_table.sql',
} as const;

export type TableName = keyof typeof TABLES;

/** A real engine behind a small HTTP front, or the server that `CLICKHOUSE_URL` names, with a database of its own. */
export class ClickHouseServer {
  private constructor(
    readonly url: string,
    readonly username: string,
    readonly password: string,
    readonly database: string,
    private readonly client: ClickHouseClient,
    private readonly stopServer: () => Promise<void>,
  ) {}

  /**
   * @param folder what scripts/backends.mjs found
   * @param tables false where the exporter makes the database and its tables itself
   */
  static async start(folder: string, { tables = true } = {}): Promise<ClickHouseServer> {
    const { url, username, password, stop } = await startEngine(folder);
    const database = `telemetry_${process.pid}_${Date.now()}`;
    const client = createClient({ url, username, password });
    const server = new ClickHouseServer(url, username, password, database, client, stop);
    if (!tables) return server;
    await client.command({ query: `CREATE DATABASE ${database}` });
    for (const [table, file] of Object.entries(TABLES))
      await client.command({ query: statementOf(folder, file, database, table) });
    await client.command({
      query: statementOf(folder, 'traces_id_ts_lookup_mv.sql', database, 'otel_traces'),
    });
    return server;
  }

  /** Removes all rows. */
  async clear(): Promise<void> {
    for (const table of Object.keys(TABLES)) await this.run(`TRUNCATE TABLE ${this.database}.${table}`);
  }

  async run(query: string): Promise<void> {
    await this.client.command({ query });
  }

  async read<Row>(query: string): Promise<Row[]> {
    return (await this.client.query({ query, format: 'JSONEachRow' })).json<Row>();
  }

  async insert(table: TableName, rows: readonly object[]): Promise<void> {
    if (rows.length === 0) return;
    await this.client.insert({
      table: `${this.database}.${table}`,
      values: [...rows],
      format: 'JSONEachRow',
    });
  }

  async stop(): Promise<void> {
    await this.run(`DROP DATABASE IF EXISTS ${this.database}`);
    await this.client.close();
    await this.stopServer();
  }
}

async function startEngine(folder: string) {
  const given = process.env.CLICKHOUSE_URL;
  if (given !== undefined && given !== '') {
    const url = new URL(given);
    const { username, password } = url;
    url.username = url.password = '';
    return {
      url: url.href,
      username: decodeURIComponent(username) || 'default',
      password: decodeURIComponent(password),
      stop: () => Promise.resolve(),
    };
  }
  const port = await freePort();
  const data = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-clickhouse-'));
  const url = `http://127.0.0.1:${port}`;
  const password = 'right-password';
  const front = join(__dirname, 'clickhouse/http-front.cjs');
  const engine = await BackendProcess.start(
    [process.execPath, front, folder, data, String(port)],
    async () => (await fetch(`${url}/ping`)).ok,
    { env: { FRONT_PASSWORD: password } },
  );
  return {
    url,
    username: 'default',
    password,
    stop: async () => {
      await engine.stop();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** The exporter's own statement with what it fills in: names in their order, engine, no cluster, no deletion by age. */
function statementOf(folder: string, file: string, database: string, table: string): string {
  const text = readFileSync(join(folder, 'tables', file), 'utf8');
  if (text.includes('{{')) {
    const fields: Readonly<Record<string, string>> = {
      'ident .Database': database,
      'ident .TableName': table,
      '.ClusterString': '',
      '.Engine': 'MergeTree()',
      '.TTL': '',
    };
    return text
      .replace(/\{\{-? *if .HasFullTextSearch *-?\}\}.*?\{\{-? *else *-?\}\}(.*?)\{\{-? *end *-?\}\}/s, '$1')
      .replace(/\{\{(.*?)\}\}/g, (whole, name: string) => fields[name] ?? whole);
  }
  if (file === 'traces_id_ts_lookup_mv.sql') {
    const names = [database, table, '', database, table, database, table];
    return text.replace(/%s/g, () => names.shift() ?? '');
  }
  // "database"."table" cluster, then the engine and the deletion by age.
  const base = file === 'traces_id_ts_lookup_table.sql' ? table.replace(/_trace_id_ts$/, '') : table;
  const names = [database, base, '', 'MergeTree()', ''];
  return text.replace(/%q|%s/g, (verb) => {
    const name = names.shift() ?? '';
    return verb === '%q' ? `"${name}"` : name;
  });
}
