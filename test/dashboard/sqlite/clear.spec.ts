import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { readRowCounts } from '../../../lib/dashboard/sqlite/database/row-counts.js';
import { findServices } from '../../../lib/dashboard/sqlite/queries/overview.js';
import { type StoredPoint } from '../../../lib/dashboard/sqlite/rows.interface.js';
import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { eventually } from '../../support/eventually.js';
import { cleanUp, newFolder, openTestStore } from './open-test-store.js';
import { logOf, resourceOf, spanOf } from './sample-rows.js';

afterEach(cleanUp);

const NOW = Date.now();
const USERS = resourceOf('users', { version: '2.0.0', instance: 'u1' });
const ORDERS = resourceOf('orders', { version: '1.0.0', instance: 'o1' });

function pointsOf(resource: typeof USERS, count: number): StoredPoint[] {
  const instrument = {
    resource,
    scope: 'test',
    name: 'jobs',
    description: '',
    unit: '1',
    type: 'counter' as const,
  };
  return Array.from({ length: count }, (_, index) => ({
    instrument,
    attributes: `{"n":${index % 5}}`,
    time: NOW - 120_000 + index * 100,
    value: 1,
    count: 1,
  }));
}

/** A request of the service that failed, with its lines and metrics. */
function fill(store: TelemetryStore, resource: typeof USERS, requests: number): void {
  for (let index = 0; index < requests; index += 1) {
    const span = spanOf({
      resource,
      start: (NOW - 1_000 - index) * 1_000,
      route: `/${resource.service}/:id`,
      ...(index % 3 === 0 && {
        status: 2,
        outcome: '500',
        attributes: `{"exception.fingerprint":"f-${resource.service}","user.id":"ada"}`,
      }),
    });
    store.addSpan(span);
    store.addLog(logOf({ resource, traceId: span.traceId, message: `request of ${resource.service}` }));
    store.addLog(logOf({ resource, level: 50, message: `lost by ${resource.service}` }));
  }
  store.addPoints(pointsOf(resource, 700));
  store.declareRoutes(resource, [{ method: 'GET', route: `/${resource.service}/never` }]);
  store.declareFunctions(resource, [{ name: `${resource.service}.find`, file: '/a.ts', line: 1 }]);
}

async function settle(store: TelemetryStore): Promise<void> {
  await store.flush();
  store.maintain(NOW);
}

/** The service has not reported for long. */
function leave(store: TelemetryStore, service: string): void {
  store.read((database) => {
    database.run('UPDATE services SET last_seen = 1000 WHERE name = ?', service);
    database.run('UPDATE declarations SET seen = 0');
  });
}

const namesOf = (store: TelemetryStore): readonly string[] =>
  store
    .read((database) => findServices(database, { from: 0, to: NOW + 1_000 }))
    .map(({ name }) => name)
    .sort();

const countsOf = (store: TelemetryStore) => store.read(readRowCounts);

/** Rows of each table that belong to a service, by whatever column says so. */
function rowsOf(store: TelemetryStore, service: string): Record<string, number> {
  const ids: Readonly<Record<string, string>> = {
    service: 'SELECT ?',
    route: 'SELECT id FROM routes WHERE service = ?',
    resource: 'SELECT id FROM resources WHERE service = ?',
    instrument: 'SELECT id FROM instruments WHERE service = ?',
    series: 'SELECT id FROM series WHERE instrument IN (SELECT id FROM instruments WHERE service = ?)',
    error: 'SELECT id FROM errors WHERE service = ?',
    operation: 'SELECT id FROM operations WHERE service = ?',
    trace: 'SELECT id FROM traces WHERE service = ?',
  };
  return store.read((database) => {
    const { id } = database.one<{ id: number }>('SELECT id FROM services WHERE name = ?', service);
    const tables = database.all<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'");
    const found: Record<string, number> = {};
    for (const { name } of tables)
      for (const column of database.all<{ name: string }>('SELECT name FROM pragma_table_info(?)', name)) {
        const owned = ids[column.name];
        if (owned === undefined || ['services', 'routes', 'resources'].includes(name)) continue;
        const sql = `SELECT count(*) AS count FROM ${name} WHERE ${column.name} IN (${owned})`;
        const { count } = database.one<{ count: number }>(sql, id);
        if (count > 0) found[name] = count;
      }
    return found;
  });
}

describe('a service that is gone', () => {
  it('is cleared from every table, and others keep what they have', async () => {
    const store = openTestStore();
    fill(store, USERS, 400);
    fill(store, ORDERS, 200);
    await settle(store);
    const before = rowsOf(store, 'orders');
    expect(Object.keys(rowsOf(store, 'users'))).toEqual(
      expect.arrayContaining([
        'traces',
        'spans',
        'logs',
        'points',
        'rollups',
        'errors',
        'error_parts',
        'operations',
        'operation_sums',
        'functions',
      ]),
    );
    leave(store, 'users');

    expect(await store.clear('users')).toBeUndefined();
    expect(rowsOf(store, 'users')).toEqual({});
    expect(rowsOf(store, 'orders')).toEqual(before);
    expect(namesOf(store)).toEqual(['orders']);
    // 200 requests, each with two lines.
    expect(countsOf(store)).toMatchObject({ spans: 200, logs: 400, points: before.points });
    expect(store.read((database) => database.one('SELECT evicted FROM counters'))).toEqual({ evicted: 0 });
  });

  it('is shown again with what it reports from then on', async () => {
    const store = openTestStore();
    fill(store, USERS, 10);
    await settle(store);
    leave(store, 'users');
    expect(await store.clear('users')).toBeUndefined();
    // Another process, which has its number in mind from before.
    await eventually(async () => {
      store.addSpan(spanOf({ resource: USERS }));
      await store.flush();
      return namesOf(store).includes('users');
    });
    const { traces = 0, spans = 0 } = rowsOf(store, 'users');
    expect(traces).toBeGreaterThan(0);
    expect([spans, countsOf(store).spans]).toEqual([traces, traces]);
  });

  it('leaves its spans in traces that another one began', async () => {
    const store = openTestStore();
    const request = spanOf({ resource: ORDERS });
    const { traceId, idHigh: parentHigh, idLow: parentLow } = request;
    store.addSpan(request);
    store.addSpan(spanOf({ resource: USERS, traceId, parentHigh, parentLow }));
    await settle(store);
    leave(store, 'users');
    expect(await store.clear('users')).toBeUndefined();
    expect(countsOf(store).spans).toBe(2);
  });

  it('is not cleared while it runs, nor one that is not known; the reason is said', async () => {
    const store = openTestStore();
    fill(store, USERS, 3);
    await settle(store);
    expect(await store.clear('users')).toMatch(/^users runs, or has reported in the last minute/);
    expect(await store.clear("it's none")).toBe('No service "it\'s none" is stored.');
    expect(countsOf(store).spans).toBe(3);
  });
});

describe('everything', () => {
  it('is cleared with its file, and all processes that share it go on with a new one', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const [store, other] = [openTestStore({ file }), openTestStore({ file })];
    fill(store, USERS, 50);
    await settle(store);
    fill(other, ORDERS, 50);
    await settle(other);
    expect(namesOf(store)).toEqual(['orders', 'users']);

    expect(await store.clear()).toBeUndefined();
    expect(existsSync(file)).toBe(true);
    expect(countsOf(store)).toEqual({ spans: 0, logs: 0, points: 0 });
    // As it does each second by itself.
    other.maintain();
    expect(countsOf(other).spans).toBe(0);
    for (const [each, resource] of [
      [store, USERS],
      [other, ORDERS],
    ] as const) {
      fill(each, resource, 5);
      await each.flush();
    }
    expect(namesOf(store)).toEqual(['orders', 'users']);
    expect(countsOf(store)).toMatchObject({ spans: 10, logs: 20 });
    expect(store.dropped + other.dropped).toBe(0);
    // What a process declared once is declared again.
    store.maintain();
    await eventually(() =>
      store.read((database) => database.all("SELECT 1 FROM routes WHERE route = '/users/never'").length > 0),
    );
  });

  it('is cleared from memory, too, and questions that are on their way are answered from what there is then', async () => {
    const store = openTestStore();
    fill(store, USERS, 50);
    await settle(store);
    const asked = store.ask((database) => findServices(database, { from: 0, to: NOW + 1_000 }));
    expect(await store.clear()).toBeUndefined();
    expect(Array.isArray(await asked)).toBe(true);
    expect(countsOf(store)).toEqual({ spans: 0, logs: 0, points: 0 });
    expect(namesOf(store)).toEqual([]);
  });
});
