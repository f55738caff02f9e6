import { type Database } from '../database/database.js';

/** Whom a question is about. */
export interface ChosenService {
  /** Its number; undefined for all services. */
  readonly id: number | undefined;
}

/** The service of that name, or all when none is named; undefined for one that has never reported, about which there is nothing to say. */
export function chooseService(database: Database, name: string | undefined): ChosenService | undefined {
  if (name === undefined) return { id: undefined };
  return database.get<{ id: number }>('SELECT id FROM services WHERE name = ?', name);
}

/** The names of all services by their numbers. */
export function readServiceNames(database: Database): Map<number, string> {
  const rows = database.all<{ id: number; name: string }>('SELECT id, name FROM services');
  return new Map(rows.map(({ id, name }) => [id, name]));
}
