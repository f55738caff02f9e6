import {
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { AggregationTemporality } from '@opentelemetry/sdk-metrics';

import { createMetricReaders } from '../../lib/exporters/create-pipelines.js';
import { exporterReports } from '../../lib/exporters/exporter-report.js';
import { OTLP_PROTOCOLS, receivedPayload, startReceiver, targetFor } from './otlp/otlp-cases.js';
import { closeReceivers } from './otlp/otlp-receiver.js';
import { telemetryConfig } from './support/config-fragment.js';
import { resource } from './support/trace-provider.js';

const prometheus = { path: '/metrics', port: undefined, host: 'localhost', guards: [], prefix: undefined };

afterEach(closeReceivers);

describe('createMetricReaders()', () => {
  it.each(OTLP_PROTOCOLS)('sends metrics by OTLP over %s', async (protocol) => {
    const receiver = await startReceiver(protocol);
    const otlp = [targetFor(receiver, protocol, 'metrics', { 'x-tenant': 'acme' })];
    const { readers } = createMetricReaders(telemetryConfig({ metrics: { otlp } }));
    const provider = new MeterProvider({ resource, readers });
    const meter = provider.getMeter('OrderService');
    meter.createCounter('requests_total').add(3, { method: 'POST' });
    meter
      .createHistogram('request_duration_ms', { advice: { explicitBucketBoundaries: [100, 500] } })
      .record(150);

    await provider.shutdown();

    const payload = receivedPayload(receiver, protocol, 'metrics');
    const count = (value: number): unknown => (protocol === 'http/json' ? value : String(value));
    expect(receiver.requests[0]!.headers['x-tenant']).toBe('acme');
    expect(payload).toMatchObject({
      resourceMetrics: [
        {
          scopeMetrics: [
            {
              scope: { name: 'OrderService' },
              metrics: [
                {
                  name: 'requests_total',
                  sum: {
                    isMonotonic: true,
                    aggregationTemporality: 2,
                    dataPoints: [
                      { asDouble: 3, attributes: [{ key: 'method', value: { stringValue: 'POST' } }] },
                    ],
                  },
                },
                {
                  name: 'request_duration_ms',
                  histogram: {
                    dataPoints: [
                      {
                        count: count(1),
                        sum: 150,
                        bucketCounts: [0, 1, 0].map(count),
                        explicitBounds: [100, 500],
                      },
                    ],
                  },
                },
              ],
            },
          ],
        },
      ],
    });
    expect(exporterReports()).toMatchObject([{ signal: 'metrics', exported: 2 }]);
  });

  it('accepts a timeout that is longer than the interval', () => {
    const otlp = [{ url: 'http://127.0.0.1:1', protocol: 'http/json' as const, headers: {} }];
    const metrics = { otlp, exportIntervalMillis: 1_000, exportTimeoutMillis: 30_000 };

    expect(createMetricReaders(telemetryConfig({ metrics })).readers).toHaveLength(1);
  });

  it('adds the readers of the user and the one of Prometheus', () => {
    const mine = new PeriodicExportingMetricReader({
      exporter: new InMemoryMetricExporter(AggregationTemporality.DELTA),
    });

    const made = createMetricReaders(telemetryConfig({ metrics: { readers: [mine], prometheus } }));

    expect(made.readers).toEqual([mine, made.prometheus!.reader]);
  });

  it('offers nothing to Prometheus unless it is configured', () => {
    expect(createMetricReaders(telemetryConfig({}))).toEqual({ readers: [], prometheus: undefined });
  });
});
