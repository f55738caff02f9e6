import { type Database } from '../database/database.js';
import { Conditions } from './conditions.js';

/** Routes by which something entered. */
export function findRouteIds(
  database: Database,
  service: number | undefined,
  route: string | undefined,
  method: string | undefined,
): number[] {
  const conditions = new Conditions();
  conditions.add('is_entry = 1');
  if (service !== undefined) conditions.add('service = ?', service);
  if (route !== undefined) conditions.add('route = ?', route);
  if (method !== undefined) conditions.add('method = ?', method);
  return database
    .all<{ id: number }>(`SELECT id FROM routes WHERE ${conditions.sql}`, ...conditions.values)
    .map(({ id }) => id);
}
