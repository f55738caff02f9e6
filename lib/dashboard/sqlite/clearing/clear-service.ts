import { setImmediate, setTimeout } from 'node:timers/promises';

import { type Database, type SqlValue } from '../database/database.js';
import { type StoreDatabase } from '../database/store-database.js';
import { POINT_LEVEL } from '../encoding/buckets.js';
import {
  deleteTrace,
  type Eviction,
  runEviction,
  STEP_MS,
  VICTIM,
  type Victim,
} from '../eviction/evict-traces.js';
import { removeLines } from '../full-text.js';

/** A service that has reported, or said that it runs, within so long is not gone. */
export const GONE_MS = 60_000;
/** Rows that are looked at between two looks at the clock. */
const CHUNK = 256;
/** Other processes write, too: for so long it is tried again. */
const BUSY_MS = 10_000;
const RETRY_MS = 25;

/** Primary key of the row that was looked at last. */
type Key = readonly SqlValue[];

/** Looks at some rows after a key, deletes those of the service, and returns the last key; undefined when there are no more. */
type Step = (eviction: Eviction, service: number, after: Key | undefined) => Key | undefined;

interface ServiceRow {
  readonly id: number;
  readonly lastSeen: number;
  readonly beat: number | null;
}

const FIND = `SELECT id, last_seen AS lastSeen, (SELECT max(seen) FROM declarations WHERE service = services.id) AS beat
  FROM services WHERE name = ?`;

/**
 * Deletes what is stored of a service that is gone, in steps between which others have their turn: the traces that it began, its log lines,
 * metrics, errors, sums and routes. Spans in traces that other services began stay. Numbers of the service, its routes and its
 * resources stay, too, for other processes may have them in mind; they are not shown until it reports again.
 *
 * Returns why not all is deleted; undefined when it is. Never rejects.
 */
export async function clearService(
  store: StoreDatabase,
  name: string,
  now = Date.now(),
): Promise<string | undefined> {
  const found = store.attempt((database) => database.get<ServiceRow>(FIND, name));
  if (found === undefined || found.lastSeen === 0) return `No service ${JSON.stringify(name)} is stored.`;
  const seen = Math.max(found.lastSeen, found.beat ?? 0);
  if (now - seen < GONE_MS)
    return `${name} runs, or has reported in the last minute: stop it and wait for a minute, or clear everything.`;
  for (const step of [clearTraces, clearLogs, ...clearOwned(store.current), hide]) {
    let after: Key | undefined;
    do {
      const begin = after;
      const done = await untilNotBusy(() =>
        store.attempt((database) =>
          runEviction(database, STEP_MS, (eviction) => {
            // The database may be another one, and the service may have come back.
            const current = database.get<ServiceRow>(FIND, name);
            if (current === undefined || current.lastSeen > found.lastSeen) return { isBack: true };
            return { after: step(eviction, current.id, begin) };
          }),
        ),
      );
      if (done === undefined) return 'The store is busy: not everything is deleted yet. Try again.';
      if (done.isBack === true) return `${name} reports again: not everything of it is deleted.`;
      ({ after } = done);
      await setImmediate();
    } while (after !== undefined);
  }
  return undefined;
}

async function untilNotBusy<T>(attempt: () => T | undefined): Promise<T | undefined> {
  const until = performance.now() + BUSY_MS;
  for (;;) {
    const result = attempt();
    if (result !== undefined || performance.now() >= until) return result;
    await setTimeout(RETRY_MS);
  }
}

/** Traces that the service began, with their spans. */
const clearTraces: Step = (eviction, service, after = [0]) => {
  const { database, isTimeUp } = eviction;
  const [from = 0] = after;
  const last = lastOf(database, 'traces', from);
  if (last === undefined) return undefined;
  const sql = `${VICTIM} WHERE id > ? AND id <= ? AND service = ? ORDER BY id`;
  for (const victim of database.all<Victim>(sql, from, last, service)) {
    deleteTrace(eviction, victim, 'cleared');
    // Of a large one only a part goes at a time.
    if (database.get('SELECT 1 FROM traces WHERE id = ?', victim.id) !== undefined) return [victim.id - 1];
    if (isTimeUp()) return [victim.id];
  }
  return [last];
};

const clearLogs: Step = ({ database, tally, isTimeUp }, service, after = [0]) => {
  let [from = 0] = after;
  do {
    const last = lastOf(database, 'logs', from);
    if (last === undefined) return undefined;
    const sql = 'DELETE FROM logs WHERE id > ? AND id <= ? AND service = ? RETURNING id';
    const lines = database.all<{ id: number }>(sql, from, last, service).map(({ id }) => id);
    removeLines(database, lines);
    tally.addLogs(-lines.length);
    from = last;
  } while (!isTimeUp());
  return [from];
};

/** The id of the last of the next rows; undefined when there are none. */
function lastOf(database: Database, table: 'traces' | 'logs', from: SqlValue): number | undefined {
  const sql = `SELECT max(id) AS last FROM (SELECT id FROM ${table} WHERE id > ? ORDER BY id LIMIT ${CHUNK})`;
  return database.one<{ last: number | null }>(sql, from).last ?? undefined;
}

/** Columns by which rows belong to a service, in the order in which their tables are cleared: what others refer to goes last. */
const OWNERS: Readonly<Record<string, string>> = {
  series:
    'SELECT series.id FROM series JOIN instruments ON instruments.id = series.instrument WHERE service = ?',
  error: 'SELECT id FROM errors WHERE service = ?',
  operation: 'SELECT id FROM operations WHERE service = ?',
  route: 'SELECT id FROM routes WHERE service = ?',
  resource: 'SELECT id FROM resources WHERE service = ?',
  instrument: 'SELECT id FROM instruments WHERE service = ?',
  service: 'SELECT ?',
};

/** Cleared above, or kept; see `clearService()`. */
const OTHER_TABLES = ['traces', 'spans', 'logs', 'services', 'routes', 'resources'];
const TABLES = `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'words%' AND name NOT LIKE 'sqlite%'
  AND name NOT IN (${OTHER_TABLES.map((name) => `'${name}'`).join(', ')})`;

/** A step for each table whose rows belong to a service, whatever tables there are. */
function clearOwned(database: Database): Step[] {
  const columns = database.all<{ name: string }>(TABLES).map(({ name }) => ({
    name,
    columns: database.all<{ name: string; pk: number }>('SELECT name, pk FROM pragma_table_info(?)', name),
  }));
  const cleared = new Set<string>();
  return Object.entries(OWNERS).flatMap(([column, owners]) =>
    columns
      .filter((table) => !cleared.has(table.name) && table.columns.some(({ name }) => name === column))
      .map((table) => {
        cleared.add(table.name);
        const keys = table.columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
        return clearTable(
          table.name,
          keys.map(({ name }) => name),
          `${column} IN (${owners})`,
        );
      }),
  );
}

function clearTable(table: string, keys: readonly string[], isOwned: string): Step {
  const tuple = `(${keys.join(', ')})`;
  const marks = `(${keys.map(() => '?').join(', ')})`;
  return ({ database, tally, isTimeUp }, service, given) => {
    let after = given;
    do {
      const isAfter = after === undefined ? '1' : `${tuple} > ${marks}`;
      const last = database.get<Record<string, SqlValue>>(
        `SELECT ${keys.join(', ')} FROM ${table} WHERE ${isAfter} ORDER BY ${keys.join(', ')} LIMIT 1 OFFSET ${CHUNK - 1}`,
        ...(after ?? []),
      );
      const until = last && keys.map((key) => last[key] ?? null);
      const isUntil = until === undefined ? '1' : `${tuple} <= ${marks}`;
      const sql = `DELETE FROM ${table} WHERE ${isAfter} AND ${isUntil} AND ${isOwned}`;
      const values = [...(after ?? []), ...(until ?? []), service];
      if (table === 'points')
        for (const { level } of database.all<{ level: number }>(`${sql} RETURNING level`, ...values))
          tally.addPoints(-1, level === POINT_LEVEL.asCollected);
      else database.run(sql, ...values);
      after = until;
    } while (after !== undefined && !isTimeUp());
    return after;
  };
}

const hide: Step = ({ database }, service) => {
  database.run('UPDATE routes SET last_seen = NULL, handler = NULL WHERE service = ?', service);
  database.run('UPDATE services SET last_seen = 0 WHERE id = ?', service);
  return undefined;
};
