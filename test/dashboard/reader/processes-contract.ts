import { type TelemetryReader } from '../../../lib/dashboard/reader/telemetry-reader.interface.js';
import { type Telemetry, type WrittenPoint } from './telemetry.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** Holds `processes()` and `process()` to their promises. @param past the begin of a minute that is over */
export function describeProcesses(
  readerOf: () => TelemetryReader,
  write: (telemetry: Telemetry) => Promise<void>,
  past: number,
): void {
  const range = { from: past, to: past + 4 * MINUTE };
  const point = (second: number, name: string, value: number, more: Partial<WrittenPoint> = {}) => ({
    service: 'orders',
    name,
    type: 'gauge' as const,
    unit: '1',
    attributes: {},
    time: past + second * SECOND,
    value,
    ...more,
  });
  const charts = (service = 'orders', instance = '') =>
    readerOf().process({ ...range, service, instance, buckets: 4 });

  describe('processes', () => {
    it('are those that reported how they do in the range, the last seen first', async () => {
      expect(await readerOf().processes(range)).toEqual([]);
      await write({
        points: [
          point(10, 'nodejs.eventloop.utilization', 0.5),
          point(70, 'nodejs.eventloop.utilization', 0.5),
          point(130, 'process.memory.usage', 5, { service: 'billing', type: 'updowncounter' }),
          point(190, 'shop.carts', 5, { service: 'no-runtime-metrics' }),
        ],
      });
      const found = await readerOf().processes(range);
      expect(found.map(({ service, version }) => [service, version])).toEqual([
        ['billing', '1.0.0'],
        ['orders', '1.0.0'],
      ]);
      expect(found[1]!.firstSeen).toBeGreaterThanOrEqual(past);
      expect(found[1]!.lastSeen).toBe(past + 70 * SECOND);
      expect(await readerOf().processes({ from: past - 9 * MINUTE, to: past - 5 * MINUTE })).toEqual([]);
    });

    it('have a line per metric, and per value where an attribute tells lines apart', async () => {
      const cpu = (second: number, mode: string, value: number) =>
        point(second, 'process.cpu.utilization', value, { attributes: { 'cpu.mode': mode } });
      await write({
        points: [
          cpu(0, 'system', 0.125),
          cpu(0, 'user', 0.25),
          cpu(30, 'user', 0.75),
          point(60, 'nodejs.eventloop.delay.max', 2),
        ],
      });
      const { series } = (await charts())!;
      expect(series.map(({ metric, label }) => `${metric} ${label}`)).toEqual([
        'cpu system',
        'cpu user',
        'loopDelayMax ',
      ]);
      expect([series[1]!.values[0], series[1]!.peaks[0]]).toEqual([0.5, 0.75]);
      expect([series[2]!.values[0], series[2]!.values[1]]).toEqual([null, 2]);
    });

    it('add the parts of the heap up, and durations per second', async () => {
      const heap = (space: string, value: number) =>
        point(0, 'v8js.memory.heap.used', value, {
          type: 'updowncounter',
          attributes: { 'v8js.heap.space.name': space },
        });
      const gc = (second: number, value: number, count: number) =>
        point(second, 'v8js.gc.duration', value, {
          type: 'histogram',
          attributes: { 'v8js.gc.type': 'minor' },
          boundaries: [1],
          counts: [count, 0],
        });
      await write({ points: [heap('new_space', 3), heap('old_space', 4), gc(0, 1, 2), gc(30, 5, 4)] });
      const { series } = (await charts())!;
      expect(series.map(({ metric, label, values }) => [metric, label, values[0]])).toEqual([
        ['heapUsed', '', 7],
        ['gc', 'minor', 6 / 60],
      ]);
      expect(series[1]!.peaks[0]).toBe(1);
    });

    it('that are unknown have no charts', async () => {
      await write({ points: [point(0, 'nodejs.eventloop.utilization', 0.5)] });
      for (const text of ['unknown', '', '__proto__', "' OR 1=1 --", '\u0000'])
        expect(await charts(text)).toBeUndefined();
      expect(await charts('orders', 'another')).toBeUndefined();
    });
  });
}
