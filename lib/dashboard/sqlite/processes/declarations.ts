import { getOrAdd } from '../../get-or-add.js';
import { type Database } from '../database/database.js';
import { type DeclaredFunction, type DeclaredRoute, type StoredResource } from '../rows.interface.js';
import { type Dictionaries, type ResourceIds } from '../writing/dictionaries.js';

/** How often a process notes that it still runs. */
const BEAT_MS = 5_000;
/** A process that has not noted it for so long has ended. */
const GONE_MS = 15_000;

/** What is known of one process. */
interface Declaration {
  readonly resource: StoredResource;
  routes: readonly DeclaredRoute[] | undefined;
  functions: readonly DeclaredFunction[];
  isWritten: boolean;
  /** When it last noted that it runs, in milliseconds since the epoch. */
  beatAt: number;
}

/**
 * What the processes of services have: routes that may never be called, and methods. A route is there as long as any process
 * of the service has it that lives, or that was the last to live; so the process that is started again forgets what it had
 * before, and two that serve different routes under one name do not forget each other's.
 */
export class Declarations {
  private readonly declarations = new Map<StoredResource, Declaration>();

  /** Replaces the routes of a process. */
  declareRoutes(resource: StoredResource, routes: readonly DeclaredRoute[]): void {
    Object.assign(this.of(resource), { routes, isWritten: false });
  }

  /** Adds where methods were written; earlier ones stay, since older spans name them. */
  declareFunctions(resource: StoredResource, functions: readonly DeclaredFunction[]): void {
    Object.assign(this.of(resource), { functions, isWritten: false });
  }

  /** Writes everything again: the database is another one. */
  restart(): void {
    for (const declaration of this.declarations.values()) declaration.isWritten = false;
  }

  /**
   * Writes what is not written yet, and that this process is still there.
   *
   * @throws SQLite's error; then it is tried again with the next call
   */
  write(database: Database, dictionaries: Dictionaries, now: number): void {
    for (const declaration of this.declarations.values()) {
      const { resource, routes, isWritten, beatAt } = declaration;
      if (isWritten && (routes === undefined || now - beatAt < BEAT_MS)) continue;
      change(database, dictionaries, () => {
        const ids = dictionaries.resource(resource, now);
        // A process that was blocked for long was taken for ended.
        if (!isWritten || !beat(database, ids, now)) writeDeclaration(database, ids, declaration, now);
        // A process without routes does not know which there are.
        if (routes !== undefined) forgetGone(database, ids, now);
      });
      Object.assign(declaration, { isWritten: true, beatAt: now });
    }
  }

  /**
   * Notes that the process has ended: its routes go when another one of its service runs.
   *
   * @throws SQLite's error
   */
  close(database: Database, dictionaries: Dictionaries, now: number): void {
    for (const { resource, routes } of this.declarations.values())
      if (routes !== undefined)
        change(database, dictionaries, () => beat(database, dictionaries.resource(resource, now), 0));
  }

  private of(resource: StoredResource): Declaration {
    return getOrAdd(this.declarations, resource, () => ({
      resource,
      routes: undefined,
      functions: [],
      isWritten: true,
      beatAt: 0,
    }));
  }
}

function change(database: Database, dictionaries: Dictionaries, work: () => unknown): void {
  try {
    database.transaction(work);
  } catch (error) {
    dictionaries.clear();
    throw error;
  }
}

/** Notes when the process last ran, 0 where it has ended; returns whether it was known. */
function beat(database: Database, { resource }: ResourceIds, seen: number): boolean {
  return database.run('UPDATE declarations SET seen = ? WHERE resource = ?', seen, resource) > 0;
}

const PUT_FUNCTION = `INSERT INTO functions (service, name, file, line) VALUES (?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET file = excluded.file, line = excluded.line`;
const PUT_DECLARATION = `INSERT INTO declarations (resource, service, seen) VALUES (?, ?, ?)
  ON CONFLICT DO UPDATE SET seen = excluded.seen`;
const PUT_ROUTE = `INSERT INTO routes (service, method, route, handler, is_entry) VALUES (?, ?, ?, ?, 1)
  ON CONFLICT DO UPDATE SET handler = excluded.handler, is_entry = 1 RETURNING id`;
const DECLARE_ROUTE = 'INSERT INTO declared_routes (route, resource) VALUES (?, ?) ON CONFLICT DO NOTHING';

function writeDeclaration(
  database: Database,
  { resource, service }: ResourceIds,
  { routes, functions }: Declaration,
  now: number,
): void {
  for (const { name, file, line } of functions) database.run(PUT_FUNCTION, service, name, file, line);
  if (routes === undefined) return;
  database.run(PUT_DECLARATION, resource, service, now);
  database.run('DELETE FROM declared_routes WHERE resource = ?', resource);
  for (const { method, route, handler = null } of routes) {
    const { id } = database.one<{ id: number }>(PUT_ROUTE, service, method, route, handler);
    database.run(DECLARE_ROUTE, id, resource);
  }
}

/** Deletes the routes of processes of the service that have ended. */
function forgetGone(database: Database, { resource, service }: ResourceIds, now: number): void {
  const gone = 'FROM declarations WHERE service = ? AND seen < ? AND resource <> ?';
  const values = [service, now - GONE_MS, resource] as const;
  database.run(`DELETE FROM declared_routes WHERE resource IN (SELECT resource ${gone})`, ...values);
  database.run(`DELETE ${gone}`, ...values);
}
