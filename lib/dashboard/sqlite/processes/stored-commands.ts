import { setTimeout as sleep } from 'node:timers/promises';

import { ATTR_PROCESS_PID } from '../../../config/semantic-conventions.constants.js';
import {
  type CommandListener,
  type CommandState,
  type KnownProcess,
  type NewCommand,
  type ProcessCommands,
  type ProcessName,
  type StoredCommand,
} from '../../profiling/process-commands.interface.js';
import { type ProcessReport } from '../../reader/answers/processes.interface.js';
import { type Database } from '../database/database.js';
import { type StoreDatabase } from '../database/store-database.js';
import { readAttributes } from '../queries/query-parts.js';
import { type StoredResource } from '../rows.interface.js';

/** A command that was not taken within this time is not run: the request for it has timed out. */
const FRESH_MS = 10_000;
/** Commands and results go with the hour. */
export const COMMANDS_KEPT_MS = 3_600_000;
/** Of one process, and of all. */
const MAX_DONE = 4;
const MAX_ALL = 40;
const MAX_LISTED = 20;
/** One result, and all of them; the file has a bound, of which they take a small share. */
const MAX_RESULT_BYTES = 4 * 1_024 * 1_024;
const RESULT_SHARE = 1 / 32;
const ALL_SHARE = 1 / 8;
/** Other processes write, too: for so long a change is tried again. */
const CHANGE_MS = 2_000;
const RETRY_MS = 25;

const FIND_PROCESS = `SELECT resources.id AS resource, attributes, process_health.last_seen AS lastSeen, ended, report
  FROM services JOIN resources ON resources.service = services.id JOIN process_health ON process_health.resource = resources.id
  WHERE services.name = ? AND instance = ? ORDER BY ended, process_health.last_seen DESC LIMIT 1`;
const FIND_RESOURCE = `SELECT resources.id AS resource FROM services JOIN resources ON resources.service = services.id
  WHERE services.name = ? AND instance = ? AND attributes = ?`;
/** One read of the index for each process that listens, a second. */
const POLL = `SELECT id, kind, details, asked_by AS askedBy, asked_at AS askedAt, state, stopped_by AS stoppedBy
  FROM commands WHERE resource = ? AND state IN ('asked', 'stopping') LIMIT 10`;
const COMMANDS = `SELECT commands.id, kind, details, asked_by AS askedBy, asked_at AS askedAt, state, stopped_by AS stoppedBy, answer,
    services.name AS service, instance, coalesce(ended, 0) AS ended
  FROM commands JOIN resources ON resources.id = commands.resource JOIN services ON services.id = resources.service
  LEFT JOIN process_health ON process_health.resource = commands.resource WHERE `;
const OF_PROCESS = `commands.resource IN (SELECT resources.id FROM services JOIN resources ON resources.service = services.id
  WHERE services.name = ? AND instance = ?) ORDER BY asked_at DESC LIMIT ${MAX_LISTED}`;
const INSERT = `INSERT INTO commands (id, resource, kind, details, asked_by, asked_at, state) VALUES (?, ?, ?, ?, ?, ?, 'asked')`;
const END = `UPDATE commands SET state = ?, answer = ?, result = ? WHERE id = ? AND state IN ('running', 'stopping')`;
const OLDER_RESULTS = `DELETE FROM commands WHERE id IN (SELECT id FROM commands WHERE state = 'done'
  AND resource = (SELECT resource FROM commands WHERE id = ?) ORDER BY asked_at DESC LIMIT -1 OFFSET ${MAX_DONE})`;
/** The newest come first; the sum of a row is that of all down to it. */
const EXCESS = `DELETE FROM commands WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER newest AS place,
    sum(coalesce(length(result), 0)) OVER newest AS bytes FROM commands WINDOW newest AS (ORDER BY asked_at DESC, id))
  WHERE place > ${MAX_ALL} OR bytes > ?)`;

interface ProcessRow {
  readonly resource: number;
  readonly attributes: string;
  readonly lastSeen: number;
  readonly ended: 0 | 1;
  readonly report: string | null;
}

type CommandRow = Omit<StoredCommand, 'ended'> & { readonly ended: 0 | 1 };
type NewRow = Omit<StoredCommand, 'answer' | 'service' | 'instance' | 'ended'>;

/** A process of this store that takes commands: nearly always one. */
interface Listening {
  readonly resource: StoredResource;
  readonly listener: CommandListener;
  /** Its number in the current database; undefined until it has written something. */
  id: number | undefined;
}

/** Deletes what is older than commands are kept. */
export function evictCommands(database: Database, now: number): void {
  database.run(
    'DELETE FROM commands WHERE asked_at < ? OR asked_at > ?',
    now - COMMANDS_KEPT_MS,
    now + FRESH_MS,
  );
}

/** Commands in the table that the processes of one file share. */
export class StoredCommands implements ProcessCommands {
  readonly maxResultBytes: number;
  private readonly maxAllBytes: number;
  private readonly listening = new Set<Listening>();
  private closed = false;

  constructor(
    private readonly store: StoreDatabase,
    maxBytes: number,
  ) {
    this.maxResultBytes = Math.min(MAX_RESULT_BYTES, Math.floor(maxBytes * RESULT_SHARE));
    this.maxAllBytes = Math.floor(maxBytes * ALL_SHARE);
  }

  /** Takes the commands for a process from now on. Returns a function that ends it. */
  listen(resource: StoredResource, listener: CommandListener): () => void {
    const listening: Listening = { resource, listener, id: undefined };
    this.listening.add(listening);
    return () => {
      this.listening.delete(listening);
    };
  }

  /** Calls the listeners for what there is. @throws SQLite's error */
  poll(database: Database, now: number): void {
    for (const listening of this.listening) {
      listening.id ??= findResource(database, listening.resource);
      if (listening.id === undefined) continue;
      for (const row of database.all<NewRow>(POLL, listening.id)) this.tell(listening.listener, row, now);
    }
  }

  /** The database is another one: numbers in it are others. */
  restart(): void {
    for (const listening of this.listening) listening.id = undefined;
  }

  close(): void {
    this.closed = true;
    this.listening.clear();
  }

  process(name: ProcessName): KnownProcess | undefined {
    return this.read((database) => {
      const row = findProcess(database, name);
      if (row === undefined) return undefined;
      const { [ATTR_PROCESS_PID]: pid } = readAttributes(row.attributes);
      return {
        pid: typeof pid === 'number' ? pid : undefined,
        lastSeen: row.lastSeen,
        ended: row.ended === 1,
        writes: row.report !== null,
        // As `ProcessHealth` writes it.
        profiling: row.report === null ? undefined : (JSON.parse(row.report) as ProcessReport).profiling,
      };
    });
  }

  list(name: ProcessName): readonly StoredCommand[] {
    return this.read((database) => listCommands(database, name)) ?? [];
  }

  get hasResults(): boolean {
    const sql = "SELECT 1 AS one FROM commands WHERE state = 'done' LIMIT 1";
    return this.read((database) => database.get(sql)) !== undefined;
  }

  find(id: string): StoredCommand | undefined {
    return this.read((database) => {
      const row = database.get<CommandRow>(`${COMMANDS} commands.id = ?`, id);
      return row && toCommand(row);
    });
  }

  result(id: string): Uint8Array | undefined {
    const sql = "SELECT result FROM commands WHERE id = ? AND state = 'done'";
    return this.read((database) => database.get<{ result: Uint8Array | null }>(sql, id)?.result ?? undefined);
  }

  async ask(
    name: ProcessName,
    { id, kind, details, askedBy }: NewCommand,
    isOpen: (command: StoredCommand) => boolean,
  ): Promise<'asked' | StoredCommand | undefined> {
    const done = await this.change((database) => {
      const process = findProcess(database, name);
      if (process === undefined) return undefined;
      for (const other of listCommands(database, name)) {
        if (isOpen(other)) return other;
        if (other.state !== 'done') database.run('DELETE FROM commands WHERE id = ?', other.id);
      }
      database.run(INSERT, id, process.resource, kind, details, askedBy, Date.now());
      database.run(EXCESS, this.maxAllBytes);
      return 'asked';
    });
    return done?.value;
  }

  async withdraw(id: string, states: readonly CommandState[]): Promise<boolean> {
    const sql = `DELETE FROM commands WHERE id = ? AND state IN (${states.map(() => '?').join(', ')})`;
    return this.changes(sql, id, ...states);
  }

  stop(id: string, by: string): Promise<boolean> {
    const sql = "UPDATE commands SET state = 'stopping', stopped_by = ? WHERE id = ? AND state = 'running'";
    return this.changes(sql, by, id);
  }

  take(id: string): Promise<boolean> {
    return this.changes("UPDATE commands SET state = 'running' WHERE id = ? AND state = 'asked'", id);
  }

  async answer(
    id: string,
    answer: object,
    end?: { readonly state: 'done'; readonly result: Uint8Array } | { readonly state: 'failed' },
  ): Promise<boolean> {
    const text = JSON.stringify(answer);
    if (end === undefined)
      return this.changes(
        "UPDATE commands SET answer = ? WHERE id = ? AND state IN ('running', 'stopping')",
        text,
        id,
      );
    const result = end.state === 'done' ? end.result : null;
    const done = await this.change((database) => {
      if (database.run(END, end.state, text, result, id) === 0) return false;
      database.run(OLDER_RESULTS, id);
      database.run(EXCESS, this.maxAllBytes);
      return true;
    });
    return done?.value ?? false;
  }

  private tell(listener: CommandListener, row: NewRow, now: number): void {
    if (row.state === 'stopping') listener.stop(row.id, row.stoppedBy ?? '');
    // The request has timed out, or comes from a machine with another clock.
    else if (Math.abs(now - row.askedAt) > FRESH_MS) void this.withdraw(row.id, ['asked']);
    else listener.take(row);
  }

  /** Reads wait for no writer; a damaged file is handled, and has no answer. */
  private read<T>(question: (database: Database) => T): T | undefined {
    return this.closed ? undefined : this.store.attempt(question);
  }

  private async changes(sql: string, ...values: readonly string[]): Promise<boolean> {
    const done = await this.change((database) => database.run(sql, ...values));
    return (done?.value ?? 0) > 0;
  }

  private async change<T>(work: (database: Database) => T): Promise<{ readonly value: T } | undefined> {
    const until = performance.now() + CHANGE_MS;
    while (!this.closed) {
      const done = this.store.attempt((database) => ({ value: database.transaction(() => work(database)) }));
      if (done !== undefined || performance.now() >= until) return done;
      await sleep(RETRY_MS * (0.5 + Math.random()), undefined, { ref: false });
    }
    return undefined;
  }
}

function findProcess(database: Database, { service, instance }: ProcessName): ProcessRow | undefined {
  return database.get<ProcessRow>(FIND_PROCESS, service, instance);
}

function findResource(database: Database, resource: StoredResource): number | undefined {
  const { service, instance, attributes } = resource;
  return database.get<{ resource: number }>(FIND_RESOURCE, service, instance, attributes)?.resource;
}

function listCommands(database: Database, { service, instance }: ProcessName): readonly StoredCommand[] {
  return database.all<CommandRow>(`${COMMANDS} ${OF_PROCESS}`, service, instance).map(toCommand);
}

function toCommand(row: CommandRow): StoredCommand {
  return { ...row, ended: row.ended === 1 };
}
