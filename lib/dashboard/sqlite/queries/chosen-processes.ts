import { ATTR_HOST_NAME } from '../../../config/semantic-conventions.constants.js';
import { type ProcessValuesAnswer } from '../../reader/answers/processes.interface.js';
import { type ProcessChoice, type TimeRange } from '../../reader/telemetry-reader.interface.js';
import { type Database } from '../database/database.js';
import { chooseService, Conditions } from './query-parts.js';

/** What a row of `resources` is called as a process. */
const PROCESS = `CASE WHEN instance <> '' THEN instance
  WHEN json_valid(attributes) THEN ifnull(attributes ->> '$."${ATTR_HOST_NAME}"', '') ELSE '' END`;

/** Values that are offered of each kind, those that reported last. */
const MAX_VALUES = 200;

/** Numbers of the resources of a service, or of all, that are chosen, as the text of a JSON array; undefined where all are. */
export function chooseProcesses(
  database: Database,
  { version, environment, process }: ProcessChoice,
  service?: number,
): string | undefined {
  if (version === undefined && environment === undefined && process === undefined) return undefined;
  const conditions = new Conditions();
  if (service !== undefined) conditions.add('service = ?', service);
  if (version !== undefined) conditions.add('version = ?', version);
  if (environment !== undefined) conditions.add('environment = ?', environment);
  if (process !== undefined) conditions.add(`${PROCESS} = ?`, process);
  const rows = database.all<{ id: number }>(
    `SELECT id FROM resources WHERE ${conditions.sql}`,
    ...conditions.values,
  );
  return JSON.stringify(rows.map(({ id }) => id));
}

/** That a row is of a chosen resource; to be used with the text of `chooseProcesses()`. */
export const isOfProcesses = (column: string): string => `${column} IN (SELECT value FROM json_each(?))`;

/** That a trace has a span of a chosen resource. */
export const HAS_PROCESS = `EXISTS (SELECT 1 FROM spans WHERE trace = traces.id AND ${isOfProcesses('resource')})`;

/** What the resources say that have reported since the begin of a range. */
export function findProcessValues(
  database: Database,
  { from, service: name }: TimeRange & { readonly service?: string | undefined },
): ProcessValuesAnswer {
  const service = chooseService(database, name);
  const valuesOf = (sql: string): string[] => {
    if (service === undefined) return [];
    const conditions = new Conditions();
    conditions.add('last_seen >= ?', from);
    if (service.id !== undefined) conditions.add('service = ?', service.id);
    return database
      .all<{ value: string }>(
        `SELECT value FROM (SELECT ${sql} AS value, last_seen FROM resources WHERE ${conditions.sql}) WHERE value <> ''
          GROUP BY value ORDER BY max(last_seen) DESC LIMIT ?`,
        ...conditions.values,
        MAX_VALUES,
      )
      .map(({ value }) => value)
      .sort((a, b) => a.localeCompare(b));
  };
  return {
    versions: valuesOf('version'),
    environments: valuesOf('environment'),
    processes: valuesOf(PROCESS),
  };
}
