import { type Database } from '../database/database.js';

/** The number of a service; undefined when it has never reported. */
export function findServiceId(database: Database, name: string): number | undefined {
  return database.get<{ id: number }>('SELECT id FROM services WHERE name = ?', name)?.id;
}

/** The names of all services by their numbers. */
export function readServiceNames(database: Database): Map<number, string> {
  const rows = database.all<{ id: number; name: string }>('SELECT id, name FROM services');
  return new Map(rows.map(({ id, name }) => [id, name]));
}
