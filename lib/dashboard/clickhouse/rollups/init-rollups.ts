import type { ClickHouseClient } from '@clickhouse/client';

import { type ClickHouseConfig } from '../../../config/clickhouse.js';
import { DashboardError } from '../../http/dashboard-error.js';
import { connectionOf } from '../clickhouse.js';
import { loadClickHousePackage } from '../clickhouse-package.js';
import { describeFailure } from '../describe-failure.js';
import {
  changeTtl,
  createRollups,
  deleteBefore,
  dropRollups,
  fillRollups,
  lastCoverage,
  plainNames,
  rollupNames,
} from './statements.js';

/**
 * Spans that begin within this time are written after the views are there; those of before are left to the backfill. Each further
 * try allows ClickHouse more time for its tables.
 */
const MARGINS_MS = [3_000, 12_000, 48_000];
/** Spans are written when they have ended and a batch is full: the backfill waits for those that began before the views count. */
const LATE_MS = 5_000;
const HOUR_NS = 3_600_000_000_000n;
/** A statement of the backfill reads an hour of spans. */
const TIMEOUT_MS = 3_600_000;

export interface InitOptions {
  /** Days after which rows of the rollups are deleted; undefined: never. */
  readonly ttlDays?: number | undefined;
  /** Counts what is stored already, too. */
  readonly backfill?: boolean;
  /** Removes rollups that are there, and begins anew. */
  readonly reset?: boolean;
  /** Called with each step, as a sentence. */
  readonly report: (text: string) => void;
}

/** The statements that make the rollups, to run them by other means. They count what is written from now on. */
export function printRollups(config: ClickHouseConfig, ttlDays: number | undefined): string {
  const sinceNs = BigInt(Math.ceil(Date.now() / 60_000)) * 60_000_000_000n;
  return [
    ...createRollups(config, { sinceNs, ttlDays }),
    // Of tables that are there already.
    ...(ttlDays === undefined ? [] : changeTtl(config, ttlDays)),
  ]
    .map((statement) => `${statement};\n`)
    .join('\n');
}

/**
 * Makes the rollups in a ClickHouse where they are missing. What is there stays as it is, but for the time after which rows are deleted.
 *
 * @throws DashboardError that says what is wrong and what to do
 */
export async function initRollups(config: ClickHouseConfig, options: InitOptions): Promise<void> {
  const client = loadClickHousePackage().createClient({
    ...connectionOf(config),
    request_timeout: TIMEOUT_MS,
  });
  try {
    await new RollupInit(config, client, options).run();
  } catch (error) {
    throw describeFailure(error, config);
  } finally {
    await client.close();
  }
}

class RollupInit {
  private readonly names;

  constructor(
    private readonly config: ClickHouseConfig,
    private readonly client: ClickHouseClient,
    private readonly options: InitOptions,
  ) {
    this.names = rollupNames(config);
  }

  async run(): Promise<void> {
    const { report, reset = false, backfill = false } = this.options;
    if (!reset && (await this.isComplete())) {
      report('The rollups are there already.');
      await this.changeTtl();
    } else await this.create();
    if (backfill) await this.fill();
  }

  /** The last statement of `createRollups()` says that all tables and views are there. @throws DashboardError where one was removed since */
  private async isComplete(): Promise<boolean> {
    const { database } = this.config;
    const plain = plainNames(this.config);
    const wanted = Object.values<string>({ ...plain });
    const rows = await this.rows<{ name: string }>(
      'SELECT name FROM system.tables WHERE database = {database:String} AND name IN {wanted:Array(String)}',
      { database, wanted },
    );
    const found = new Set(rows.map(({ name }) => name));
    if (!found.has(plain.coverage)) return false;
    const [state] = await this.rows<{ rows: number }>(
      `SELECT toUInt32(count()) AS rows FROM ${this.names.coverage}`,
    );
    if (state === undefined || state.rows === 0) return false;
    const missing = wanted.filter((name) => !found.has(name));
    if (missing.length === 0) return true;
    throw new DashboardError(
      409,
      `The rollups in ${database} lack ${missing.join(', ')}, which was removed, or an earlier version of this command did not make it: run this command with --reset, which begins anew.`,
    );
  }

  private async changeTtl(): Promise<void> {
    const { report, ttlDays } = this.options;
    const { days } = await this.state();
    if (ttlDays === undefined || ttlDays === days) return;
    for (const statement of changeTtl(this.config, ttlDays)) await this.execute(statement);
    report(
      `Their rows are deleted after ${ttlDays} days from now on${days === 0 ? '' : `, not after ${days}`}.`,
    );
  }

  private async create(): Promise<void> {
    const { report } = this.options;
    const oldest = await this.oldestNs();
    if (!(await this.tryMargins(oldest))) {
      // Unfinished views would count what nothing reads.
      for (const statement of dropRollups(this.config)) await this.execute(statement);
      throw new DashboardError(
        503,
        `ClickHouse at ${this.config.url} took longer than ${Math.max(...MARGINS_MS) / 1_000} s to make the tables and views of the rollups, which ` +
          'would lack the spans that came meanwhile. They were removed again. Run this command when ClickHouse has less to do.',
      );
    }
    report(
      oldest === undefined
        ? 'The rollups are there, and count all that will be written.'
        : 'The rollups are there, and count what is written from now on.',
    );
  }

  /** Returns whether the views were there before the time from which on they count. */
  private async tryMargins(oldest: bigint | undefined): Promise<boolean> {
    const { ttlDays } = this.options;
    for (const marginMs of MARGINS_MS) {
      // What is there was not finished: nothing has read it.
      for (const statement of dropRollups(this.config)) await this.execute(statement);
      const sinceMs = Math.ceil((Date.now() + marginMs) / 1_000) * 1_000;
      const sinceNs = oldest === undefined ? 0n : BigInt(sinceMs) * 1_000_000n;
      const statements = createRollups(this.config, { sinceNs, ttlDays });
      for (const statement of statements.slice(0, -1)) await this.execute(statement);
      if (sinceNs > 0n && Date.now() >= sinceMs) continue;
      for (const statement of statements.slice(-1)) await this.execute(statement);
      return true;
    }
    return false;
  }

  /** Goes back an hour at a time, and notes how far it is: the reader uses what is done, and the next run continues there. */
  private async fill(): Promise<void> {
    const { report } = this.options;
    const { days, begunNs: begunBefore, ...state } = await this.state();
    let { sinceNs } = state;
    if (begunBefore < sinceNs)
      throw new DashboardError(
        409,
        `The backfill of ${writeTime(begunBefore)} was interrupted, and may have counted a part of it: run this command with --reset, which begins anew.`,
      );
    const oldest = await this.oldestNs();
    const kept = days === 0 ? 0n : BigInt(Date.now() - days * 86_400_000) * 1_000_000n;
    if (sinceNs === 0n || oldest === undefined) return;
    const wait = Number(sinceNs / 1_000_000n) + LATE_MS - Date.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    // What was kept longer than the rollups said, before --ttl was raised, would be counted twice.
    for (const { count, remove } of deleteBefore(this.config, sinceNs)) {
      const [found] = await this.rows<{ rows: number }>(count);
      if (found !== undefined && found.rows > 0) await this.execute(remove);
    }
    while (sinceNs > oldest && sinceNs > kept) {
      const begunNs = ((sinceNs - 1n) / HOUR_NS) * HOUR_NS;
      await this.note(sinceNs, days, begunNs);
      for (const statement of fillRollups(this.config, begunNs, sinceNs)) await this.execute(statement);
      sinceNs = begunNs;
      await this.note(sinceNs, days, begunNs);
      report(`Counted back to ${writeTime(sinceNs)}.`);
    }
    if (sinceNs <= oldest) await this.note(0n, days, 0n);
    report('All that is stored is counted.');
  }

  private async state(): Promise<{ sinceNs: bigint; begunNs: bigint; days: number }> {
    const [row] = await this.rows<{ since: string; begun: string; days: number }>(
      `SELECT toString(toUnixTimestamp64Nano(Since)) AS since, toString(toUnixTimestamp64Nano(Begun)) AS begun, Days AS days
        FROM (${lastCoverage(this.config)})`,
    );
    return { sinceNs: BigInt(row?.since ?? 0), begunNs: BigInt(row?.begun ?? 0), days: row?.days ?? 0 };
  }

  private note(sinceNs: bigint, days: number, begunNs: bigint): Promise<void> {
    return this.execute(
      `INSERT INTO ${this.names.coverage} (Since, Days, Begun)
        SELECT fromUnixTimestamp64Nano(${sinceNs}), ${days}, fromUnixTimestamp64Nano(${begunNs})`,
    );
  }

  /** When the oldest span or log line was written; undefined where there is none. */
  private async oldestNs(): Promise<bigint | undefined> {
    const { database, tables } = this.config;
    const rows = await this.rows<{ oldest: string; total: number }>(
      [tables.traces, tables.logs]
        .map(
          (table) =>
            `SELECT toString(toUnixTimestamp64Nano(min(Timestamp))) AS oldest, toUInt32(least(count(), 1)) AS total FROM \`${database}\`.\`${table}\``,
        )
        .join(' UNION ALL '),
    );
    return rows
      .filter(({ total }) => total > 0)
      .map(({ oldest }) => BigInt(oldest))
      .reduce<bigint | undefined>(
        (least, next) => (least === undefined || next < least ? next : least),
        undefined,
      );
  }

  private async execute(query: string): Promise<void> {
    await this.client.command({ query });
  }

  private async rows<T>(query: string, query_params: Record<string, unknown> = {}): Promise<T[]> {
    const result = await this.client.query({ query, query_params, format: 'JSONEachRow' });
    return result.json<T>();
  }
}

function writeTime(ns: bigint): string {
  return new Date(Number(ns / 1_000_000n)).toISOString();
}
