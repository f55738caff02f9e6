import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { type ChartFilter } from '../../../lib/dashboard/reader/telemetry-reader.interface.js';
import {
  encodeCounts,
  readCounts,
  valueBucket,
  valueOfBucket,
} from '../../../lib/dashboard/sqlite/encoding/buckets.js';
import { readChart } from '../../../lib/dashboard/sqlite/queries/charts.js';
import { findInstruments } from '../../../lib/dashboard/sqlite/queries/instruments.js';
import { readStore } from '../../../lib/dashboard/sqlite/queries/read-store.js';
import { readTrace } from '../../../lib/dashboard/sqlite/queries/read-trace.js';
import { type StoredInstrument, type StoredPoint } from '../../../lib/dashboard/sqlite/rows.interface.js';
import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { eventually } from '../../support/eventually.js';
import { cleanUp, newFolder, openTestStore } from './open-test-store.js';
import { newSpanId, newTraceId, ORDERS, spanOf } from './sample-rows.js';

afterEach(cleanUp);

const MINUTE = 60_000;
/** The beginning of a minute that is over. */
const PAST = Math.floor(Date.now() / MINUTE - 5) * MINUTE;

const instrumentOf = (type: StoredInstrument['type'], name: string = type): StoredInstrument => ({
  resource: ORDERS,
  scope: 'test',
  name,
  description: 'What it is.',
  unit: 's',
  type,
});

const pointOf = (
  instrument: StoredInstrument,
  time: number,
  value: number,
  more: Partial<StoredPoint> = {},
): StoredPoint => ({
  instrument,
  attributes: '{}',
  time,
  value,
  count: 0,
  ...more,
});

async function chartOf(store: TelemetryStore, more: Partial<ChartFilter> = {}) {
  await store.flush();
  return store.read(function* (database) {
    const [instrument] = findInstruments(database);
    const chart = yield* readChart(database, {
      instrument: instrument!.id,
      from: PAST,
      to: PAST + 4 * MINUTE,
      buckets: 4,
      ...more,
    });
    return chart!;
  });
}

describe('the chart of a counter', () => {
  it('is a rate per second that adds up series and processes', async () => {
    const store = openTestStore();
    const counter = instrumentOf('counter');
    store.addPoints([
      pointOf(counter, PAST + 10_000, 60, { attributes: '{"route":"/a"}' }),
      pointOf(counter, PAST + 15_000, 60, { attributes: '{"route":"/b"}' }),
      pointOf(counter, PAST + 15_000, 60, { attributes: '{"route":"/b"}' }),
      pointOf(counter, PAST + 2 * MINUTE, 6, { attributes: '{"route":"/b"}' }),
    ]);
    expect((await chartOf(store)).series).toEqual([{ label: '', values: [3, 0, 0.1, 0] }]);
    expect((await chartOf(store, { group: 'route' })).series).toEqual([
      { label: '/a', values: [1, 0, 0, 0] },
      { label: '/b', values: [2, 0, 0.1, 0] },
    ]);
    const filters = [{ key: 'route', value: '/a' }];
    expect((await chartOf(store, { filters })).series).toEqual([{ label: '', values: [1, 0, 0, 0] }]);
  });
});

describe('the chart of a histogram', () => {
  it('is three quantiles of what was recorded', async () => {
    const store = openTestStore();
    const buckets = new Map([
      [0, 50],
      [1, 45],
      [2, 5],
    ]);
    store.addPoints([
      pointOf(instrumentOf('histogram'), PAST + 10_000, 42, {
        count: 100,
        boundaries: [0.1, 0.2, 0.4],
        buckets,
      }),
    ]);
    const { series } = await chartOf(store);
    expect(series.map(({ label }) => label)).toEqual(['p50', 'p95', 'p99']);
    expect(series.map(({ values }) => values[0])).toEqual([0.1, 0.2, expect.closeTo(0.36)]);
    expect(series[0]?.values.slice(1)).toEqual([null, null, null]);
  });
});

describe('the chart of a gauge', () => {
  it('is the latest value, a line per series, until it is no longer reported', async () => {
    const store = openTestStore();
    const gauge = instrumentOf('gauge');
    store.addPoints([
      pointOf(gauge, PAST + 5_000, 10, { attributes: '{"space":"old"}' }),
      pointOf(gauge, PAST + 10_000, 20, { attributes: '{"space":"old"}' }),
      pointOf(gauge, PAST + 5_000, 7, { attributes: '{"space":"new"}' }),
    ]);
    const { series } = await chartOf(store);
    expect(series).toEqual([
      { label: 'space=new', values: [7, 7, 7, null], min: [7, 7, 7, null], max: [7, 7, 7, null] },
      { label: 'space=old', values: [15, 15, 15, null], min: [10, 15, 15, null], max: [20, 15, 15, null] },
    ]);
  });

  it('is read from a file that an earlier version wrote, which gets the columns for its extremes and keeps its rows', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const gauge = instrumentOf('gauge');
    const before = openTestStore({ file });
    before.addPoints([pointOf(gauge, PAST + 5_000, 10)]);
    await before.close();
    const earlier = new DatabaseSync(file);
    earlier.exec('ALTER TABLE points DROP COLUMN lowest; ALTER TABLE points DROP COLUMN highest');
    earlier.close();

    const store = openTestStore({ file });
    store.addPoints([pointOf(gauge, PAST + 65_000, 2), pointOf(gauge, PAST + 70_000, 4)]);
    expect((await chartOf(store)).series).toMatchObject([
      { values: [10, 3, 3, 3], min: [10, 2, 3, 3], max: [10, 4, 3, 3] },
    ]);
    expect(store.file).toBe(file);
    expect(readdirSync(dirname(file)).filter((name) => name.includes('corrupt'))).toEqual([]);
  });
});

describe('instruments', () => {
  it('are listed with the attributes that can be filtered by', async () => {
    const store = openTestStore();
    store.addPoints([
      pointOf(instrumentOf('counter', 'b'), PAST, 1, { attributes: '{"code":200,"route":"/a"}' }),
      pointOf(instrumentOf('counter', 'b'), PAST, 1, { attributes: '{"code":404,"route":"/a"}' }),
      pointOf(instrumentOf('gauge', 'a'), PAST, 1),
    ]);
    await store.flush();
    expect(store.read((database) => findInstruments(database))).toMatchObject([
      { service: 'orders', name: 'a', type: 'gauge', attributes: {} },
      {
        name: 'b',
        description: 'What it is.',
        unit: 's',
        type: 'counter',
        attributes: { code: ['200', '404'], route: ['/a'] },
      },
    ]);
  });

  it('are read by the minute over a long time, with what came since', async () => {
    const store = openTestStore();
    const counter = instrumentOf('counter');
    const now = Date.now();
    for (let time = now - 20 * MINUTE; time <= now; time += 10_000)
      store.addPoints([pointOf(counter, time, 10)]);
    await store.flush();
    await eventually(() => store.read(readStore).points >= 121 + 19);
    const [instrument] = store.read((database) => findInstruments(database));
    const chart = store.read((database) =>
      readChart(database, { instrument: instrument!.id, from: now - 120 * MINUTE, to: now + 1, buckets: 24 }),
    )!;
    const sum = chart.series[0]!.values.map((rate, index) => {
      const length = Math.min(now, chart.times[index + 1] ?? now) - chart.times[index]!;
      return ((rate ?? 0) * length) / 1_000;
    });
    // 121 points of 10; the current bucket ends in the middle of a step.
    expect(Math.abs(sum.reduce((a, b) => a + b) - 1_210)).toBeLessThan(25);
  });
});

describe('exemplars', () => {
  it('wait for their trace, pin it, and go with it', async () => {
    const store = openTestStore();
    const [traceId, spanId, lost] = [newTraceId(), newSpanId(), newTraceId()];
    const exemplars = [
      { traceId, spanId, value: 0.3, time: PAST + 1_000 },
      { traceId: lost, spanId, value: 0.9, time: PAST + 500 },
    ].map((exemplar) => ({ ...exemplar, time: Date.now() }));
    store.addPoints([
      pointOf(instrumentOf('histogram'), Date.now(), 0.3, {
        count: 1,
        boundaries: [1],
        buckets: new Map([[0, 1]]),
        exemplars,
      }),
    ]);
    const range = { from: Date.now() - MINUTE, to: Date.now() + MINUTE };
    expect((await chartOf(store, range)).exemplars).toEqual([]);
    store.addSpan(spanOf({ traceId, kind: 2 }));
    await store.flush();
    expect((await chartOf(store, range)).exemplars).toEqual([
      {
        time: expect.any(Number) as number,
        value: 0.3,
        traceId,
        spanId,
        error: false,
        label: 'GET /orders/:id',
      },
    ]);
    expect(store.read((database) => readTrace(database, traceId))?.summary.pinned).toBe(true);
    store.read((database) => database.run('DELETE FROM traces'));
    expect((await chartOf(store, range)).exemplars).toEqual([]);
  });
});

describe('exemplars of a chart', () => {
  it('are the largest of each bucket, of a trace that failed and of one that did not', async () => {
    const store = openTestStore();
    const ids = Array.from({ length: 400 }, () => newTraceId());
    const exemplars = ids.map((traceId, index) => ({
      traceId,
      spanId: newSpanId(),
      // Every tenth failed, and all of them are larger than any other.
      value: index % 10 === 0 ? 100 + index : index / 1_000,
      time: PAST + index * 500,
    }));
    ids.forEach((traceId, index) => {
      store.addSpan(spanOf({ traceId, kind: 2, status: index % 10 === 0 ? 2 : 0 }));
    });
    store.addPoints([pointOf(instrumentOf('gauge'), PAST + 1_000, 1, { exemplars })]);
    const shown = (await chartOf(store)).exemplars;
    expect(shown.filter(({ error }) => error).map(({ value }) => value)).toEqual([490, 450, 330, 210]);
    expect(shown.filter(({ error }) => !error).map(({ value }) => value)).toEqual([
      0.399, 0.359, 0.239, 0.119,
    ]);
  });
});

describe('buckets of values', () => {
  it('are off by little more than one percent', () => {
    for (let value = 1e-6; value < 1e9; value *= 1.37)
      expect(Math.abs(valueOfBucket(valueBucket(value)) / value - 1)).toBeLessThan(0.0111);
    expect([valueBucket(0), valueBucket(-1), valueBucket(Number.NaN), valueOfBucket(0)]).toEqual([
      0, 0, 0, 0,
    ]);
  });

  it('come back from their bytes', () => {
    const counts = new Map([
      [2_900, 3],
      [0, 1],
      [127, 128],
      [128, 2 ** 40],
    ]);
    const read = new Map<number, number>();
    readCounts(encodeCounts(counts), (bucket, count) => read.set(bucket, count));
    expect(read).toEqual(new Map([...counts].sort(([a], [b]) => a - b)));
  });
});
