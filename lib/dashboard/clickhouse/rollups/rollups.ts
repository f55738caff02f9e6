import { type ClickHouseConfig } from '../../../config/clickhouse.js';
import {
  choosesProcesses,
  type ProcessChoice,
  type QueryOptions,
} from '../../reader/telemetry-reader.interface.js';
import { type Bindings } from '../query.js';
import { lastCoverage, plainNames, type RollupNames, rollupNames } from './statements.js';

/** Rollups are made, filled and removed while the page runs: so long an answer about them holds. */
const HOLDS_MS = 60_000;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 3_600_000;
/** Times that are that old are those of no rollups at all. */
const NEVER = Infinity;

/** Asks a ClickHouse, as `ClickHouse.rows()` does. */
type Ask = <T>(write: (bind: Bindings) => string, options?: QueryOptions) => Promise<T[]>;

interface Coverage {
  /** Milliseconds. */
  readonly since: number;
  /** Days after which rows are deleted; 0 is never. */
  readonly days: number;
}

/** The tables of `nestjs-telemetry clickhouse init`, where they are there. */
export class Rollups {
  private readonly names: RollupNames;
  private known: { readonly coverage: Promise<Coverage>; readonly until: number } | undefined;

  constructor(
    private readonly config: ClickHouseConfig,
    private readonly ask: Ask,
  ) {
    this.names = rollupNames(config);
  }

  /** The tables, where these have all that was written from a time on; undefined: the spans must be read. @param from milliseconds */
  async since(from: number, options: QueryOptions): Promise<RollupNames | undefined> {
    const { since, days } = await this.coverage();
    options.signal?.throwIfAborted();
    const isKept = days === 0 || from >= Date.now() - days * DAY_MS;
    return from >= since && isKept ? this.names : undefined;
  }

  /** As `since()`, for sums, which have no processes. */
  async ofAllProcesses(
    from: number,
    choice: ProcessChoice,
    options: QueryOptions,
  ): Promise<RollupNames | undefined> {
    if (choosesProcesses(choice)) return undefined;
    return this.since(from, options);
  }

  private coverage(): Promise<Coverage> {
    const now = Date.now();
    if (this.known !== undefined && this.known.until > now) return this.known.coverage;
    const coverage = this.read();
    this.known = { coverage, until: now + HOLDS_MS };
    coverage.catch(() => {
      // What failed is asked again.
      this.known = undefined;
    });
    return coverage;
  }

  /** Not with the signal of the first question that asks: others wait for the same answer. */
  private async read(): Promise<Coverage> {
    const { database } = this.config;
    const wanted = Object.values<string>({ ...plainNames(this.config) });
    const [found] = await this.ask<{ tables: number }>(
      (bind) => `SELECT count() AS tables FROM system.tables
        WHERE database = ${bind.text(database)} AND name IN ${bind.texts(wanted)}`,
    );
    if (found?.tables !== wanted.length) return { since: NEVER, days: 0 };
    const [state] = await this.ask<Coverage>(
      () => `SELECT toUnixTimestamp64Milli(Since) AS since, Days AS days FROM (${lastCoverage(this.config)})`,
    );
    if (state === undefined) return { since: NEVER, days: 0 };
    return { since: Math.ceil(state.since / MINUTE_MS) * MINUTE_MS, days: state.days };
  }
}
