import { type Database } from '../database/database.js';
import { type DeclaredRoute, type StoredResource } from '../rows.interface.js';
import { type Dictionaries } from './dictionaries.js';

/**
 * Writes which routes a service has; those it declared before and has no more are declared no more.
 *
 * @throws SQLite's error; then nothing of it is written
 */
export function declareRoutes(
  database: Database,
  dictionaries: Dictionaries,
  resource: StoredResource,
  routes: readonly DeclaredRoute[],
  now: number,
): void {
  try {
    database.transaction(() => {
      const { service } = dictionaries.resource(resource, now);
      database.run('UPDATE routes SET is_declared = 0 WHERE service = ? AND is_declared = 1', service);
      for (const { method, route, handler } of routes)
        database.run(
          `INSERT INTO routes (service, method, route, handler, is_entry, is_declared) VALUES (?, ?, ?, ?, 1, 1)
           ON CONFLICT DO UPDATE SET handler = excluded.handler, is_declared = 1, is_entry = 1`,
          service,
          method,
          route,
          handler ?? null,
        );
    });
  } catch (error) {
    dictionaries.clear();
    throw error;
  }
}
