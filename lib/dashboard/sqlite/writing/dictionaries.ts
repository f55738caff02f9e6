import { type Database } from '../database/database.js';
import { type StoredResource } from '../rows.interface.js';

/** Names made up per request must not grow the table of routes for ever; those beyond are one. */
const MAX_ROUTES = 5_000;
const OTHER_ROUTE = '(other)';
/** How precise "last seen" is. */
const SEEN_EVERY_MS = 1_000;

/** The numbers of a resource and its service. */
export interface ResourceIds {
  readonly resource: number;
  readonly service: number;
  seen: number;
}

/** Which group something belongs to, and whether it entered a service there. */
export interface RouteKey {
  readonly method: string;
  readonly route: string;
  readonly isEntry: boolean;
}

interface RouteIds {
  readonly id: number;
  seen: number;
}

/** Numbers for what rows say again and again. */
export class Dictionaries {
  private resources = new WeakMap<StoredResource, ResourceIds>();
  private readonly scopes = new Map<string, number>();
  private readonly routes = new Map<string, RouteIds>();
  private routeCount: number | undefined;

  constructor(private readonly database: Database) {}

  /** Forgets everything: what was learned in a change that was taken back is not there. */
  clear(): void {
    this.resources = new WeakMap();
    this.scopes.clear();
    this.routes.clear();
    this.routeCount = undefined;
  }

  resource(resource: StoredResource, now: number): ResourceIds {
    let ids = this.resources.get(resource);
    if (ids === undefined) {
      ids = this.addResource(resource, now);
      this.resources.set(resource, ids);
    } else if (now - ids.seen >= SEEN_EVERY_MS) {
      ids.seen = now;
      this.database.run('UPDATE services SET last_seen = ? WHERE id = ?', now, ids.service);
      this.database.run('UPDATE resources SET last_seen = ? WHERE id = ?', now, ids.resource);
    }
    return ids;
  }

  scope(name: string): number {
    let id = this.scopes.get(name);
    if (id === undefined) {
      this.database.run('INSERT INTO scopes (name) VALUES (?) ON CONFLICT DO NOTHING', name);
      id = this.database.one<{ id: number }>('SELECT id FROM scopes WHERE name = ?', name).id;
      this.scopes.set(name, id);
    }
    return id;
  }

  route(service: number, { method, route, isEntry }: RouteKey, now: number): number {
    const key = `${service} ${method} ${route}`;
    let found = this.routes.get(key);
    if (found === undefined) {
      found = this.addRoute(service, { method, route, isEntry }, now);
      if (this.routes.size < MAX_ROUTES) this.routes.set(key, found);
    } else if (now - found.seen >= SEEN_EVERY_MS) {
      found.seen = now;
      this.database.run('UPDATE routes SET last_seen = ? WHERE id = ?', now, found.id);
    }
    return found.id;
  }

  private addResource(given: StoredResource, now: number): ResourceIds {
    const { version, environment, instance, attributes } = given;
    const { database } = this;
    database.run(
      `INSERT INTO services (name, version, environment, last_seen) VALUES (?, ?, ?, ?) ON CONFLICT (name)
       DO UPDATE SET version = excluded.version, environment = excluded.environment, last_seen = excluded.last_seen`,
      given.service,
      version,
      environment,
      now,
    );
    const service = database.one<{ id: number }>('SELECT id FROM services WHERE name = ?', given.service).id;
    database.run(
      `INSERT INTO resources (service, version, environment, instance, attributes, last_seen) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET version = excluded.version, last_seen = excluded.last_seen`,
      service,
      version,
      environment,
      instance,
      attributes,
      now,
    );
    const { id } = database.one<{ id: number }>(
      'SELECT id FROM resources WHERE service = ? AND instance = ? AND attributes = ?',
      service,
      instance,
      attributes,
    );
    return { resource: id, service, seen: now };
  }

  private addRoute(service: number, { method, route, isEntry }: RouteKey, now: number): RouteIds {
    const { database } = this;
    const find = 'SELECT id FROM routes WHERE service = ? AND method = ? AND route = ?';
    const known = database.get<{ id: number }>(find, service, method, route);
    if (known !== undefined) {
      database.run('UPDATE routes SET last_seen = ?, is_entry = ? WHERE id = ?', now, +isEntry, known.id);
      return { id: known.id, seen: now };
    }
    this.routeCount ??= database.one<{ count: number }>('SELECT count(*) AS count FROM routes').count;
    const name = this.routeCount < MAX_ROUTES ? route : OTHER_ROUTE;
    this.routeCount += 1;
    database.run(
      `INSERT INTO routes (service, method, route, is_entry, last_seen) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET last_seen = excluded.last_seen`,
      service,
      method,
      name,
      +isEntry,
      now,
    );
    return { id: database.one<{ id: number }>(find, service, method, name).id, seen: now };
  }
}
