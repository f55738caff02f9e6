import { Database } from '../../../lib/dashboard/sqlite/database/database.js';
import { findLogs } from '../../../lib/dashboard/sqlite/queries/find-logs.js';
import { rankSelection } from '../../../lib/dashboard/sqlite/queries/rank-selection.js';
import { type Question } from '../../../lib/dashboard/sqlite/query-scheduler.js';
import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { cleanUp, openTestStore } from './open-test-store.js';
import { logOf, spanOf } from './sample-rows.js';

afterEach(async () => {
  jest.restoreAllMocks();
  await cleanUp();
});

const NOW = Date.now();

/** The answer, and how many rows a search has passed over or found in JavaScript, where each costs many times what it does in SQLite. */
function ask<T>(store: TelemetryStore, question: Question<T>): { readonly answer: T; readonly rows: number } {
  const { iterate } = Database.prototype;
  let rows = 0;
  jest.spyOn(Database.prototype, 'iterate').mockImplementation(function* <Row>(
    this: Database,
    ...given: Parameters<Database['iterate']>
  ): Iterable<Row> {
    for (const row of iterate.call(this, ...given) as Iterable<Row>) {
      rows += 1;
      yield row;
    }
  });
  const answer = store.read(question);
  return { answer, rows };
}

describe('rows that do not match', () => {
  it('do not come to JavaScript when lines are searched by a field', async () => {
    const store = openTestStore();
    for (let index = 0; index < 3_000; index += 1)
      store.addLog(logOf({ time: NOW - index, attributes: `{"id":"${index % 1_000}"}` }));
    await store.flush();
    const { answer, rows } = ask(store, (database) =>
      findLogs(database, { fields: [{ key: 'id', value: '7' }] }),
    );
    expect(answer.items).toHaveLength(3);
    expect(answer.next).toBeUndefined();
    expect(rows).toBeLessThan(100);
  });

  it('do not come to JavaScript when a region is compared with the rest', async () => {
    const store = openTestStore();
    for (let index = 0; index < 6_000; index += 1)
      store.addSpan(
        spanOf({
          start: (NOW - 6_000 + index) * 1_000,
          duration: index % 3 === 0 ? 200_000 : 1_000,
          attributes: index % 3 === 0 ? '{"tenant":"slow"}' : '{"tenant":"fast"}',
        }),
      );
    await store.flush();
    const region = { from: NOW - 60_000, to: NOW + 1, minMs: 100 };
    const { answer, rows } = ask(store, (database) => rankSelection(database, region));
    expect([answer.selected, answer.others]).toEqual([200, 200]);
    expect(answer.attributes[0]).toMatchObject({
      key: 'tenant',
      value: 'slow',
      selectedShare: 1,
      otherShare: 0,
    });
    expect(rows).toBeLessThan(3_000);
    expect(store.read((database) => rankSelection(database, region))).toEqual(answer);
  });
});
