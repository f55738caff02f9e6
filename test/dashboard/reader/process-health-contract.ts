import { type TelemetryReader } from '../../../lib/dashboard/reader/telemetry-reader.interface.js';
import { type Telemetry, type WrittenPoint } from './telemetry.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** Holds `processHealth()` to its promises, of processes that send metrics. @param past the begin of a minute that is over */
export function describeProcessHealth(
  readerOf: () => TelemetryReader,
  write: (telemetry: Telemetry) => Promise<void>,
  past: number,
): void {
  const range = { from: past, to: past + 4 * MINUTE };
  const point = (
    second: number,
    name: string,
    value: number,
    attributes: Readonly<Record<string, string>> = {},
    more: Partial<WrittenPoint> = {},
  ): WrittenPoint => ({
    service: 'orders',
    instance: 'one',
    name,
    type: 'counter',
    unit: '{span}',
    attributes,
    time: past + second * SECOND,
    value,
    ...more,
  });
  const exporter = {
    'otel.component.type': 'otlp_http_span_exporter',
    'server.address': 'collector',
    'server.port': '4318',
  };
  const processor = { 'otel.component.type': 'batching_span_processor' };

  describe('the health of processes', () => {
    it('is what each has exported and lost, with the reasons, and what waits', async () => {
      expect(await readerOf().processHealth(range)).toEqual([]);
      const level = { type: 'updowncounter' } as const;
      const exported = 'otel.sdk.exporter.span.exported';
      const processed = 'otel.sdk.processor.span.processed';
      await write({
        points: [
          point(10, exported, 40, exporter),
          point(70, exported, 60, exporter),
          point(70, exported, 7, { ...exporter, 'error.type': 'rejected' }),
          point(70, processed, 107, processor),
          point(70, processed, 5, { ...processor, 'error.type': 'queue_full' }),
          point(10, 'otel.sdk.processor.span.queue.size', 9, processor, level),
          point(70, 'otel.sdk.processor.span.queue.size', 30, processor, level),
          point(70, 'otel.sdk.processor.span.queue.capacity', 2_048, processor, level),
          point(70, 'otel.sdk.exporter.log.exported', 3, {
            ...exporter,
            'otel.component.type': 'otlp_http_log_exporter',
          }),
          point(70, 'nestjs_telemetry.store.dropped', 4),
        ],
      });
      const [found, ...others] = await readerOf().processHealth(range);
      expect(others).toEqual([]);
      expect(found).toMatchObject({
        service: 'orders',
        instance: 'one',
        version: '1.0.0',
        lastSeen: past + 70 * SECOND,
        exporters: [
          {
            signal: 'traces',
            name: 'otlp_http_span_exporter',
            endpoint: 'collector:4318',
            exported: 100,
            failed: 7,
            dropped: 5,
            lostBy: { rejected: 7, queue_full: 5 },
            queued: 30,
            queueCapacity: 2_048,
          },
          { signal: 'logs', exported: 3, failed: 0, dropped: 0 },
        ],
        store: { dropped: 4, queued: 0 },
      });
      expect(found!.started).toBeGreaterThanOrEqual(past);
      expect(found!.started).toBeLessThanOrEqual(past + 10 * SECOND);
    });

    it('is apart for each process, the last seen first, of those that reported in the range', async () => {
      const exported = 'otel.sdk.exporter.span.exported';
      await write({
        points: [
          point(100, exported, 1, exporter, { instance: 'one' }),
          point(130, exported, 2, exporter, { instance: 'two' }),
          point(10, exported, 3, exporter, { service: 'billing' }),
          point(130, 'shop.carts', 5, {}, { service: 'without-metrics-of-the-sdk' }),
        ],
      });
      const found = await readerOf().processHealth(range);
      expect(
        found.map(({ service, instance, exporters }) => [service, instance, exporters[0]?.exported]),
      ).toEqual([
        ['orders', 'two', 2],
        ['orders', 'one', 1],
        ['billing', 'one', 3],
      ]);
      // Three minutes and more ago.
      expect(found.slice(1).map(({ state }) => state)).toEqual(['silent', 'silent']);
      expect(await readerOf().processHealth({ from: past - 9 * MINUTE, to: past - 5 * MINUTE })).toEqual([]);
    });
  });
}
