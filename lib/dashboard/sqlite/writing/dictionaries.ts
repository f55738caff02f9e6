import { getOrAdd } from '../../get-or-add.js';
import { type Database } from '../database/database.js';
import { type StoredResource } from '../rows.interface.js';
import { noteStart } from './process-starts.js';

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

const PUT_SERVICE = `INSERT INTO services (name, version, environment, last_seen) VALUES (?, ?, ?, ?) ON CONFLICT (name)
  DO UPDATE SET version = excluded.version, environment = excluded.environment, last_seen = excluded.last_seen RETURNING id`;
const PUT_RESOURCE = `INSERT INTO resources (service, version, environment, instance, attributes, last_seen)
  VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET version = excluded.version, last_seen = excluded.last_seen RETURNING id`;
const PUT_SCOPE = 'INSERT INTO scopes (name) VALUES (?) ON CONFLICT DO UPDATE SET name = name RETURNING id';
const FIND_ROUTE = 'SELECT id FROM routes WHERE service = ? AND method = ? AND route = ?';
const PUT_ROUTE = `INSERT INTO routes (service, method, route, is_entry, last_seen) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET last_seen = excluded.last_seen RETURNING id`;

/** The number of a row. */
interface Numbered {
  readonly id: number;
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
    return getOrAdd(this.scopes, name, () => this.database.one<Numbered>(PUT_SCOPE, name).id);
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
    const service = database.one<Numbered>(PUT_SERVICE, given.service, version, environment, now).id;
    noteStart(database, service, given, now);
    const values = [service, version, environment, instance, attributes, now];
    return { resource: database.one<Numbered>(PUT_RESOURCE, ...values).id, service, seen: now };
  }

  private addRoute(service: number, { method, route, isEntry }: RouteKey, now: number): RouteIds {
    const { database } = this;
    const known = database.get<Numbered>(FIND_ROUTE, service, method, route);
    if (known !== undefined) {
      database.run('UPDATE routes SET last_seen = ?, is_entry = ? WHERE id = ?', now, +isEntry, known.id);
      return { id: known.id, seen: now };
    }
    this.routeCount ??= database.one<{ count: number }>('SELECT count(*) AS count FROM routes').count;
    const name = this.routeCount < MAX_ROUTES ? route : OTHER_ROUTE;
    this.routeCount += 1;
    return { id: database.one<Numbered>(PUT_ROUTE, service, method, name, +isEntry, now).id, seen: now };
  }
}
