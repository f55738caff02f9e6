import { join } from 'node:path';

import { createSqliteReader } from '../../../lib/dashboard/sqlite/sqlite-reader.js';
import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { eventually } from '../../support/eventually.js';
import { cleanUp, newFolder, openTestStore } from './open-test-store.js';
import { spanOf } from './sample-rows.js';

afterEach(cleanUp);

const versionsOf = async (store: TelemetryStore) =>
  (await createSqliteReader(store).routeVersions({})).map(({ version, count }) => [version, count]);
const storedVersions = (store: TelemetryStore): number =>
  store.read((database) => database.one<{ n: number }>('SELECT count(*) AS n FROM version_sums').n);

/** Writes the spans, but not their sums. */
async function addSpans(store: TelemetryStore, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) store.addSpan(spanOf());
  await eventually(() => store.queued === 0);
  store.maintain();
}

describe('sums that no chart shows', () => {
  it('wait in memory, and are written before a question of the same process', async () => {
    const store = openTestStore();
    await addSpans(store, 3);
    expect(storedVersions(store)).toBe(0);
    expect(await versionsOf(store)).toEqual([['1.0.0', 3]]);
    expect(storedVersions(store)).toBe(1);
  });

  it('are all written with flush()', async () => {
    const store = openTestStore();
    await addSpans(store, 2);
    await store.flush();
    expect(storedVersions(store)).toBe(1);
  });

  it('are written on close, and add up with those of the process before and of others', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const before = openTestStore({ file });
    await addSpans(before, 2);
    await before.close();
    const [first, second] = [openTestStore({ file }), openTestStore({ file })];
    await addSpans(first, 3);
    await addSpans(second, 4);
    expect(await versionsOf(first)).toEqual([['1.0.0', 5]]);
    await second.close();
    expect(await versionsOf(openTestStore({ file }))).toEqual([['1.0.0', 9]]);
  });
});
