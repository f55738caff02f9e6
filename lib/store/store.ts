import { warnOnce } from '../errors/warnings.js';
import { type Database } from './database/database.js';
import { classifyFailure } from './database/database-failure.js';
import { loadSqlite } from './database/load-sqlite.js';
import { StoreDatabase } from './database/store-database.js';
import { Evictor } from './eviction/evictor.js';
import { type StoreLimits } from './eviction/limits.interface.js';
import { Readership } from './readership.js';
import {
  type DeclaredFunction,
  type DeclaredRoute,
  type StoredLog,
  type StoredPoint,
  type StoredResource,
  type StoredSpan,
} from './rows.interface.js';
import { Questions } from './queries/questions.js';
import { isSteps, type Steps, takeAllSteps } from './queries/steps.js';
import { Declarations } from './writing/declarations.js';
import { asRow } from './writing/row-queue.js';
import { StoreWriter } from './writing/store-writer.js';

/** How often sums are written, exemplars are matched and bounds are looked at. */
const CARE_MS = 1_000;
/** At the end of a process that was not shut down. */
const EXIT_FLUSH_MS = 300;

export interface StoreOptions extends StoreLimits {
  /** A path, or `:memory:`. */
  readonly file: string;
}

/**
 * The embedded store: takes spans, log lines and points, keeps them within bounds, and answers questions.
 *
 * What is added is written some 200 ms later, by many processes into one file. Adding never throws and never waits; what is too
 * much is dropped and counted. Questions are the functions of `queries/`, asked by `store.ask((database) => findTraces(database, …))`.
 */
export class TelemetryStore {
  private readonly database: StoreDatabase;
  private readonly writer: StoreWriter;
  private evictor: Evictor;
  private readonly questions = new Questions();
  private readonly declarations = new Declarations();
  private readonly readership = new Readership();
  private readonly care: NodeJS.Timeout;
  private immediate: NodeJS.Immediate | undefined;
  private closed = false;

  /** Opens the store or begins it; see `openStore()`. */
  constructor(
    database: (onReplaced: () => void) => StoreDatabase,
    readonly limits: StoreLimits,
  ) {
    this.database = database(() => {
      this.startOver();
    });
    this.writer = new StoreWriter(this.database, {
      makeRoom: () => {
        this.evictor.makeRoom(Date.now());
      },
      evictFirst: () => this.evictor.isUrgent && this.change(() => this.evictor.step(Date.now())) === true,
      onIdle: () => {
        this.evict();
      },
    });
    this.evictor = new Evictor(this.database.current, limits);
    this.care = setInterval(() => {
      this.takeCare();
    }, CARE_MS).unref();
    process.on('exit', this.flushAtExit);
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

  /** Queues one span. With `make` the row is made from `span` when it is written, off the path of the request. */
  addSpan(span: StoredSpan): void;
  addSpan<Source>(span: Source, make: (source: Source) => StoredSpan): void;
  addSpan(span: unknown, make: (source: never) => StoredSpan = asRow): void {
    this.writer.addSpan(span as never, make);
  }

  /** Queues one log line. With `make` the row is made from `log` when it is written, off the path of the request. */
  addLog(log: StoredLog): void;
  addLog<Source>(log: Source, make: (source: Source) => StoredLog): void;
  addLog(log: unknown, make: (source: never) => StoredLog = asRow): void {
    this.writer.addLog(log as never, make);
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

  /** Notes that somebody looks at what is stored, for all processes that store in this file. */
  noteReader(): void {
    this.change(() => {
      this.readership.note(this.database.current, Date.now());
    });
  }

  /** Calls `tell` every so many milliseconds while somebody looks at what is stored, in whichever process; returns what ends that. */
  whileRead(everyMs: number, tell: () => void): () => void {
    return this.readership.listen(everyMs, tell);
  }

  /**
   * Asks the database, and holds up the event loop until the answer is there: `store.read((database) => readStore(database))`. A database
   * that turns out to be damaged is set aside and the question is asked of the new one.
   *
   * @throws what the query throws otherwise
   */
  read<T>(query: (database: Database) => T | Steps<T>): T {
    return this.recovering(() => {
      const answer = query(this.database.current);
      return isSteps(answer) ? takeAllSteps(answer) : answer;
    });
  }

  /**
   * Asks the database in steps of some milliseconds between which others have their turn; see `read()`.
   *
   * @throws what the query throws
   */
  ask<T>(query: (database: Database) => Steps<T>): Promise<T> {
    let asked: Database | undefined;
    let steps: Steps<T> | undefined;
    return this.questions.ask(() =>
      this.recovering(() => {
        const { current } = this.database;
        // What was found in a database that has been replaced is void.
        if (steps === undefined || asked !== current) steps = query((asked = current));
        return steps.next();
      }),
    );
  }

  /** Resolves when everything added so far is written. Never rejects. */
  flush(): Promise<void> {
    return this.writer.flush();
  }

  /** Writes what waits and closes the file. Never rejects; safe to call twice. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.care);
    clearImmediate(this.immediate);
    process.off('exit', this.flushAtExit);
    this.writer.close();
    await this.writer.flush();
    this.writer.writeSums(true);
    this.change(() => {
      this.declarations.close(this.database.current, this.writer.dictionaries, Date.now());
    });
    this.database.close();
  }

  private recovering<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (classifyFailure(error) !== 'corrupt') throw error;
      this.database.recover(error, Date.now());
      return work();
    }
  }

  private readonly flushAtExit = (): void => {
    this.writer.flushNow(EXIT_FLUSH_MS);
  };

  private takeCare(): void {
    this.change(() => {
      this.database.reopenIfMoved();
    });
    this.writeDeclarations();
    this.change(() => {
      this.readership.look(this.database.current, Date.now());
    });
    this.writer.writeSums(false);
    this.evict();
  }

  /** One step, and the next when others have had their turn. */
  private evict(): void {
    if (this.closed || this.immediate !== undefined) return;
    const more = this.change(() => this.evictor.step(Date.now()));
    if (more !== true) return;
    this.immediate = setImmediate(() => {
      this.immediate = undefined;
      this.evict();
    });
  }

  /** The database is another one: nothing that was learned about the one before holds. */
  private startOver(): void {
    this.writer.restart();
    this.evictor = new Evictor(this.database.current, this.limits);
    this.declarations.restart();
    this.readership.restart();
  }

  private writeDeclarations(): void {
    this.change(() => {
      this.declarations.write(this.database.current, this.writer.dictionaries, Date.now());
    });
  }

  /** What fails here is tried again with the next look; undefined then. */
  private change<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      // Somebody else is writing: there is always a next time.
      if (classifyFailure(error) === 'busy') return undefined;
      try {
        if (this.database.recover(error, Date.now()) === 'make-room') this.evictor.makeRoom(Date.now());
      } catch (failed) {
        warnOnce('store:care', `The store could not be looked after: ${String(failed)}.`, 60_000);
      }
      return undefined;
    }
  }
}

/**
 * Opens the store in that file, or begins it. Undefined when this Node has no SQLite; otherwise there is a store, if need be in
 * memory: whatever is wrong with the file is said once and never thrown.
 */
export function openStore({ file, ...limits }: StoreOptions): TelemetryStore | undefined {
  const sqlite = loadSqlite();
  if (sqlite === undefined) return undefined;
  try {
    return new TelemetryStore((onReplaced) => new StoreDatabase(sqlite, file, onReplaced), limits);
  } catch (error) {
    warnOnce('store:open', `Nothing is stored for the dashboard: ${String(error)}.`);
    return undefined;
  }
}
