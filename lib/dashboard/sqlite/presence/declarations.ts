import { type Database } from '../database/database.js';
import { type DeclaredFunction, type DeclaredRoute, type StoredResource } from '../rows.interface.js';
import { type Dictionaries, type ResourceIds } from '../writing/dictionaries.js';

/** How often a process says that it is still there. */
const BEAT_MS = 5_000;
/** Who has not said so for that long is not. */
const GONE_MS = 15_000;

/** What a process says of itself. */
interface Declaration {
  readonly resource: StoredResource;
  routes: readonly DeclaredRoute[] | undefined;
  functions: readonly DeclaredFunction[];
  isWritten: boolean;
  /** When its routes were last said to be there. */
  beatAt: number;
}

/**
 * What the processes of services have: routes that may never be called, and methods. A route is there as long as any process
 * of the service has it that lives, or that was the last to live; so the process that is started again forgets what it had
 * before, and two that serve different routes under one name do not forget each other's.
 */
export class Declarations {
  private readonly declarations = new Map<StoredResource, Declaration>();

  /** Says which routes the process has now; those it had before and has no more are gone. */
  declareRoutes(resource: StoredResource, routes: readonly DeclaredRoute[]): void {
    Object.assign(this.of(resource), { routes, isWritten: false });
  }

  /** Says where methods are; those that were told before stay, for older spans name them. */
  declareFunctions(resource: StoredResource, functions: readonly DeclaredFunction[]): void {
    Object.assign(this.of(resource), { functions, isWritten: false });
  }

  /** The database is another one: all is said again. */
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
        // Whoever was held up for long has been taken for gone.
        if (!isWritten || !beat(database, ids, now)) writeDeclaration(database, ids, declaration, now);
        // Those without routes do not know which there are.
        if (routes !== undefined) forgetGone(database, ids, now);
      });
      Object.assign(declaration, { isWritten: true, beatAt: now });
    }
  }

  /**
   * Says that the process is there no more: its routes go when another of its service comes or is there.
   *
   * @throws SQLite's error
   */
  close(database: Database, dictionaries: Dictionaries, now: number): void {
    for (const { resource, routes } of this.declarations.values())
      if (routes !== undefined)
        change(database, dictionaries, () => {
          database.run(
            'UPDATE declarations SET seen = 0 WHERE resource = ?',
            dictionaries.resource(resource, now).resource,
          );
        });
  }

  private of(resource: StoredResource): Declaration {
    let declaration = this.declarations.get(resource);
    if (declaration === undefined) {
      declaration = { resource, routes: undefined, functions: [], isWritten: true, beatAt: 0 };
      this.declarations.set(resource, declaration);
    }
    return declaration;
  }
}

function change(database: Database, dictionaries: Dictionaries, work: () => void): void {
  try {
    database.transaction(work);
  } catch (error) {
    dictionaries.clear();
    throw error;
  }
}

/** Says that the process is still there; returns whether it was known to be. */
function beat(database: Database, { resource }: ResourceIds, now: number): boolean {
  return database.run('UPDATE declarations SET seen = ? WHERE resource = ?', now, resource) > 0;
}

function writeDeclaration(
  database: Database,
  { resource, service }: ResourceIds,
  { routes, functions }: Declaration,
  now: number,
): void {
  for (const { name, file, line } of functions)
    database.run(
      `INSERT INTO functions (service, name, file, line) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET file = excluded.file, line = excluded.line`,
      service,
      name,
      file,
      line,
    );
  if (routes === undefined) return;
  database.run(
    'INSERT INTO declarations (resource, service, seen) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET seen = excluded.seen',
    resource,
    service,
    now,
  );
  database.run('DELETE FROM declared_routes WHERE resource = ?', resource);
  for (const { method, route, handler = null } of routes) {
    database.run(
      `INSERT INTO routes (service, method, route, handler, is_entry) VALUES (?, ?, ?, ?, 1)
       ON CONFLICT DO UPDATE SET handler = excluded.handler, is_entry = 1`,
      service,
      method,
      route,
      handler,
    );
    database.run(
      `INSERT INTO declared_routes (route, resource) SELECT id, ? FROM routes WHERE service = ? AND method = ? AND route = ?
       ON CONFLICT DO NOTHING`,
      resource,
      service,
      method,
      route,
    );
  }
}

/** What processes of the service have left behind that are gone. */
function forgetGone(database: Database, { resource, service }: ResourceIds, now: number): void {
  const gone = 'FROM declarations WHERE service = ? AND seen < ? AND resource <> ?';
  const values = [service, now - GONE_MS, resource] as const;
  database.run(`DELETE FROM declared_routes WHERE resource IN (SELECT resource ${gone})`, ...values);
  database.run(`DELETE ${gone}`, ...values);
}
