import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { type Histogram } from '@opentelemetry/sdk-metrics';

import { TelemetryError } from '../../lib/errors/telemetry.error.js';
import { resetWarnings, setWarningSink } from '../../lib/errors/warnings.js';
import { noticeMeterProvider } from '../../lib/metrics/instrument-handles.js';
import {
  counter,
  gauge,
  histogram,
  observableCounter,
  observableGauge,
  observableUpDownCounter,
  upDownCounter,
} from '../../lib/metrics/instruments.js';
import { type CollectingSdk, startCollectingSdk } from './collecting-sdk.js';

let sdk: CollectingSdk | undefined;
let warnings: string[];
let restoreSink: () => void;

beforeEach(() => {
  warnings = [];
  resetWarnings();
  restoreSink = setWarningSink((message) => warnings.push(message));
});

afterEach(async () => {
  restoreSink();
  await sdk?.stop();
  sdk = undefined;
});

describe('an instrument', () => {
  it('gives the same handle for the same scope and name, and another one for another scope', () => {
    expect(counter('Orders', 'same')).toBe(counter('Orders', 'same'));
    expect(counter('Orders', 'same')).not.toBe(counter('Users', 'same'));
  });

  it('works after the SDK has started when it was asked for before', async () => {
    const early = counter('Orders', 'early');
    early.add(1); // nobody listens yet
    sdk = startCollectingSdk();

    early.add(2, { method: 'POST' });

    expect(await sdk.points('early', 'Orders')).toMatchObject([{ value: 2, attributes: { method: 'POST' } }]);
  });

  it('follows from one SDK to the next', async () => {
    const orders = counter('Orders', 'followed');
    const first = startCollectingSdk();
    orders.add(1);
    expect(await first.points('followed')).toMatchObject([{ value: 1 }]);
    await first.stop();
    orders.add(10); // between two SDKs
    sdk = startCollectingSdk();

    orders.add(100);

    expect(await sdk.points('followed')).toMatchObject([{ value: 100 }]);
  });

  it('measures as a counter, up-down counter, histogram and gauge', async () => {
    sdk = startCollectingSdk();

    counter('Kinds', 'kinds.counter').add(2);
    upDownCounter('Kinds', 'kinds.updown').add(-3);
    histogram('Kinds', 'kinds.histogram', { unit: 'ms', description: 'time' }).record(5);
    gauge('Kinds', 'kinds.gauge').record(7);

    const data = await sdk.collect();
    expect(data.map(({ descriptor }) => [descriptor.name, descriptor.unit, descriptor.description])).toEqual([
      ['kinds.counter', '', ''],
      ['kinds.updown', '', ''],
      ['kinds.histogram', 'ms', 'time'],
      ['kinds.gauge', '', ''],
    ]);
    expect(await sdk.points('kinds.updown')).toMatchObject([{ value: -3 }]);
    expect(await sdk.points('kinds.gauge')).toMatchObject([{ value: 7 }]);
  });

  it('uses the buckets it is advised', async () => {
    sdk = startCollectingSdk();

    histogram('Buckets', 'advised', { advice: { explicitBucketBoundaries: [1, 2] } }).record(1.5);

    const [point] = await sdk.points('advised');
    expect((point?.value as Histogram).buckets).toEqual({ boundaries: [1, 2], counts: [0, 1, 0] });
  });

  it('comes out of the Prometheus serializer in the shapes of the reference', async () => {
    sdk = startCollectingSdk();
    counter('api_gateway', 'requests_total').add(1, { method: 'POST', status: '200' });
    histogram('api_gateway', 'request_duration_ms').record(80);

    const { resourceMetrics } = await sdk.reader.collect();
    const text = new PrometheusSerializer('', false, undefined, true, true).serialize(resourceMetrics);

    expect(text).toMatch(/^requests_total\{method="POST",status="200"\} 1$/m);
    expect(text).toMatch(/^request_duration_ms_bucket\{le="75"\} 0$/m);
    expect(text).toMatch(/^request_duration_ms_bucket\{le="100"\} 1$/m);
    expect(text).toMatch(/^request_duration_ms_sum 80$/m);
  });

  // undefined is what JavaScript, or a missing constant, passes.
  it.each(['', '1st', 'with space', 'größe', 'x'.repeat(256), undefined as unknown as string])(
    'refuses the name %p where it is asked for',
    (name) => {
      let error: unknown;
      try {
        counter('Names', name);
      } catch (caught) {
        error = caught;
      }

      expect(error).toBeInstanceOf(TelemetryError);
      expect((error as TelemetryError).code).toBe('TELEMETRY_INVALID_INSTRUMENT');
      expect((error as TelemetryError).message).toContain('Start with a letter');
    },
  );

  it.each(['a', 'http.server/duration-ms_1', 'x'.repeat(255)])('allows the name %p', (name) => {
    expect(() => counter('Names', name)).not.toThrow();
  });

  it('warns once and drops what is recorded when a name is asked for as another kind', async () => {
    sdk = startCollectingSdk();
    counter('Conflict', 'requests').add(1);

    histogram('Conflict', 'Requests').record(5);
    histogram('Conflict', 'Requests').record(6);

    expect(warnings).toEqual([expect.stringContaining("'Requests' of 'Conflict' is a Counter already")]);
    expect(await sdk.points('requests')).toMatchObject([{ value: 1 }]);
  });
});

describe('an observable instrument', () => {
  it('asks its callback at each collection: observed, returned, as a list, or later', async () => {
    sdk = startCollectingSdk();
    observableGauge('Observed', 'by.result', (result) => {
      result.observe(1, { from: 'result' });
    });
    observableGauge('Observed', 'by.number', () => 2);
    observableCounter('Observed', 'by.list', () => [
      { value: 3, attributes: { from: 'list' } },
      { value: 4 },
    ]);
    observableUpDownCounter('Observed', 'by.promise', async () => -5);

    expect(await sdk.points('by.result')).toMatchObject([{ value: 1, attributes: { from: 'result' } }]);
    expect(await sdk.points('by.number')).toMatchObject([{ value: 2 }]);
    expect(await sdk.points('by.list')).toMatchObject([
      { value: 3, attributes: { from: 'list' } },
      { value: 4, attributes: {} },
    ]);
    expect(await sdk.points('by.promise')).toMatchObject([{ value: -5 }]);
  });

  it('is observed by an SDK that starts later, and by the one after it', async () => {
    observableGauge('Observed', 'restarted', () => 6);
    const first = startCollectingSdk();
    noticeMeterProvider();
    expect(await first.points('restarted')).toMatchObject([{ value: 6 }]);
    await first.stop();
    sdk = startCollectingSdk();

    noticeMeterProvider();

    expect(await sdk.points('restarted')).toMatchObject([{ value: 6 }]);
  });

  it('notices a new SDK when any other instrument is used', async () => {
    observableGauge('Observed', 'noticed', () => 7);
    sdk = startCollectingSdk();

    counter('Orders', 'noticing').add(1);

    expect(await sdk.points('noticed')).toMatchObject([{ value: 7 }]);
  });

  it('adds further callbacks, and no longer asks the one that is removed', async () => {
    sdk = startCollectingSdk();
    let asked = 0;
    const first = (): { value: number; attributes: { of: string } }[] => {
      asked += 1;
      return [{ value: 1, attributes: { of: 'first' } }];
    };
    const handle = observableGauge('Observed', 'several', first);
    observableGauge('Observed', 'several', () => [{ value: 2, attributes: { of: 'second' } }]);
    expect(await sdk.points('several')).toHaveLength(2);

    handle.remove();
    await sdk.collect();

    expect(asked).toBe(1);
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('late'))],
    [
      'throws',
      () => {
        throw new Error('at once');
      },
    ],
  ])(
    'warns once, and leaves the others alone, when its callback %s',
    async (how, callback: () => Promise<number>) => {
      sdk = startCollectingSdk();
      observableGauge('Observed', `broken.${how}`, callback);
      observableGauge('Observed', `sound.${how}`, () => 1);

      await sdk.collect();
      expect(await sdk.points(`sound.${how}`)).toMatchObject([{ value: 1 }]);

      expect(warnings.filter((message) => message.includes(`'broken.${how}' failed`))).toHaveLength(1);
    },
  );
});
