import { type DataPoint, MeterProvider } from '@opentelemetry/sdk-metrics';

import { rememberAttributeHashes } from '../../lib/metrics-sdk/attribute-hashes.js';
import { OnDemandReader } from '../../lib/metrics-sdk/on-demand.reader.js';

describe('rememberAttributeHashes()', () => {
  let reader: OnDemandReader;
  beforeEach(() => {
    reader = new OnDemandReader();
  });
  const counter = (name: string) =>
    new MeterProvider({ readers: [reader] }).getMeter('t').createCounter(name);

  async function series(): Promise<[unknown, number][]> {
    const { resourceMetrics } = await reader.collect();
    const points = resourceMetrics.scopeMetrics[0]!.metrics[0]!.dataPoints as DataPoint<number>[];
    return points.map(({ attributes, value }) => [attributes, value]);
  }

  it('fits the SDK that is installed, and may be asked for again', () => {
    expect(rememberAttributeHashes()).toBe(true);
    expect(rememberAttributeHashes()).toBe(true);
  });

  it('finds one series for the same attributes, frozen or not, in any order and over collections', async () => {
    rememberAttributeHashes();
    const frozen = Object.freeze({ route: '/orders/:id', method: 'GET' });
    const requests = counter('requests');
    requests.add(1, frozen);
    requests.add(1, frozen);
    requests.add(1, { method: 'GET', route: '/orders/:id' });
    expect(await series()).toEqual([[frozen, 3]]);
    requests.add(1, frozen);
    expect(await series()).toEqual([[frozen, 4]]);
  });

  it('separates the values of one object that changes, and values that print alike', async () => {
    rememberAttributeHashes();
    const requests = counter('changing');
    const attributes: Record<string, string | number> = { status: 200, route: '/' };
    for (const status of [200, '200', 404, 200]) {
      attributes.status = status;
      requests.add(1, attributes);
    }
    // The SDK shows the object that it was given, with its last values.
    expect((await series()).map(([, value]) => value)).toEqual([2, 1, 1]);
  });

  it('counts each value of an attribute with more values than it remembers', async () => {
    rememberAttributeHashes();
    const requests = counter('many');
    for (const round of [1, 2]) for (let id = 0; id < 600; id += 1) requests.add(round, { id, route: '/' });
    const points = await series();
    expect(points).toHaveLength(600);
    expect(points.every(([, value]) => value === 3)).toBe(true);
  });
});
