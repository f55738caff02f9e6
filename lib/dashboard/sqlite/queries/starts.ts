import { type StartAnswer } from '../../reader/answers/traffic.interface.js';
import { type StartFilter } from '../../reader/telemetry-reader.interface.js';
import { type Database } from '../database/database.js';
import { chooseService, Conditions } from './query-parts.js';

const MAX_STARTS = 500;

interface StartRow extends Omit<StartAnswer, 'previousVersion'> {
  readonly previousVersion: string | null;
}

/** Processes that started in a range, the last at the end. */
export function findStarts(database: Database, filter: StartFilter): StartAnswer[] {
  const { from, to, service: name, version, environment, process } = filter;
  const service = chooseService(database, name);
  if (service === undefined) return [];
  const conditions = new Conditions();
  conditions.add('time >= ? AND time < ?', from, to);
  if (service.id !== undefined) conditions.add('service = ?', service.id);
  if (version !== undefined) conditions.add('process_starts.version = ?', version);
  if (environment !== undefined) conditions.add('process_starts.environment = ?', environment);
  if (process !== undefined) conditions.add('process_starts.process = ?', process);
  const rows = database.all<StartRow>(
    `SELECT services.name AS service, process_starts.version, time, previous_version AS previousVersion
      FROM process_starts JOIN services ON services.id = process_starts.service
      WHERE ${conditions.sql} ORDER BY time DESC, process_starts.id DESC LIMIT ?`,
    ...conditions.values,
    MAX_STARTS,
  );
  return rows
    .reverse()
    .map(({ previousVersion, ...start }) => ({ ...start, previousVersion: previousVersion ?? undefined }));
}
