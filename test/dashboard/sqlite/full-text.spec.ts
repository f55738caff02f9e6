import { join } from 'node:path';

import { type LogAnswer } from '../../../lib/dashboard/reader/answers/logs.interface.js';
import { type LogFilter } from '../../../lib/dashboard/reader/telemetry-reader.interface.js';
import { listBlocks } from '../../../lib/dashboard/sqlite/full-text.js';
import { findLogs } from '../../../lib/dashboard/sqlite/queries/find-logs.js';
import { readStore } from '../../../lib/dashboard/sqlite/queries/read-store.js';
import { type StoredLog } from '../../../lib/dashboard/sqlite/rows.interface.js';
import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { setWarningSink } from '../../../lib/errors/warnings.js';
import { eventually } from '../../support/eventually.js';
import { describeWithWordIndex } from '../../support/word-index.js';
import { cleanUp, newFolder, openTestStore } from './open-test-store.js';
import { logOf, spanOf } from './sample-rows.js';

afterEach(cleanUp);

async function addLines(
  store: TelemetryStore,
  count: number,
  lineOf: (index: number) => Partial<StoredLog>,
): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    store.addLog(logOf(lineOf(index)));
    if (index % 5_000 === 4_999) await store.flush();
  }
  await store.flush();
}

function findAll(store: TelemetryStore, filter: LogFilter): LogAnswer[] {
  const found: LogAnswer[] = [];
  let before: string | undefined;
  do {
    const page = store.read((database) => findLogs(database, { ...filter, before }));
    found.push(...page.items);
    before = page.next;
  } while (before !== undefined);
  return found;
}

const blocksOf = (store: TelemetryStore) => store.read((database) => listBlocks(database));

const tablesOf = (store: TelemetryStore) =>
  store.read((database) =>
    database.all<{ name: string }>("SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL%'"),
  );

describeWithWordIndex('the words of log lines, in blocks', () => {
  it('are found in all blocks, newest first, page by page', async () => {
    const store = openTestStore();
    await addLines(store, 25_000, (index) => ({
      message: `line ${index} ${index % 2_500 === 0 ? 'seldom' : ''}`,
    }));
    expect(blocksOf(store).map(({ lines }) => lines)).toEqual([5_000, 10_000, 10_000]);
    const messages = findAll(store, { text: 'line', limit: 4_000 }).map(({ message }) => message.trim());
    expect(messages).toHaveLength(25_000);
    expect(messages[0]).toBe('line 24999');
    expect(messages.at(-1)).toBe('line 0 seldom');
    expect(findAll(store, { text: 'seldom', limit: 3 })).toHaveLength(10);
  });

  it('of few but long lines fill a block too', async () => {
    const store = openTestStore();
    await addLines(store, 600, () => ({ message: 'word '.repeat(1_000) }));
    expect(blocksOf(store)).toHaveLength(2);
  });

  it('go with their block when all its lines are evicted', async () => {
    const store = openTestStore({ maxLogs: 1_000 });
    await addLines(store, 25_000, (index) => ({ message: `line ${index}` }));
    await eventually(() => store.read(readStore).logs <= 1_000);
    await eventually(() => blocksOf(store).length === 1);
    expect(tablesOf(store)).toHaveLength(1);
    expect(findAll(store, { text: 'line' })).toHaveLength(store.read(readStore).logs);
  });

  it('are put into the same blocks by all who write to a file', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const stores = [openTestStore({ file }), openTestStore({ file })];
    await Promise.all(stores.map((store, of) => addLines(store, 8_000, () => ({ message: `by ${of}` }))));
    for (const store of stores) {
      expect(findAll(store, { text: 'by', limit: 10_000 })).toHaveLength(16_000);
      expect(findAll(store, { text: 'by 1', limit: 10_000 })).toHaveLength(8_000);
      expect(blocksOf(store).map(({ live }) => live)).toEqual([6_000, 10_000]);
    }
  });

  it('are there when the change that was to begin their block was taken back', async () => {
    const restore = setWarningSink(() => undefined);
    const store = openTestStore();
    // @ts-expect-error -- a row that the database refuses, and with it the change that all of them are in
    store.addSpan(spanOf({ name: null }));
    await addLines(store, 20, (index) => ({ message: `line ${index}` }));
    expect(findAll(store, { text: 'line' })).toHaveLength(20);
    expect(tablesOf(store)).toHaveLength(1);
    restore();
  });
});

describe('the words of log lines', () => {
  it('of lines that stay do not keep those of all others', async () => {
    const store = openTestStore({ maxLogs: 2_000 });
    let seen = 0;
    for (let round = 1; round <= 6; round += 1) {
      await addLines(store, 10_000, (index) =>
        index % 100 === 0 ? { level: 50, message: 'an error' } : { message: 'nothing' },
      );
      const errors = findAll(store, { text: 'error' });
      expect(errors).toHaveLength(round * 100);
      seen = errors.length;
    }
    await eventually(() => store.read(readStore).logs <= 2_000);
    const sumOf = (key: 'lines' | 'live') => blocksOf(store).reduce((sum, block) => sum + block[key], 0);
    await eventually(() => sumOf('lines') - sumOf('live') <= 10_000 + sumOf('live'));
    expect(tablesOf(store)).toHaveLength(blocksOf(store).length);
    const left = findAll(store, { text: 'error' });
    expect(left).toHaveLength(seen);
    expect(new Set(left.map(({ id }) => id)).size).toBe(seen);
  });

  it('never lead to a line that came after theirs had gone', async () => {
    const store = openTestStore();
    await addLines(store, 3, () => ({ message: 'former' }));
    store.read((database) => database.run('DELETE FROM logs'));
    await addLines(store, 3, () => ({ message: 'later' }));
    expect(findAll(store, { text: 'former' })).toEqual([]);
    expect(findAll(store, { text: 'later' })).toHaveLength(3);
  });

  it('can be looked for while another process evicts their lines', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const writing = openTestStore({ file, maxLogs: 3_000 });
    const reading = openTestStore({ file });
    const end = new AbortController();
    const looking = (async () => {
      let most = 0;
      while (!end.signal.aborted) {
        const filter = { text: 'line', limit: 10_000 };
        const { items } = await reading.ask((database) => findLogs(database, filter));
        const ids = items.map(({ id }) => id);
        expect(ids).toEqual([...new Set(ids)].sort((a, b) => b - a));
        most = Math.max(most, ids.length);
      }
      return most;
    })();
    await addLines(writing, 60_000, (index) => ({ message: `line ${index}` }));
    end.abort();
    expect(await looking).toBeGreaterThan(1_000);
    expect(reading.file).toBe(file);
    expect(writing.dropped).toBe(0);
  });

  it('are looked for in the lines themselves where SQLite has no index of them', async () => {
    const store = openTestStore({ maxLogs: 500 });
    store.read((database) => {
      database.hasFullText = false;
    });
    await addLines(store, 2_000, (index) => ({ message: `line ${index}` }));
    await eventually(() => store.read(readStore).logs <= 500);
    expect(findAll(store, { text: 'ine 1999' })).toHaveLength(1);
    expect(tablesOf(store)).toEqual([]);
  });
});
