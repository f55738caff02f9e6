import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { loadSqlite } from '../../../lib/dashboard/sqlite/database/open-database.js';
import { SCHEMA_VERSION } from '../../../lib/dashboard/sqlite/database/schema.js';
import { StoreDatabase } from '../../../lib/dashboard/sqlite/database/store-database.js';
import { readStore } from '../../../lib/dashboard/sqlite/queries/read-store.js';
import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { resetWarnings, setWarningSink } from '../../../lib/errors/warnings.js';
import { eventually } from '../../support/eventually.js';
import { cleanUp, newFolder, openTestStore } from './open-test-store.js';
import { logOf, spanOf } from './sample-rows.js';

let warnings: string[] = [];
let restore: () => void;

beforeEach(() => {
  warnings = [];
  resetWarnings();
  restore = setWarningSink((message) => {
    warnings.push(message);
  });
});

afterEach(async () => {
  await cleanUp();
  restore();
});

async function addRows(store: TelemetryStore, count = 3): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    store.addSpan(spanOf());
    store.addLog(logOf());
  }
  await store.flush();
}

const asideOf = (file: string) =>
  readdirSync(dirname(file)).filter((name) => /\.corrupt-\d{4}-\d\d-\d\dT[\d.-]+Z$/.test(name));

describe('the SQLite of Node', () => {
  it('is loaded without the warning that it is experimental, and with every other one', () => {
    const emitted: unknown[] = [];
    // As Node 22 loads it.
    const getBuiltinModule = jest.spyOn(process, 'getBuiltinModule').mockImplementation(() => {
      process.emitWarning(
        'SQLite is an experimental feature and might change at any time',
        'ExperimentalWarning',
      );
      process.emitWarning('another one');
      return undefined;
    });
    const emitWarning = jest.spyOn(process, 'emitWarning').mockImplementation((warning) => {
      emitted.push(warning);
    });
    try {
      loadSqlite();
      process.emitWarning('a later one');
    } finally {
      emitWarning.mockRestore();
      getBuiltinModule.mockRestore();
    }
    expect(emitted).toEqual(['another one', 'a later one']);
  });
});

describe('the file of the store', () => {
  it('lies in a folder that git ignores', async () => {
    const file = join(newFolder(), '.telemetry', 'telemetry.db');
    openTestStore({ file });
    expect(readFileSync(join(dirname(file), '.gitignore'), 'utf8')).toBe('*\n');
  });

  it('adds nothing to a folder that was there', () => {
    const folder = newFolder();
    openTestStore({ file: join(folder, 'telemetry.db') });
    expect(existsSync(join(folder, '.gitignore'))).toBe(false);
  });

  const modesIn = (folder: string): Record<string, string> =>
    Object.fromEntries(
      ['', ...readdirSync(folder)]
        .filter((name) => name !== '.gitignore')
        .map((name) => [name, (statSync(join(folder, name)).mode & 0o777).toString(8)]),
    );

  it.each([0o000, 0o022, 0o077])(
    'can be read by its owner only, like its journal and its folder, at a umask of %d',
    async (umask) => {
      const folder = join(newFolder(), '.telemetry');
      const before = process.umask(umask);
      try {
        await addRows(openTestStore({ file: join(folder, 'telemetry.db') }));
      } finally {
        process.umask(before);
      }
      expect(modesIn(folder)).toEqual({
        '': '700',
        'telemetry.db': '600',
        'telemetry.db-shm': '600',
        'telemetry.db-wal': '600',
      });
    },
  );

  it('of an earlier version that others could read is tightened, its journal and its folder too', async () => {
    const folder = join(newFolder(), '.telemetry');
    const file = join(folder, 'telemetry.db');
    const earlier = openTestStore({ file });
    await addRows(earlier);
    for (const name of ['', '-wal', '-shm']) chmodSync(file + name, 0o644);
    chmodSync(folder, 0o755);
    await addRows(openTestStore({ file }));
    expect(new Set(Object.values(modesIn(folder)))).toEqual(new Set(['600', '700']));
  });

  it('that is set aside cannot be read by others', async () => {
    const folder = newFolder();
    const file = join(folder, 'telemetry.db');
    writeFileSync(file, 'this is no database, whatever its name says'.repeat(100), { mode: 0o644 });
    await addRows(openTestStore({ file }));
    expect(modesIn(folder)[asideOf(file)[0]!]).toBe('600');
  });

  it('leaves the mode of a folder and of a database that are not ours', async () => {
    const folder = newFolder();
    const file = join(folder, 'telemetry.db');
    const foreign = new DatabaseSync(file);
    foreign.exec('CREATE TABLE theirs (id)');
    foreign.close();
    chmodSync(file, 0o644);
    chmodSync(folder, 0o755);
    await addRows(openTestStore({ file }));
    expect(modesIn(folder)).toEqual({ '': '755', 'telemetry.db': '644' });
  });

  it('is set aside with one warning when it is no database, and created again', async () => {
    const file = join(newFolder(), 'telemetry.db');
    writeFileSync(file, 'this is no database, whatever its name says'.repeat(100));
    const store = openTestStore({ file });
    await addRows(store);
    expect(store.file).toBe(file);
    expect(store.read(readStore).spans).toBe(3);
    expect(asideOf(file)).toHaveLength(1);
    expect(warnings).toEqual([expect.stringContaining(`${file} is damaged`)]);
    expect(warnings[0]).toContain(asideOf(file)[0]);
  });

  it.each([SCHEMA_VERSION - 1, SCHEMA_VERSION + 1])(
    'is set aside when it is of version %d',
    async (version) => {
      const file = join(newFolder(), 'telemetry.db');
      await openTestStore({ file }).close();
      const other = new DatabaseSync(file);
      other.exec(`PRAGMA user_version = ${version}`);
      other.close();
      const store = openTestStore({ file });
      await addRows(store);
      expect(store.read(readStore).spans).toBe(3);
      expect(asideOf(file)).toHaveLength(1);
      expect(warnings).toEqual([expect.stringContaining('of another version')]);
    },
  );

  it('is left alone when it is the database of something else', async () => {
    const file = join(newFolder(), 'orders.db');
    const theirs = new DatabaseSync(file);
    theirs.exec('CREATE TABLE orders (id INTEGER); INSERT INTO orders VALUES (7)');
    theirs.close();
    const store = openTestStore({ file });
    await addRows(store);
    expect(store.file).toBe(':memory:');
    expect(store.read(readStore).spans).toBe(3);
    const again = new DatabaseSync(file);
    expect(again.prepare('SELECT id FROM orders').all()).toEqual([{ id: 7 }]);
    again.close();
    expect(warnings).toEqual([expect.stringContaining('is a database of something else')]);
  });

  it('is in memory with one warning where none can be made', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'taken'), '');
    const store = openTestStore({ file: join(folder, 'taken', 'telemetry.db') });
    await addRows(store);
    expect(store.file).toBe(':memory:');
    expect(store.read(readStore)).toMatchObject({ spans: 3, logs: 3 });
    expect(warnings).toEqual([expect.stringContaining('is kept in memory')]);
  });

  it('is set aside when it turns out to be damaged while it is written', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const before = openTestStore({ file });
    await addRows(before, 500);
    await before.close();
    const bytes = readFileSync(file);
    // The header stays, so that it opens.
    bytes.fill(0xa5, 4_096);
    writeFileSync(file, bytes);
    const store = openTestStore({ file });
    await addRows(store, 5);
    expect(store.read(readStore)).toMatchObject({ spans: 5, logs: 5 });
    expect(asideOf(file)).toHaveLength(1);
    expect(warnings).toEqual([expect.stringContaining('is damaged')]);
  });

  it('is set aside when it is overwritten while it is written to', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const store = openTestStore({ file });
    await addRows(store, 500);
    // In place, so that it is the same file to whoever has it open.
    for (const part of [file, `${file}-wal`, `${file}-shm`])
      writeFileSync(part, Buffer.alloc(statSync(part).size, 0xa5), { flag: 'r+' });
    await addRows(store, 5);
    expect(store.read(readStore)).toMatchObject({ spans: 5, logs: 5 });
    expect(asideOf(file)).toHaveLength(1);
    expect(warnings).toEqual([expect.stringContaining('is damaged')]);
  });

  it('is created again when it is deleted', async () => {
    const file = join(newFolder(), '.telemetry', 'telemetry.db');
    const store = openTestStore({ file });
    await addRows(store);
    rmSync(dirname(file), { recursive: true });
    await eventually(() => existsSync(file));
    await addRows(store, 2);
    expect(store.read(readStore).spans).toBe(2);
    expect(store.file).toBe(file);
    expect(warnings).toEqual([]);
  });

  it('waits for a lock without blocking anything, and loses nothing', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const store = openTestStore({ file });
    await addRows(store);
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    store.addSpan(spanOf());
    expect(store.read((database) => database.pragma('busy_timeout'))).toBe(0);
    // Each call makes its first try before it returns. The best of three: another process may have the processor.
    const flushes = [1, 2, 3].map(() => {
      const started = performance.now();
      const flushed = store.flush();
      return { flushed, took: performance.now() - started };
    });
    expect(Math.min(...flushes.map(({ took }) => took))).toBeLessThan(200);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(store.queued).toBe(1);
    other.exec('COMMIT');
    other.close();
    await Promise.all(flushes.map(({ flushed }) => flushed));
    expect(store.read(readStore)).toMatchObject({ spans: 4, dropped: 0 });
    expect(warnings).toEqual([]);
  });

  it('is set aside after ten seconds of being locked', async () => {
    const file = join(newFolder(), 'telemetry.db');
    await openTestStore({ file }).close();
    let replaced = 0;
    const database = new StoreDatabase(loadSqlite()!, file, () => {
      replaced += 1;
    });
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    const fail = (now: number) => {
      try {
        database.current.transaction(() => undefined);
      } catch (error) {
        return database.recover(error, now);
      }
      return 'written';
    };
    expect([fail(0), fail(9_999), replaced]).toEqual(['retry', 'retry', 0]);
    expect([fail(10_000), replaced]).toEqual(['retry', 1]);
    expect(fail(10_001)).toBe('written');
    expect(asideOf(file)).toHaveLength(1);
    expect(warnings).toEqual([expect.stringContaining('is locked by another process')]);
    other.close();
    database.close();
  });

  it('makes room for what is new when it is full', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const store = openTestStore({ file });
    await addRows(store, 2_000);
    store.read((database) => {
      database.exec(`PRAGMA max_page_count = ${database.pragma('page_count') + 4}`);
    });
    // More than fits into the pages that merged words may have left.
    await addRows(store, 400);
    expect(store.file).toBe(file);
    const { evicted, spans } = store.read(readStore);
    expect(evicted).toBeGreaterThan(100);
    expect(spans).toBeGreaterThan(1_000);
    expect(store.dropped).toBe(0);
    expect(warnings).toEqual([]);
  });

  it('gives way to memory with one warning when there is no room at all', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const store = openTestStore({ file });
    store.read((database) => {
      database.exec(`PRAGMA max_page_count = ${database.pragma('page_count')}`);
    });
    await addRows(store, 1_000);
    expect(store.file).toBe(':memory:');
    // What still fitted into the last pages of the file stays there, or was evicted to make room for what came next.
    const left = new DatabaseSync(file);
    const inFile = left
      .prepare(
        'SELECT (SELECT count(*) FROM spans) + (SELECT count(*) FROM logs) AS rows, evicted FROM counters',
      )
      .get() as { rows: number; evicted: number };
    const { spans, logs } = store.read(readStore);
    expect(spans + logs + inFile.rows + inFile.evicted).toBe(2_000);
    expect(spans).toBeGreaterThan(900);
    left.close();
    expect(warnings).toEqual([expect.stringContaining('is kept in memory')]);
  });

  it('keeps a few of those that were set aside, and removes older ones', async () => {
    const file = join(newFolder(), 'telemetry.db');
    mkdirSync(dirname(file), { recursive: true });
    for (let time = 0; time < 5; time += 1) {
      writeFileSync(file, 'no database '.repeat(1_000));
      await openTestStore({ file }).close();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(asideOf(file)).toHaveLength(3);
  });
});

describe('a row that cannot be stored', () => {
  it('is lost alone, counted and logged once', async () => {
    const store = openTestStore();
    const invalid = spanOf({ name: null as unknown as string }); // the column refuses it
    for (let index = 0; index < 60; index += 1) store.addSpan(index % 20 === 7 ? invalid : spanOf());
    store.addSpan({}, () => {
      throw new Error('hostile');
    });
    await store.flush();
    store.addSpan(spanOf());
    await store.flush();
    expect(store.read(readStore)).toMatchObject({ spans: 58, dropped: 4 });
    expect(warnings).toHaveLength(2);
  });

  it('is counted when too many wait', async () => {
    const store = openTestStore();
    for (let index = 0; index < 20_100; index += 1) store.addLog(logOf());
    expect(store.dropped).toBe(100);
    await store.flush();
    expect(store.read(readStore)).toMatchObject({ logs: 20_000, dropped: 100 });
  });
});
