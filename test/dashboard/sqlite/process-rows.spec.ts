import { type StoredInstrument, type StoredResource } from '../../../lib/dashboard/sqlite/rows.interface.js';
import { createSqliteReader } from '../../../lib/dashboard/sqlite/sqlite-reader.js';
import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { ProcessRows } from '../../../lib/dashboard/sqlite/writing/process-rows.js';
import { serveDashboard, type ServedDashboard } from '../serve-dashboard.js';
import { cleanUp, openTestStore } from './open-test-store.js';
import { newTraceId, resourceOf, spanOf } from './sample-rows.js';

const MINUTE = 60_000;
/** The beginning of a minute that is over. */
const PAST = Math.floor(Date.now() / MINUTE - 5) * MINUTE;
const RANGE = { from: PAST, to: PAST + 4 * MINUTE };

const processOf = (instance: string, more: object = {}): StoredResource =>
  resourceOf('orders', {
    instance,
    attributes: JSON.stringify({ 'service.name': 'orders', 'service.instance.id': instance, ...more }),
  });

const utilization = (resource: StoredResource): StoredInstrument => ({
  resource,
  scope: 'test',
  name: 'nodejs.eventloop.utilization',
  description: '',
  unit: '1',
  type: 'gauge',
});

const pointOf = (instrument: StoredInstrument, time: number, value: number) => ({
  instrument,
  attributes: '{}',
  time,
  value,
  count: 0,
});

const busyOf = async (store: TelemetryStore, instance: string, buckets = 4) => {
  const charts = await createSqliteReader(store).process({ ...RANGE, service: 'orders', instance, buckets });
  return charts?.series.find(({ metric }) => metric === 'loopUtilization');
};

describe('what processes say of themselves', () => {
  let dashboard: ServedDashboard | undefined;
  afterEach(async () => {
    await dashboard?.close();
    dashboard = undefined;
    await cleanUp();
  });

  it('is kept apart where two processes run one service', async () => {
    const store = openTestStore();
    const [one, two] = [processOf('one', { 'process.pid': 1, 'host.name': 'a' }), processOf('two')];
    store.addPoints([pointOf(utilization(one), PAST, 0.25), pointOf(utilization(two), PAST, 0.75)]);
    await store.flush();
    const found = await createSqliteReader(store).processes(RANGE);
    expect(found.map(({ instance, pid, host }) => [instance, pid, host])).toEqual([
      ['two', undefined, undefined],
      ['one', 1, 'a'],
    ]);
    expect([(await busyOf(store, 'one'))!.values[0], (await busyOf(store, 'two'))!.values[0]]).toEqual([
      0.25, 0.75,
    ]);
  });

  it('holds for a minute where it is not reported again, and not longer', async () => {
    const store = openTestStore();
    store.addPoints([pointOf(utilization(processOf('one')), PAST, 0.5)]);
    await store.flush();
    const { values } = (await busyOf(store, 'one', 24))!;
    expect(values.slice(0, 8)).toEqual([0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, null]);
  });

  it('is joined with what comes for a slot that was written already', async () => {
    const store = openTestStore();
    const instrument = utilization(processOf('one'));
    for (const value of [0.2, 0.4]) {
      store.addPoints([pointOf(instrument, PAST, value)]);
      await store.flush();
    }
    const { values, peaks } = (await busyOf(store, 'one'))!;
    expect(values[0]).toBeCloseTo(0.3);
    expect(peaks[0]).toBe(0.4);
  });

  it('is read by the minute for a long range', async () => {
    const store = openTestStore();
    const instrument = utilization(processOf('one'));
    for (const [second, value] of [
      [0, 0.1],
      [10, 0.3],
      [60, 0.5],
      [120, 0.5],
    ] as const)
      store.addPoints([pointOf(instrument, PAST + second * 1_000, value)]);
    await store.flush();
    const from = PAST - 60 * MINUTE;
    const charts = await createSqliteReader(store).process({
      from,
      to: PAST + 2 * MINUTE,
      service: 'orders',
      instance: 'one',
      buckets: 62,
    });
    const [series] = charts!.series;
    expect(charts!.times[60]).toBe(PAST);
    expect(series!.values.slice(60)).toEqual([0.2, 0.5]);
    expect(series!.peaks.slice(60)).toEqual([0.3, 0.5]);
  });

  it('is bounded in processes and lines, whatever is sent', () => {
    const rows = new ProcessRows();
    for (let process = 0; process < 100; process += 1)
      rows.take(pointOf(utilization(processOf(`p${process}`)), PAST, 1), PAST);
    const pools = { ...utilization(processOf('p0')), name: 'db.client.connection.wait_time' };
    for (const text of ['', 'no json', '[]', 'null', '{"db.client.connection.pool.name":7}'])
      rows.take({ ...pointOf(pools, PAST, 1), attributes: text }, PAST);
    for (let pool = 0; pool < 100; pool += 1)
      rows.take(
        {
          ...pointOf(pools, PAST, 1),
          attributes: JSON.stringify({ 'db.client.connection.pool.name': `${pool}${'x'.repeat(500)}` }),
        },
        PAST,
      );
    expect(rows.endSlots(Infinity)).toBe(true);
    const written: unknown[][] = [];
    const database = { get: () => undefined, run: (...values: unknown[]) => written.push(values) };
    const dictionaries = { resource: () => ({ resource: 1 }) };
    rows.write(database as never, dictionaries as never, PAST); // only these are used
    // A row for ten seconds and one for the minute.
    expect(written).toHaveLength(2 * 20);
    expect(String(written[0]!.at(-1)).length).toBeLessThan(5_000);
  });

  it('is found by a trace in which the process took part', async () => {
    const store = openTestStore();
    const traceId = newTraceId();
    const [one, two] = [processOf('one'), processOf('two')];
    store.addSpan(spanOf({ traceId, resource: one }), (span) => span);
    store.addPoints([pointOf(utilization(one), PAST, 0.25), pointOf(utilization(two), PAST, 0.75)]);
    await store.flush();
    const served = (dashboard = await serveDashboard(store));
    const ask = (query: string) =>
      served.api(`processes/charts?from=${RANGE.from}&to=${RANGE.to}&buckets=4&${query}`);
    expect(await ask(`service=orders&traceId=${traceId}`)).toMatchObject({
      status: 200,
      body: { process: { instance: 'one' }, series: [{ metric: 'loopUtilization' }] },
    });
    for (const query of [
      'service=__proto__',
      `service=unknown&traceId=${traceId}`,
      'service=orders&traceId=%27',
    ])
      expect((await ask(query)).status).toBe(404);
    expect((await ask('')).status).toBe(400);
  });
});
