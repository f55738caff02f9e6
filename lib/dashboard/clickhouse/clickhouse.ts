import type { ClickHouseClient, ClickHouseClientConfigOptions, QueryParams } from '@clickhouse/client';

import { type ClickHouseConfig } from '../../config/clickhouse.js';
import { type QueryOptions } from '../reader/telemetry-reader.interface.js';
import { loadClickHousePackage } from './clickhouse-package.js';
import { describeFailure } from './describe-failure.js';
import { Bindings } from './query.js';
import { Rollups } from './rollups/rollups.js';

/** Connections to the server; further questions wait. */
const MAX_CONNECTIONS = 8;
/** Rows of an answer; every query asks for fewer. */
const MAX_RESULT_ROWS = 500_000;
/** The server gets some time to say that a query took too long. */
const PATIENCE_MS = 5_000;

type JsonQuery = QueryParams & { readonly format: 'JSONEachRow' };

/** Before an answer began. */
function isConnectionClosed(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return code === 'ECONNRESET' || code === 'EPIPE';
}

/** Names of the tables, ready for a query. */
export interface TableNames {
  readonly traces: string;
  /** When each trace began and ended. */
  readonly traceTimes: string;
  readonly logs: string;
  readonly gauges: string;
  readonly sums: string;
  readonly histograms: string;
}

/** Who asks whom, as the client takes it. */
export function connectionOf({
  url,
  username,
  password,
  tls,
}: ClickHouseConfig): ClickHouseClientConfigOptions {
  const { ca, cert, key } = tls;
  return {
    url,
    username,
    password,
    application: 'nestjs-telemetry',
    // What fails is reported by who asked.
    log: { level: 127 },
    ...(ca !== undefined && {
      tls: {
        ca_cert: Buffer.from(ca),
        ...(cert !== undefined && key !== undefined && { cert: Buffer.from(cert), key: Buffer.from(key) }),
      },
    }),
  };
}

/** Asks a ClickHouse: only reads, within limits, and never for longer than the visitor waits. */
export class ClickHouse {
  readonly tables: TableNames;
  readonly rollups: Rollups;
  private client: ClickHouseClient | undefined;
  /** A connection that never had an answer was not idle: the server refused it. */
  private hasAnswered = false;

  constructor(
    readonly config: ClickHouseConfig,
    private readonly load = loadClickHousePackage,
  ) {
    const { database, tables } = config;
    const name = (table: string): string => `\`${database}\`.\`${table}\``;
    this.tables = {
      traces: name(tables.traces),
      traceTimes: name(`${tables.traces}_trace_id_ts`),
      logs: name(tables.logs),
      gauges: name(`${tables.metrics}_gauge`),
      sums: name(`${tables.metrics}_sum`),
      histograms: name(`${tables.metrics}_histogram`),
    };
    this.rollups = new Rollups(config, (write, options) => this.rows(write, options));
  }

  /**
   * The rows of a query.
   *
   * @param write the text of the query; values go through the bindings
   * @throws the reason of the signal, or a DashboardError that says what is wrong and what to do
   */
  async rows<T>(write: (bind: Bindings) => string, { signal }: QueryOptions = {}): Promise<T[]> {
    signal?.throwIfAborted();
    const bind = new Bindings();
    const query = write(bind);
    try {
      const result = await this.ask({
        query,
        query_params: { ...bind.parameters },
        format: 'JSONEachRow',
        ...(signal !== undefined && { abort_signal: signal }),
      });
      const rows: T[] = [];
      // Piece by piece: parsing all at once would block the event loop.
      for await (const part of result.stream()) for (const row of part) rows.push(row.json<T>());
      signal?.throwIfAborted();
      return rows;
    } catch (error) {
      signal?.throwIfAborted();
      throw describeFailure(error, this.config);
    }
  }

  /**
   * Begins an answer. A server may close a connection that was idle just when a query is written to it: the query is then asked again, once,
   * on another connection. It only reads.
   */
  private async ask(query: JsonQuery) {
    const client = (this.client ??= this.connect());
    const { hasAnswered } = this;
    try {
      const result = await client.query(query);
      this.hasAnswered = true;
      return result;
    } catch (error) {
      if (!hasAnswered || !isConnectionClosed(error) || query.abort_signal?.aborted === true) throw error;
      // By then the client knows which of its other connections were closed with that one.
      await new Promise((resolve) => setImmediate(resolve));
      return await client.query(query);
    }
  }

  /** Ends connections. */
  close(): void {
    const { client } = this;
    this.client = undefined;
    this.hasAnswered = false;
    // Nothing is left to do where that fails.
    client?.close().catch(() => undefined);
  }

  private connect(): ClickHouseClient {
    const { maxSeconds, maxRows, maxBytes } = this.config;
    return this.load().createClient({
      ...connectionOf(this.config),
      max_open_connections: MAX_CONNECTIONS,
      request_timeout: maxSeconds * 1_000 + PATIENCE_MS,
      clickhouse_settings: {
        // 1 would refuse the limits below, from users whose profile is read-only.
        readonly: '2',
        max_execution_time: maxSeconds,
        timeout_overflow_mode: 'throw',
        max_rows_to_read: String(maxRows),
        max_bytes_to_read: String(maxBytes),
        read_overflow_mode: 'throw',
        max_result_rows: String(MAX_RESULT_ROWS),
        result_overflow_mode: 'throw',
        cancel_http_readonly_queries_on_client_close: 1,
        // An error is then an answer of its own, and not the end of one.
        wait_end_of_query: 1,
        // What a profile may say otherwise.
        join_use_nulls: 0,
        output_format_json_quote_64bit_integers: 0,
      },
    });
  }
}
