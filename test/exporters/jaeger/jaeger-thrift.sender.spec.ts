import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { type ReadableSpan, type SpanProcessor, type TracerProvider } from '@opentelemetry/sdk-trace';

import { type JaegerTarget } from '../../../lib/config/jaeger.js';
import { createSpanProcessors } from '../../../lib/exporters/create-pipelines.js';
import { exporterReports } from '../../../lib/exporters/exporter-report.js';
import type { ThriftExporterConstructor } from '../../../lib/exporters/jaeger/jaeger-package.js';
import { JaegerThriftExporter } from '../../../lib/exporters/jaeger/jaeger-thrift.sender.js';
import { eventually } from '../../support/eventually.js';
import { collectWarnings } from '../support/collect-warnings.js';
import { telemetryConfig } from '../support/config-fragment.js';
import { tracerProvider } from '../support/trace-provider.js';
import {
  type JaegerBatch,
  readBinaryDatagram,
  readCompactDatagram,
  readHttpBatch,
  startThriftHttpReceiver,
  startUdpReceiver,
  type ThriftHttpReceiver,
  type UdpReceiver,
} from './jaeger-receiver.js';

const MAX_DATAGRAM_BYTES = 65_507;

let warnings: ReturnType<typeof collectWarnings>;
let receiver: UdpReceiver;

beforeEach(async () => {
  warnings = collectWarnings();
  receiver = await startUdpReceiver();
});

afterEach(async () => {
  warnings.restore();
  await receiver.close();
});

function providerFor(target: JaegerTarget): TracerProvider {
  return tracerProvider(createSpanProcessors(telemetryConfig({ traces: { jaeger: [target] } })));
}

const overUdp = (protocol: 'compact' | 'binary'): JaegerTarget => ({
  transport: 'udp',
  protocol,
  host: 'localhost',
  port: receiver.port,
});

const readers = { compact: readCompactDatagram, binary: readBinaryDatagram };

/** Makes a parent with one child that has everything a span can have; gives what a receiver should see. */
function makeTrace(provider: TracerProvider): { spans: object[] } {
  const tracer = provider.getTracer('OrderService');
  const root = tracer.startSpan('handle_request');
  const child = tracer.startSpan(
    'llm.generate',
    { attributes: { model: 'žluťoučký 🐎', tokens: -42, ratio: 0.25, cached: true, stop: ['a', 'b'] } },
    trace.setSpan(context.active(), root),
  );
  child.addEvent('log', { message: 'Processing started' });
  child.setStatus({ code: SpanStatusCode.ERROR, message: 'boom' });
  child.end();
  root.end();
  const { traceId, spanId } = root.spanContext();
  const common = {
    'service.name': 'orchestrator',
    'otel.library.name': 'OrderService',
    'otel.library.version': '',
  };
  return {
    spans: [
      {
        traceId,
        spanId: child.spanContext().spanId,
        parentSpanId: spanId,
        name: 'llm.generate',
        tags: {
          ...common,
          model: 'žluťoučký 🐎',
          tokens: -42,
          ratio: 0.25,
          cached: true,
          stop: '["a","b"]',
          error: true,
          'otel.status_code': 'ERROR',
          'otel.status_description': 'boom',
        },
        logs: [{ event: 'log', message: 'Processing started' }],
      },
      { traceId, spanId, parentSpanId: '0000000000000000', name: 'handle_request', tags: common, logs: [] },
    ],
  };
}

const process = {
  serviceName: 'orchestrator',
  processTags: { 'service.version': '1.2.3', 'host.tags': '["a","b"]' },
};

describe('Jaeger over UDP', () => {
  it.each(['compact', 'binary'] as const)('sends a trace in %s Thrift', async (protocol) => {
    const provider = providerFor(overUdp(protocol));
    const { spans } = makeTrace(provider);

    await provider.shutdown();
    await eventually(() => receiver.datagrams.length > 0);

    expect(receiver.datagrams.map(readers[protocol])).toEqual([{ ...process, spans }]);
    expect(exporterReports()).toMatchObject([
      {
        name: `Jaeger ${protocol} Thrift over UDP`,
        endpoint: `udp://localhost:${receiver.port}`,
        exported: 2,
      },
    ]);
    expect(warnings.messages).toEqual([]);
  });

  it.each(['compact', 'binary'] as const)(
    'splits a big batch over %s datagrams and loses nothing',
    async (protocol) => {
      const provider = providerFor(overUdp(protocol));
      const names = Array.from({ length: 400 }, (_, index) => `work ${index}`);
      const attributes = { blob: 'x'.repeat(1000) };
      for (const name of names) provider.getTracer('t').startSpan(name, { attributes }).end();

      await provider.shutdown();

      const received = (): JaegerBatch[] => receiver.datagrams.map(readers[protocol]);
      await eventually(() => received().flatMap(({ spans }) => spans).length >= names.length);
      expect(received().flatMap(({ spans }) => spans.map(({ name }) => name))).toEqual(names);
      expect(receiver.datagrams.length).toBeGreaterThan(6);
      expect(Math.max(...receiver.datagrams.map(({ length }) => length))).toBeLessThan(MAX_DATAGRAM_BYTES);
    },
  );

  it('loses only the span that is too big, counts it and warns', async () => {
    const provider = providerFor(overUdp('compact'));
    const tracer = provider.getTracer('t');
    tracer.startSpan('before').end();
    tracer.startSpan('too big', { attributes: { blob: 'x'.repeat(70_000) } }).end();
    tracer.startSpan('after').end();

    await provider.shutdown();
    await eventually(() => receiver.datagrams.length > 0);

    const names = receiver.datagrams
      .map(readCompactDatagram)
      .flatMap(({ spans }) => spans.map(({ name }) => name));
    expect(names).toEqual(['before', 'after']);
    expect(exporterReports()).toMatchObject([{ exported: 2, failed: 0, dropped: 1 }]);
    expect(warnings.messages).toEqual([
      expect.stringMatching(
        /sent to udp:.*the span "too big" does not fit.*span size 70\d{3} is larger.*OTLP.*: 1 span\./,
      ),
    ]);
  });

  it('reports that no receiver listens', async () => {
    const target = overUdp('compact');
    await receiver.close();
    const provider = providerFor(target);
    makeTrace(provider);

    await provider.shutdown();

    expect(exporterReports()).toMatchObject([{ exported: 0, failed: 2 }]);
    expect(warnings.messages).toEqual([
      expect.stringMatching(/nothing listens on that port \(ECONNREFUSED\).*Is Jaeger running there\?/),
    ]);
  });

  it('delivers again once a receiver listens', async () => {
    const { port } = receiver;
    const provider = providerFor(overUdp('compact'));
    await receiver.close();
    provider.getTracer('t').startSpan('lost').end();
    await provider.forceFlush().catch(() => undefined); // rejects by design: nobody listened
    receiver = await startUdpReceiver(port);

    provider.getTracer('t').startSpan('delivered').end();
    await provider.shutdown();
    await eventually(() => receiver.datagrams.length > 0);

    expect(receiver.datagrams.map((datagram) => readCompactDatagram(datagram).spans[0]!.name)).toEqual([
      'delivered',
    ]);
    expect(exporterReports()).toMatchObject([{ exported: 1, failed: 1 }]);
  });

  it('is not turned into HTTP by OTEL_EXPORTER_JAEGER_ENDPOINT', async () => {
    globalThis.process.env.OTEL_EXPORTER_JAEGER_ENDPOINT = `localhost:${receiver.port}`;
    try {
      const provider = providerFor(overUdp('compact'));
      makeTrace(provider);
      await provider.shutdown();
      await eventually(() => receiver.datagrams.length > 0);

      expect(readCompactDatagram(receiver.datagrams[0]!).spans).toHaveLength(2);
    } finally {
      delete globalThis.process.env.OTEL_EXPORTER_JAEGER_ENDPOINT;
    }
  });
});

describe('Jaeger over HTTP', () => {
  let server: ThriftHttpReceiver;

  afterEach(async () => {
    await server.close();
  });

  it('sends a trace in Thrift', async () => {
    server = await startThriftHttpReceiver();
    const provider = providerFor({ transport: 'http', url: server.url });
    const { spans } = makeTrace(provider);

    await provider.shutdown();

    expect(server.requests).toMatchObject([{ path: '/api/traces', contentType: 'application/x-thrift' }]);
    expect(readHttpBatch(server.requests[0]!.body)).toEqual({ ...process, spans });
    expect(exporterReports()).toMatchObject([{ endpoint: server.url, exported: 2, failed: 0 }]);
  });

  it('sends the credentials of the address and shows them nowhere', async () => {
    server = await startThriftHttpReceiver(403);
    const url = server.url.replace('http://', 'http://me:s%40cret@');
    const provider = providerFor({ transport: 'http', url });
    makeTrace(provider);

    await provider.shutdown();

    expect(server.requests[0]!.authorization).toBe(`Basic ${Buffer.from('me:s@cret').toString('base64')}`);
    expect(exporterReports()[0]!.endpoint).toBe(server.url);
    expect(warnings.messages).toEqual([expect.stringContaining(`could not be sent to ${server.url} `)]);
  });

  it('reports an answer that is no success', async () => {
    server = await startThriftHttpReceiver(503);
    const provider = providerFor({ transport: 'http', url: server.url });
    makeTrace(provider);

    await provider.shutdown();

    expect(exporterReports()).toMatchObject([{ exported: 0, failed: 2 }]);
    expect(exporterReports()[0]!.lastError!.message).toContain('HTTP 503');
  });

  it('gives up on a server that never answers, so that neither export nor shutdown hangs', async () => {
    server = await startThriftHttpReceiver('never');
    const { JaegerExporter } = await import('@opentelemetry/exporter-jaeger');
    const exporter = new JaegerThriftExporter(
      { transport: 'http', url: server.url },
      JaegerExporter as unknown as ThriftExporterConstructor, // as the library does: its types speak of the 2.x line
      100,
    );
    const spans: ReadableSpan[] = [];
    const catcher: SpanProcessor = {
      onStart: () => undefined,
      onEnd: (span) => spans.push(span),
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    };
    makeTrace(tracerProvider([catcher]));

    const result = await exporter.send({ items: spans });
    await exporter.close();

    expect(result).toEqual({ outcome: 'retry', error: new Error('no answer within 100 ms') });
  });
});
