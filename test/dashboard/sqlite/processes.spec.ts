import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { type ProcessReport } from '../../../lib/dashboard/reader/answers/processes.interface.js';
import { findServices } from '../../../lib/dashboard/sqlite/queries/overview.js';
import { readStore } from '../../../lib/dashboard/sqlite/queries/read-store.js';
import { findStarts } from '../../../lib/dashboard/sqlite/queries/starts.js';
import { type StoredInstrument, type StoredResource } from '../../../lib/dashboard/sqlite/rows.interface.js';
import { createSqliteReader } from '../../../lib/dashboard/sqlite/sqlite-reader.js';
import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { eventually } from '../../support/eventually.js';
import { cleanUp, newFolder, openTestStore } from './open-test-store.js';
import { resourceOf, spanOf } from './sample-rows.js';
import { buildWriter, startWriter, type WriterProcess } from './writer-process.js';

const writers: WriterProcess[] = [];

afterEach(async () => {
  for (const writer of writers.splice(0)) await writer.kill();
  await cleanUp();
});

async function start(program: string, file: string, service: string): Promise<WriterProcess> {
  const writer = await startWriter(program, file, service);
  writers.push(writer);
  return writer;
}

const integrityOf = (file: string): unknown => {
  const database = new DatabaseSync(file);
  try {
    return database.prepare('PRAGMA integrity_check').get();
  } finally {
    database.close();
  }
};

describe('several processes on one file', () => {
  it('are one system: nothing that any of them wrote is missing', async () => {
    const folder = newFolder();
    const file = join(folder, 'telemetry.db');
    const program = buildWriter(folder);
    const all = await Promise.all(
      ['gateway', 'orchestrator', 'worker'].map((service) => start(program, file, service)),
    );
    await eventually(() => all.every((writer) => writer.written() >= 600));
    const here = openTestStore({ file });
    const said = all.map((writer) => writer.written()).reduce((a, b) => a + b);
    const { spans, logs } = here.read(readStore);
    expect([spans >= said, logs >= said]).toEqual([true, true]);
    expect(all.map((writer) => writer.dropped())).toEqual([0, 0, 0]);

    await Promise.all(all.map((writer) => writer.kill()));
    here.addSpan(spanOf());
    await here.flush();
    const range = { from: Date.now() - 60_000, to: Date.now() + 1 };
    expect(
      here
        .read((database) => findServices(database, range))
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['gateway', 'orchestrator', 'orders', 'worker']);
  });

  it('leave a sound file with all they had committed when they are killed while they write', async () => {
    const folder = newFolder();
    const file = join(folder, 'telemetry.db');
    const program = buildWriter(folder);
    const [first, second] = await Promise.all([start(program, file, 'a'), start(program, file, 'b')]);
    await eventually(() => first.written() >= 400 && second.written() >= 400);
    const said = first.written() + second.written();
    await Promise.all([first.kill(), second.kill()]);

    expect(integrityOf(file)).toEqual({ integrity_check: 'ok' });
    const reopened = openTestStore({ file });
    const { spans, logs } = reopened.read(readStore);
    expect([spans >= said, logs >= said, spans === logs]).toEqual([true, true, true]);
    const rows = reopened.read((database) => ({
      spans: database.one<{ count: number }>('SELECT count(*) AS count FROM spans').count,
      // Node before 22.16 has no index of words.
      words: database.hasFullText
        ? database.one<{ count: number }>('SELECT sum(live) AS count FROM word_blocks').count
        : logs,
    }));
    expect(rows).toEqual({ spans, words: logs });
  });
});

describe('a restart', () => {
  it('finds what was there before', async () => {
    const file = join(newFolder(), '.telemetry', 'telemetry.db');
    const before = openTestStore({ file });
    before.addSpan(spanOf());
    await before.close();
    expect(openTestStore({ file }).read(readStore).spans).toBe(1);
  });
});

afterEach(cleanUp);

const EVER = { from: 0, to: Number.MAX_SAFE_INTEGER };

const startedAs = (version: string, instance: string, more = ''): StoredResource => ({
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
    await hear(store, startedAs('1', 'a'), startedAs('1', 'a', 'metrics'), startedAs('1', 'b'));
    expect(versionsOf(store)).toEqual(['- 1', '1 1']);
  });

  it('are known again when the file is opened by the next process, with the version before', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const first = openTestStore({ file });
    await hear(first, startedAs('1', 'a'));
    await first.close();
    const second = openTestStore({ file });
    await hear(second, startedAs('2', 'b'));
    expect(versionsOf(second)).toEqual(['- 1', '1 2']);
  });

  it('compare with the process before also in a file of an earlier version of the store', async () => {
    const store = openTestStore();
    await hear(store, startedAs('1', 'a'));
    store.read((database) => database.run('DELETE FROM process_starts'));
    await hear(store, startedAs('2', 'b'));
    expect(versionsOf(store)).toEqual(['1 2']);
  });

  it('are not kept without end where a process starts again all the time', async () => {
    const store = openTestStore();
    for (let index = 0; index < 2_050; index += 1)
      store.addSpan(spanOf({ resource: startedAs('1', `process ${index}`) }));
    await store.flush();
    const { count } = store.read((database) =>
      database.one<{ count: number }>('SELECT count(*) AS count FROM process_starts'),
    );
    expect(count).toBe(2_000);
    expect(versionsOf(store)).toHaveLength(500);
  });
});

const HOUR = 3_600_000;

const report = (exported: number): ProcessReport => ({
  exporters: [
    { signal: 'traces', name: 'OTLP grpc', endpoint: 'e', exported, failed: 0, dropped: 0, lostBy: {} },
  ],
  store: { dropped: 0, queued: 0 },
});

const processOf = (service: string, instance: string) =>
  resourceOf(service, {
    instance,
    attributes: JSON.stringify({ 'service.instance.id': instance, 'process.pid': 7, 'host.name': 'a' }),
  });

const exportedBy = (instance: string): StoredInstrument => ({
  resource: processOf('orders', instance),
  scope: 'test',
  name: 'otel.sdk.exporter.span.exported',
  description: '',
  unit: '{span}',
  type: 'counter',
});

const pointOf = (instrument: StoredInstrument, value: number, attributes = '{}', time = Date.now()) => ({
  instrument,
  attributes,
  time,
  value,
  count: 0,
});

describe('the health of processes that share a store', () => {
  afterEach(cleanUp);

  const ask = (store: TelemetryStore, more: { from?: number; to?: number } = {}) =>
    createSqliteReader(store).processHealth({ from: Date.now() - 24 * HOUR, to: Date.now() + HOUR, ...more });

  it('is what each says last, in one row for each', async () => {
    const store = openTestStore();
    const [gateway, worker] = [processOf('gateway', 'g'), processOf('worker', 'w')];
    const now = Date.now();
    store.reportHealth(gateway, report(1), now - HOUR, now - 30_000);
    store.reportHealth(worker, report(5), now - 2 * HOUR, now - 120_000);
    store.reportHealth(gateway, report(2), now - HOUR, now);
    store.maintain();
    const found = await ask(store);
    expect(
      found.map(({ service, pid, host, state, started, exporters: [exporter] }) => ({
        service,
        pid,
        host,
        state,
        started,
        exported: exporter!.exported,
      })),
    ).toEqual([
      { service: 'gateway', pid: 7, host: 'a', state: 'running', started: now - HOUR, exported: 2 },
      { service: 'worker', pid: 7, host: 'a', state: 'silent', started: now - 2 * HOUR, exported: 5 },
    ]);
  });

  it('says that a process has ended', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const ends = openTestStore({ file });
    ends.reportHealth(processOf('orders', 'ends'), report(1), Date.now());
    ends.maintain();
    await ends.close();
    const stays = openTestStore({ file });
    const found = await ask(stays);
    expect(found.map(({ instance, state }) => [instance, state])).toEqual([['ends', 'ended']]);
  });

  it('is written again to the file that replaces a deleted one', async () => {
    const store = openTestStore();
    store.reportHealth(processOf('orders', 'o'), report(1), Date.now());
    store.maintain();
    await store.clear();
    expect(await ask(store)).toHaveLength(1);
  });

  it('of one that sends adds up over the processes that receive it, and over their restarts', async () => {
    const file = join(newFolder(), 'telemetry.db');
    for (const value of [3, 4]) {
      const store = openTestStore({ file });
      store.addPoints([pointOf(exportedBy('sender'), value)]);
      await store.flush();
      await store.close();
    }
    const found = await ask(openTestStore({ file }));
    expect(found.map(({ instance, exporters }) => [instance, exporters[0]!.exported])).toEqual([
      ['sender', 7],
    ]);
  });

  it('of one that writes is what it says, whatever its metrics say', async () => {
    const store = openTestStore();
    store.reportHealth(processOf('orders', 'o'), report(1), Date.now());
    store.addPoints([pointOf(exportedBy('o'), 99)]);
    await store.flush();
    const [found] = await ask(store);
    expect(found!.exporters).toEqual(report(1).exporters);
  });

  it('goes with its service, and with its age', async () => {
    const store = openTestStore();
    const long = Date.now() - 3 * HOUR;
    store.reportHealth(processOf('orders', 'old'), report(1), long, long);
    store.maintain();
    store.reportHealth(processOf('billing', 'young'), report(1), Date.now());
    store.maintain();
    const services = async () => (await ask(store)).map(({ service }) => service);
    expect(await services()).toEqual(['billing', 'orders']);
    store.read((database) => database.run('UPDATE services SET last_seen = 1'));
    expect(await store.clear('orders')).toBeUndefined();
    expect(await services()).toEqual(['billing']);
  });

  it('is bounded in processes and in what they send', async () => {
    const store = openTestStore();
    const before = Date.now() - 1_000;
    for (let process = 0; process < 250; process += 1)
      store.reportHealth(processOf('orders', `p${process}`), report(process), before, before + process);
    store.maintain(Date.now() + 20_000);
    const found = await ask(store);
    expect(found).toHaveLength(200);
    expect(found[0]!.instance).toBe('p249');
    const count = store.read((database) =>
      database.one<{ rows: number }>('SELECT count(*) AS rows FROM process_health'),
    );
    expect(count.rows).toBe(200);

    for (let series = 0; series < 300; series += 1)
      store.addPoints([pointOf(exportedBy('sender'), 1, `{"error.type":"e${series}"}`)]);
    store.addPoints([pointOf(exportedBy('sender'), 1, `{"a":"${'x'.repeat(5_000)}"}`)]);
    await store.flush();
    const sender = (await ask(store)).find(({ instance }) => instance === 'sender');
    expect(sender!.exporters[0]).toMatchObject({ exported: 0, failed: 100 });
    expect(Object.keys(sender!.exporters[0]!.lostBy)).toHaveLength(11);
  });
});
