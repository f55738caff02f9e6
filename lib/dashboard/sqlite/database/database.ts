import { type DatabaseSync, type StatementSync } from 'node:sqlite';

/** What can be given to a statement. */
export type SqlValue = string | number | null | Uint8Array;

/** Statements with the filters of a search in them come in many forms; more than this are made anew. */
const MAX_STATEMENTS = 300;

/** A change takes less than the rest. */
const NEAR = 0.8;

/** One open database, whose statements are compiled once. */
export class Database {
  private readonly statements = new Map<string, StatementSync>();
  private inTransaction = false;

  constructor(
    private readonly raw: DatabaseSync,
    /** `:memory:` or an absolute path. */
    readonly file: string,
    /** Which file it was when it was opened; undefined in memory. */
    readonly inode: number | undefined,
  ) {}

  /** Whether the words of log lines can be written and searched for. */
  hasFullText = false;

  /** How many pages its file is to have at most. */
  maxPages = Infinity;

  get inMemory(): boolean {
    return this.file === ':memory:';
  }

  prepare(sql: string): StatementSync {
    let statement = this.statements.get(sql);
    if (statement === undefined) {
      if (this.statements.size >= MAX_STATEMENTS) this.statements.clear();
      statement = this.raw.prepare(sql);
      this.statements.set(sql, statement);
    }
    return statement;
  }

  /** Returns the first row, or undefined. The caller knows the columns. */
  get<Row>(sql: string, ...values: SqlValue[]): Row | undefined {
    return this.use(sql, (statement) => statement.get(...values)) as Row | undefined;
  }

  /** The row that is known to be there. @throws Error when it is not */
  one<Row>(sql: string, ...values: SqlValue[]): Row {
    const row = this.get<Row>(sql, ...values);
    if (row === undefined) throw new Error(`The store has lost a row: ${sql}`);
    return row;
  }

  all<Row>(sql: string, ...values: SqlValue[]): Row[] {
    return this.use(sql, (statement) => statement.all(...values)) as Row[];
  }

  /** Returns rows one after the other, so that the caller can stop early. */
  *iterate<Row>(sql: string, ...values: SqlValue[]): Iterable<Row> {
    try {
      yield* this.prepare(sql).iterate(...values) as Iterable<Row>;
    } catch (error) {
      this.statements.delete(sql);
      throw error;
    }
  }

  /** Returns how many rows were changed. */
  run(sql: string, ...values: SqlValue[]): number {
    return Number(this.use(sql, (statement) => statement.run(...values)).changes);
  }

  exec(sql: string): void {
    this.raw.exec(sql);
  }

  pragma(name: string): number {
    const row = this.get<Record<string, number>>(`PRAGMA ${name}`);
    return Number(row === undefined ? 0 : Object.values(row)[0]);
  }

  /** Whether one change may be more than still fits below `maxPages`. */
  get isNearBound(): boolean {
    return this.pragma('page_count') > this.maxPages * NEAR;
  }

  /** Does `work` as one change that is there as a whole or not at all; one inside another is part of it. */
  transaction<T>(work: () => T): T {
    return this.within('BEGIN IMMEDIATE', work);
  }

  /** Reads one state of the database, whatever other processes write meanwhile. */
  snapshot<T>(work: () => T): T {
    return this.within('BEGIN', work);
  }

  close(): void {
    this.statements.clear();
    try {
      this.raw.close();
    } catch {
      // Closed already, or so broken that it cannot even be closed: either way it is not used any more.
    }
  }

  /** A statement that failed reports its error again the next time, whatever it is given. */
  private use<T>(sql: string, act: (statement: StatementSync) => T): T {
    try {
      return act(this.prepare(sql));
    } catch (error) {
      this.statements.delete(sql);
      throw error;
    }
  }

  private within<T>(begin: string, work: () => T): T {
    if (this.inTransaction) return work();
    this.exec(begin);
    this.inTransaction = true;
    try {
      const result = work();
      this.exec('COMMIT');
      return result;
    } catch (error) {
      try {
        this.exec('ROLLBACK');
      } catch {
        // SQLite has rolled back by itself, as it does when the disk is full; the first error says what went wrong.
      }
      throw error;
    } finally {
      this.inTransaction = false;
    }
  }
}

/** What a failure of SQLite means for the store. */
type DatabaseFailure =
  | 'busy' // Another process is writing: try again.
  | 'corrupt' // The file is no database, or a broken one.
  | 'full' // Disk or database have no room.
  | 'unusable' // The file cannot be read or written at all.
  | 'other';

const BY_CODE: Readonly<Record<number, DatabaseFailure>> = {
  5: 'busy',
  6: 'busy',
  8: 'unusable', // SQLITE_READONLY
  10: 'unusable', // SQLITE_IOERR
  11: 'corrupt',
  13: 'full',
  14: 'unusable', // SQLITE_CANTOPEN
  26: 'corrupt', // SQLITE_NOTADB
};

/** SQLITE_CORRUPT_VTAB and its like carry the primary code in the last byte. */
export function classifyFailure(error: unknown): DatabaseFailure {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? (BY_CODE[code & 0xff] ?? 'other') : 'other';
}
