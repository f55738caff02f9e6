import { warnOnce } from '../../errors/warnings.js';
import { type ProcessReport } from '../reader/answers/processes.interface.js';
import { type Steps } from '../steps.js';
import { clearService } from './clearing/clear-service.js';
import { loadSqlite, type Sqlite } from './database/open-database.js';
import { StoreDatabase } from './database/store-database.js';
import { EvictionScheduler, type StoreLimits } from './eviction/evictor.js';
import { Declarations } from './processes/declarations.js';
import { StoredCommands } from './processes/stored-commands.js';
import { ViewerTracker } from './processes/viewer-tracker.js';
import { QueryScheduler, type Question } from './query-scheduler.js';
import {
  type DeclaredFunction,
  type DeclaredRoute,
  type StoredLog,
  type StoredPoint,
  type StoredResource,
  type StoredSpan,
} from './rows.interface.js';
import { identity } from './writing/row-queues.js';
import { StoreWriter } from './writing/store-writer.js';

/** How often sums are written, exemplars are matched and bounds are checked. */
const MAINTENANCE_INTERVAL_MS = 1_000;
/** How long a question waits for sums to be written, where there are very many. */
const SUMS_MS = 50;

export interface StoreOptions extends StoreLimits {
  /** A path, or `:memory:`. */
  readonly file: string;
}

/**
 * The embedded store: takes spans, log lines and points, keeps them within bounds, and answers questions.
 *
 * What is added is written within 200 ms, by many processes into one file. Adding never throws and never waits; what is too
 * much is dropped and counted. Questions are the functions of `queries/`, asked by `store.ask((database) => findTraces(database, …))`.
 */
export class TelemetryStore {
  /** What the processes that share the file ask of each other. */
  readonly commands: StoredCommands;
  private readonly database: StoreDatabase;
  private readonly writer: StoreWriter;
  private readonly eviction: EvictionScheduler;
  private readonly questions: QueryScheduler;
  private readonly declarations = new Declarations();
  private readonly viewers = new ViewerTracker();
  private readonly maintenance: NodeJS.Timeout;
  private closed = false;
  /** When a question last had them written, by `performance.now()`. */
  private sumsWrittenAt = -Infinity;

  /** Opens the store or begins it; see `openStore()`. */
  constructor(
    sqlite: Sqlite,
    file: string,
    readonly limits: StoreLimits,
  ) {
    this.database = new StoreDatabase(sqlite, file, this.startOver, () => {
      this.eviction.makeRoom();
    });
    this.eviction = new EvictionScheduler(this.database, limits);
    this.writer = new StoreWriter(this.database, this.eviction);
    this.questions = new QueryScheduler(this.database);
    this.commands = new StoredCommands(this.database, limits.maxBytes);
    this.maintenance = setInterval(() => {
      this.maintain();
    }, MAINTENANCE_INTERVAL_MS).unref();
  }

  /** Where it is kept: an absolute path, or `:memory:`. */
  get file(): string {
    return this.database.current.file;
  }

  /** Rows that wait to be written. */
  get queued(): number {
    return this.writer.queued;
  }

  /** Rows that this process has lost. */
  get dropped(): number {
    return this.writer.dropped;
  }

  /** Counts rows that were lost before they came here. */
  addDropped(rows: number): void {
    this.writer.addDropped(rows);
  }

  /** Queues one span. With `make` the row is made from `span` when it is written, off the path of the request. */
  addSpan(span: StoredSpan): void;
  addSpan<Source>(span: Source, make: (source: Source) => StoredSpan): void;
  addSpan(span: unknown, make: (source: never) => StoredSpan = identity): void {
    this.writer.addSpan(span as never, make); // the overloads tie it to what `make` takes
  }

  /** Queues one log line. With `make` the row is made from `log` when it is written, off the path of the request. */
  addLog(log: StoredLog): void;
  addLog<Source>(log: Source, make: (source: Source) => StoredLog): void;
  addLog(log: unknown, make: (source: never) => StoredLog = identity): void {
    this.writer.addLog(log as never, make); // the overloads tie it to what `make` takes
  }

  /** Queues points of metrics. */
  addPoints(points: readonly StoredPoint[]): void {
    this.writer.addPoints(points);
  }

  /** Makes routes of a process known that may never be called; those that it declared before and has no more are forgotten. */
  declareRoutes(resource: StoredResource, routes: readonly DeclaredRoute[]): void {
    this.declarations.declareRoutes(resource, routes);
    this.writeDeclarations();
  }

  /** Makes known where methods of a process were written. */
  declareFunctions(resource: StoredResource, functions: readonly DeclaredFunction[]): void {
    this.declarations.declareFunctions(resource, functions);
    this.writeDeclarations();
  }

  /**
   * Stores how the telemetry of this process does, until it says so again or the store is closed.
   *
   * @param started milliseconds since the epoch
   */
  reportHealth(resource: StoredResource, report: ProcessReport, started: number, now = Date.now()): void {
    if (!this.closed) this.writer.health.report(resource, report, started, now);
  }

  /** Notes a view of what is stored, for all processes that store in this file. */
  markViewed(): void {
    this.database.attempt((database) => {
      this.viewers.mark(database, Date.now());
    });
  }

  /** Calls `call` every `everyMs` milliseconds while what is stored is viewed, in any process. Returns a function that ends it. */
  whileViewed(everyMs: number, call: () => void): () => void {
    return this.viewers.subscribe(everyMs, call);
  }

  /**
   * Asks the database, and blocks the event loop until the answer is there: `store.read((database) => readStore(database))`. A database
   * that turns out to be damaged is quarantined, and the question is asked of the new one.
   *
   * @throws what the question throws otherwise
   */
  read<T>(question: Question<T>): T {
    return this.questions.answer(question);
  }

  /**
   * Asks the database in steps of some milliseconds between which others have their turn; see `read()`.
   *
   * @throws what the question throws
   */
  ask<T>(question: Question<T>): Promise<T> {
    return this.questions.ask(question);
  }

  /**
   * Does work that asks the database nothing in turns with the questions, so that all of them together block the event loop no
   * longer than one.
   *
   * @throws what the work throws
   */
  work<T>(steps: Steps<T>): Promise<T> {
    return this.questions.ask(() => steps);
  }

  /**
   * Writes sums that wait for their turn, because a question will read them; resolves when they are there, or cannot be written now. Asked
   * again within a second, it leaves what has come since to the next time. Never rejects.
   */
  async writeSums(): Promise<void> {
    if (this.closed || performance.now() - this.sumsWrittenAt < MAINTENANCE_INTERVAL_MS) return;
    this.sumsWrittenAt = performance.now();
    await this.writer.writeWaitingSums(SUMS_MS);
  }

  /** Resolves when everything added so far is written. Never rejects. */
  flush(): Promise<void> {
    return this.writer.flush();
  }

  /**
   * Writes sums, evicts what is above a bound and calls those who wait for viewers or commands. The store does it
   * every second by itself.
   *
   * @param now milliseconds since the epoch
   */
  maintain(now = Date.now()): void {
    this.database.attempt(() => this.database.reopenIfMoved());
    this.writeDeclarations();
    this.database.attempt((database) => {
      this.viewers.poll(database, now);
    });
    this.database.attempt((database) => {
      this.commands.poll(database, now);
    });
    this.writer.writeSums('due');
    this.eviction.evict();
  }

  /**
   * Deletes everything that is stored, or all of a service that is gone. Other processes that share the file go on: when everything is
   * deleted they lose what they wrote in the second before.
   *
   * Returns why that was not done, or not as a whole; undefined when it was. Never rejects.
   */
  async clear(service?: string): Promise<string | undefined> {
    // What was recorded before is written before.
    await this.flush();
    if (service !== undefined) return clearService(this.database, service);
    try {
      this.database.clear();
    } catch (error) {
      return `${this.file} cannot be deleted: ${error instanceof Error ? error.message : String(error)}.`;
    }
    return undefined;
  }

  /** Writes what waits and closes the file. Never rejects; safe to call twice. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.maintenance);
    this.eviction.stop();
    this.commands.close();
    this.writer.close();
    await this.writer.flush();
    this.writer.health.end(Date.now());
    this.writer.writeSums('all');
    this.database.attempt((database) => {
      this.declarations.close(database, this.writer.dictionaries, Date.now());
    });
    this.database.close();
  }

  /** The database is another one: nothing that was learned about the one before holds. */
  private readonly startOver = (): void => {
    this.writer.restart();
    this.eviction.restart();
    this.declarations.restart();
    this.viewers.restart();
    this.commands.restart();
  };

  private writeDeclarations(): void {
    this.database.attempt((database) => {
      this.declarations.write(database, this.writer.dictionaries, Date.now());
    });
  }
}

/**
 * Opens the store in that file, or begins it. Undefined when this Node has no SQLite; otherwise there is a store, if need be in
 * memory: what is wrong with the file is warned about once, never thrown.
 */
export function openStore({ file, ...limits }: StoreOptions): TelemetryStore | undefined {
  const sqlite = loadSqlite();
  if (sqlite === undefined) return undefined;
  try {
    return new TelemetryStore(sqlite, file, limits);
  } catch (error) {
    warnOnce('store:open', `Nothing is stored for the dashboard: ${String(error)}.`);
    return undefined;
  }
}
