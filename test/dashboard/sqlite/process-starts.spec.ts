import { join } from 'node:path';

import { findStarts } from '../../../lib/dashboard/sqlite/queries/starts.js';
import { type StoredResource } from '../../../lib/dashboard/sqlite/rows.interface.js';
import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { cleanUp, newFolder, openTestStore } from './open-test-store.js';
import { spanOf } from './sample-rows.js';

afterEach(cleanUp);

const EVER = { from: 0, to: Number.MAX_SAFE_INTEGER };

const processOf = (version: string, instance: string, more = ''): StoredResource => ({
  service: 'worker',
  version,
  environment: 'test',
  instance,
  attributes: JSON.stringify({ version, instance, more }),
});
async function hear(store: TelemetryStore, ...resources: readonly StoredResource[]): Promise<void> {
  for (const resource of resources) {
    store.addSpan(spanOf({ resource }));
    await store.flush();
  }
}
const versionsOf = (store: TelemetryStore) =>
  store
    .read((database) => findStarts(database, EVER))
    .map(({ version, previousVersion }) => `${previousVersion ?? '-'} ${version}`);

describe('starts of processes', () => {
  it('are one for a process whose signals come with different resources', async () => {
    const store = openTestStore();
    await hear(store, processOf('1', 'a'), processOf('1', 'a', 'metrics'), processOf('1', 'b'));
    expect(versionsOf(store)).toEqual(['- 1', '1 1']);
  });

  it('are known again when the file is opened by the next process, with the version before', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const first = openTestStore({ file });
    await hear(first, processOf('1', 'a'));
    await first.close();
    const second = openTestStore({ file });
    await hear(second, processOf('2', 'b'));
    expect(versionsOf(second)).toEqual(['- 1', '1 2']);
  });

  it('compare with the process before also in a file of an earlier version of the store', async () => {
    const store = openTestStore();
    await hear(store, processOf('1', 'a'));
    store.read((database) => database.run('DELETE FROM process_starts'));
    await hear(store, processOf('2', 'b'));
    expect(versionsOf(store)).toEqual(['1 2']);
  });

  it('are not kept without end where a process starts again all the time', async () => {
    const store = openTestStore();
    for (let index = 0; index < 2_050; index += 1)
      store.addSpan(spanOf({ resource: processOf('1', `process ${index}`) }));
    await store.flush();
    const { count } = store.read((database) =>
      database.one<{ count: number }>('SELECT count(*) AS count FROM process_starts'),
    );
    expect(count).toBe(2_000);
    expect(versionsOf(store)).toHaveLength(500);
  });
});
