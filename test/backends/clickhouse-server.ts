import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type ClickHouseClient, createClient } from '@clickhouse/client';

import { type ClickHouseConfig } from '../../lib/config/clickhouse.js';
import { configOf } from '../dashboard/clickhouse/fake-clickhouse.js';
import { freePort } from '../support/free-port.js';
import { BackendProcess } from './backend-processes.js';
import { exporterStatements, type TableName, TABLES } from './clickhouse/exporter-tables.mjs';

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
   * @param folder what scripts/prepare/find-backends.mjs found
   * @param tables false where the exporter makes the database and its tables itself
   */
  static async start(folder: string, { tables = true } = {}): Promise<ClickHouseServer> {
    const { url, username, password, stop } = await startEngine(folder);
    const database = `telemetry_${process.pid}_${Date.now()}`;
    const client = createClient({ url, username, password });
    const server = new ClickHouseServer(url, username, password, database, client, stop);
    if (!tables) return server;
    await client.command({ query: `CREATE DATABASE ${database}` });
    for (const query of exporterStatements(folder, database)) await client.command({ query });
    return server;
  }

  /** With which a reader opens it. */
  config(more: Partial<ClickHouseConfig> = {}): ClickHouseConfig {
    const { url, username, password, database } = this;
    return configOf(url, { username, password, database, ...more });
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
