import { type DataPoint, MeterProvider } from '@opentelemetry/sdk-metrics';

import { rememberAttributeHashes } from '../../lib/metrics-sdk/attribute-hashes.js';
import { OnDemandReader } from '../../lib/metrics-sdk/on-demand.reader.js';

describe('rememberAttributeHashes()', () => {
  const reader = new OnDemandReader();
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
});
