import { join } from 'node:path';

import { type ProcessReport } from '../../../lib/dashboard/reader/answers/processes.interface.js';
import { type StoredInstrument } from '../../../lib/dashboard/sqlite/rows.interface.js';
import { createSqliteReader } from '../../../lib/dashboard/sqlite/sqlite-reader.js';
import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { cleanUp, newFolder, openTestStore } from './open-test-store.js';
import { resourceOf } from './sample-rows.js';

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
