import { context, SeverityNumber, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { InMemoryLogRecordExporter, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';

import type { TelemetryConfig } from '../../lib/config/telemetry-config.interface.js';
import {
  createLoggerProvider,
  createLogRecordProcessors,
  createMetricReaders,
  createSpanProcessors,
} from '../../lib/exporters/create-pipelines.js';
import { exporterReports } from '../../lib/exporters/exporter-report.js';
import { OTLP_PROTOCOLS, receivedPayload, startReceiver, targetFor } from './otlp/otlp-cases.js';
import { closeReceivers } from './otlp/otlp-receiver.js';
import { collectWarnings } from './support/collect-warnings.js';
import { telemetryConfig } from './support/config-fragment.js';
import { resource, tracerProvider } from './support/trace-provider.js';

const prometheus = { path: '/metrics', port: undefined, host: 'localhost', guards: [], prefix: undefined };
const warnings = collectWarnings();

afterEach(closeReceivers);

afterAll(() => {
  warnings.restore();
});

describe.each(['fast', 'sdk'] as const)('createSpanProcessors() for the engine %s', (engine) => {
  const providerOf = (traces: Partial<TelemetryConfig['traces']>) =>
    tracerProvider(createSpanProcessors(telemetryConfig({ engine, traces })), engine);

  it.each(OTLP_PROTOCOLS)('sends spans by OTLP over %s', async (protocol) => {
    const receiver = await startReceiver(protocol);
    const otlp = [targetFor(receiver, protocol, 'trace', { 'x-tenant': 'acme' })];
    const provider = providerOf({ otlp });
    const tracer = provider.getTracer('OrderService');
    const root = tracer.startSpan('handle_request', { kind: SpanKind.SERVER });
    const child = tracer.startSpan(
      'llm.generate',
      { attributes: { 'order.id': 'o1', attempt: 2, cached: false } },
      trace.setSpan(context.active(), root),
    );
    child.setStatus({ code: SpanStatusCode.ERROR, message: 'boom' });
    child.end();
    root.end();

    await provider.shutdown();

    const payload = receivedPayload(receiver, protocol, 'trace');
    const { traceId, spanId } = root.spanContext();
    expect(receiver.requests[0]!.headers['x-tenant']).toBe('acme');
    expect(payload).toMatchObject({
      resourceSpans: [
        {
          resource: {
            attributes: expect.arrayContaining([
              { key: 'service.name', value: { stringValue: 'orchestrator' } },
            ]) as unknown,
          },
          scopeSpans: [
            {
              scope: { name: 'OrderService' },
              spans: [
                {
                  traceId,
                  parentSpanId: spanId,
                  name: 'llm.generate',
                  attributes: [
                    { key: 'order.id', value: { stringValue: 'o1' } },
                    { key: 'attempt', value: { intValue: protocol === 'http/json' ? 2 : '2' } },
                    { key: 'cached', value: { boolValue: false } },
                  ],
                  status: { code: 2, message: 'boom' },
                },
                { traceId, spanId, name: 'handle_request', kind: 2 },
              ],
            },
          ],
        },
      ],
    });
    expect(exporterReports()).toMatchObject([{ signal: 'traces', exported: 2, failed: 0, dropped: 0 }]);
  });

  it('sends to several targets at once', async () => {
    const receiver = await startReceiver('http/protobuf');
    const second = await startReceiver('grpc');
    const otlp = [targetFor(receiver, 'http/protobuf', 'trace'), targetFor(second, 'grpc', 'trace')];
    const provider = providerOf({ otlp });
    provider.getTracer('t').startSpan('work').end();

    await provider.shutdown();

    expect([receiver.requests.length, second.requests.length]).toEqual([1, 1]);
  });

  it('keeps the header variables of one collector from the other targets', async () => {
    const receiver = await startReceiver('http/protobuf');
    const overGrpc = await startReceiver('grpc');
    process.env.OTEL_EXPORTER_OTLP_HEADERS = 'authorization=secret';
    process.env.OTEL_EXPORTER_OTLP_TRACES_HEADERS = 'x-token=secret';
    try {
      const otlp = [targetFor(receiver, 'http/protobuf', 'trace'), targetFor(overGrpc, 'grpc', 'trace')];
      const provider = providerOf({ otlp });
      provider.getTracer('t').startSpan('work').end();
      await provider.shutdown();

      for (const { requests } of [receiver, overGrpc]) {
        expect(requests[0]!.headers).not.toHaveProperty('authorization');
        expect(requests[0]!.headers).not.toHaveProperty('x-token');
      }
      expect(process.env.OTEL_EXPORTER_OTLP_HEADERS).toBe('authorization=secret');
    } finally {
      delete process.env.OTEL_EXPORTER_OTLP_HEADERS;
      delete process.env.OTEL_EXPORTER_OTLP_TRACES_HEADERS;
    }
  });

  it('batches by the limits that are set', async () => {
    const receiver = await startReceiver('http/protobuf');
    const otlp = [targetFor(receiver, 'http/protobuf', 'trace')];
    const batch = { maxExportBatchSize: 2, maxQueueSize: 10 };
    const provider = providerOf({ otlp, batch });
    for (let index = 0; index < 5; index += 1) provider.getTracer('t').startSpan(`work ${index}`).end();

    await provider.shutdown();

    expect(receiver.requests).toHaveLength(3);
  });

  it('counts and warns about spans that a full queue dropped', async () => {
    const receiver = await startReceiver('http/protobuf');
    const otlp = [targetFor(receiver, 'http/protobuf', 'trace')];
    const batch = { maxExportBatchSize: 5, maxQueueSize: 5, scheduledDelayMillis: 60_000 };
    const provider = providerOf({ otlp, batch });
    // Five make a batch and leave the queue, five fill it again, two are too many.
    for (let index = 0; index < 12; index += 1) provider.getTracer('t').startSpan('work').end();

    await provider.shutdown();

    expect(exporterReports()).toMatchObject([{ exported: 10, failed: 0, dropped: 2 }]);
    const told = warnings.messages.filter(
      (message) => message.includes('the queue is full') && message.includes(otlp[0]!.url),
    );
    expect(told).toHaveLength(1);
  });

  it('prints spans when the console is on', async () => {
    const dir = jest.spyOn(console, 'dir').mockImplementation(() => undefined);
    const provider = providerOf({ console: true });
    provider.getTracer('t').startSpan('printed').end();

    await provider.forceFlush();

    expect(dir).toHaveBeenCalledWith(expect.objectContaining({ name: 'printed' }), expect.anything());
    dir.mockRestore();
    await provider.shutdown();
  });

  it('adds the processors of the user', async () => {
    const exporter = new InMemorySpanExporter();
    const processors = [new SimpleSpanProcessor({ exporter })];
    const provider = providerOf({ processors });
    provider.getTracer('t').startSpan('work').end();

    await provider.forceFlush();

    expect(exporter.getFinishedSpans()).toHaveLength(1);
    await provider.shutdown();
  });

  it('makes nothing when nothing is configured', () => {
    expect(createSpanProcessors(telemetryConfig({}))).toEqual([]);
    expect(exporterReports()).toEqual([]);
  });
});

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

describe.each(['fast', 'sdk'] as const)('createLoggerProvider() for the engine %s', (engine) => {
  it.each(OTLP_PROTOCOLS)('sends log records by OTLP over %s', async (protocol) => {
    const receiver = await startReceiver(protocol);
    const otlp = [targetFor(receiver, protocol, 'logs', { 'x-tenant': 'acme' })];
    const provider = createLoggerProvider(telemetryConfig({ engine, logs: { otlp } }), resource)!;
    provider.getLogger('OrderService').emit({
      body: 'Processing started',
      severityNumber: SeverityNumber.INFO,
      severityText: 'INFO',
      attributes: { id: 'o1' },
    });

    await provider.shutdown();

    const payload = receivedPayload(receiver, protocol, 'logs');
    expect(receiver.requests[0]!.headers['x-tenant']).toBe('acme');
    expect(payload).toMatchObject({
      resourceLogs: [
        {
          scopeLogs: [
            {
              scope: { name: 'OrderService' },
              logRecords: [
                {
                  severityNumber: 9,
                  severityText: 'INFO',
                  body: { stringValue: 'Processing started' },
                  attributes: [{ key: 'id', value: { stringValue: 'o1' } }],
                },
              ],
            },
          ],
        },
      ],
    });
    expect(exporterReports()).toMatchObject([{ signal: 'logs', exported: 1 }]);
  });

  it('sends as many attributes of a log record as are allowed, and how many were left out', async () => {
    const receiver = await startReceiver('http/protobuf');
    const otlp = [targetFor(receiver, 'http/protobuf', 'logs')];
    const config = telemetryConfig({ engine, logs: { otlp, attributeCount: 2 } });
    const provider = createLoggerProvider(config, resource)!;
    provider.getLogger('OrderService').emit({ body: 'read', attributes: { a: 1, b: 2, c: 3, d: 4, e: 5 } });

    await provider.shutdown();

    const record = {
      attributes: [expect.objectContaining({ key: 'a' }), expect.objectContaining({ key: 'b' })] as unknown,
      droppedAttributesCount: 3,
    };
    expect(receivedPayload(receiver, 'http/protobuf', 'logs')).toMatchObject({
      resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }],
    });
  });

  it('passes items to the processors of the user as well', async () => {
    const receiver = await startReceiver('http/protobuf');
    const otlp = [targetFor(receiver, 'http/protobuf', 'logs')];
    const exporter = new InMemoryLogRecordExporter();
    const processors = [new SimpleLogRecordProcessor({ exporter })];
    const provider = createLoggerProvider(telemetryConfig({ engine, logs: { otlp, processors } }), resource)!;
    provider.getLogger('OrderService').emit({ body: 'hello' });

    await provider.forceFlush();

    expect(exporter.getFinishedLogRecords()).toMatchObject([{ body: 'hello' }]);
    expect(receiver.requests).toHaveLength(1);
    await provider.shutdown();
  });

  it('makes nothing when nothing is configured', () => {
    expect(createLoggerProvider(telemetryConfig({ engine }), resource)).toBeUndefined();
  });
});

describe('createLogRecordProcessors()', () => {
  it('adds the processors of the user', () => {
    const exporter = new InMemoryLogRecordExporter();
    const processors = [new SimpleLogRecordProcessor({ exporter })];

    expect(createLogRecordProcessors(telemetryConfig({ logs: { processors } }))).toEqual(processors);
  });
});
