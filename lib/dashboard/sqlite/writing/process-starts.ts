import { ATTR_HOST_NAME } from '../../../config/semantic-conventions.constants.js';
import { type Database } from '../database/database.js';
import { readAttributes } from '../queries/query-parts.js';
import { type StoredResource } from '../rows.interface.js';

/** Older ones are forgotten: a process that ends and starts again all the time must not fill the store. */
const MAX_STARTS = 2_000;

/** One process may describe itself in several ways, one for each signal. */
const IS_KNOWN = `SELECT 1 FROM resources WHERE service = ? AND instance = ?
  AND (attributes = ? OR (instance <> '' AND version = ?)) LIMIT 1`;
const NEWEST = 'SELECT version FROM resources WHERE service = ? ORDER BY id DESC LIMIT 1';
const INSERT = `INSERT INTO process_starts (service, version, time, previous_version, environment, process)
  VALUES (?, ?, ?, ?, ?, ?) RETURNING id`;

/**
 * Notes the start of a process whose resource is not stored yet.
 *
 * @param service number of its service
 * @param now milliseconds since the epoch
 */
export function noteStart(database: Database, service: number, resource: StoredResource, now: number): void {
  const { version, environment, instance, attributes } = resource;
  if (database.get(IS_KNOWN, service, instance, attributes, version) !== undefined) return;
  const { version: previous = null } = database.get<{ version: string }>(NEWEST, service) ?? {};
  const { id } = database.one<{ id: number }>(
    INSERT,
    service,
    version,
    now,
    previous,
    environment,
    processOf(resource),
  );
  database.run('DELETE FROM process_starts WHERE id <= ?', id - MAX_STARTS);
}

/** What a process is called: its instance, where it has none its host; empty without both. */
function processOf({ instance, attributes }: StoredResource): string {
  if (instance !== '') return instance;
  const { [ATTR_HOST_NAME]: host } = readAttributes(attributes);
  return typeof host === 'string' ? host : '';
}
