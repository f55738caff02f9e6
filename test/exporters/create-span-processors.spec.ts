import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';

import { type TelemetryConfig } from '../../lib/config/telemetry-config.interface.js';
import { createSpanProcessors } from '../../lib/exporters/create-pipelines.js';
import { exporterReports } from '../../lib/exporters/exporter-report.js';
import { closeReceivers } from './otlp/otlp-receiver.js';
import { OTLP_PROTOCOLS, receivedPayload, startReceiver, targetFor } from './otlp/otlp-cases.js';
import { collectWarnings } from './support/collect-warnings.js';
import { telemetryConfig } from './support/config-fragment.js';
import { tracerProvider } from './support/trace-provider.js';

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
