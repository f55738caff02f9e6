import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

import { createSpanProcessors } from '../../lib/exporters/create-pipelines.js';
import { describeError, explainExportFailure } from '../../lib/exporters/export-failure.js';
import { type ExporterDestination, exporterReports } from '../../lib/exporters/exporter-report.js';
import { closeReceivers, startHttpReceiver } from './otlp/otlp-receiver.js';
import { collectWarnings } from './support/collect-warnings.js';
import { telemetryConfig } from './support/config-fragment.js';
import { tracerProvider } from './support/trace-provider.js';

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('exporterReports()', () => {
  let warnings: ReturnType<typeof collectWarnings>;
  beforeEach(() => {
    warnings = collectWarnings();
  });
  afterEach(async () => {
    warnings.restore();
    await closeReceivers();
  });

  it('reports successes with the time of the last one', async () => {
    const receiver = await startHttpReceiver();
    const url = `http://127.0.0.1:${receiver.port}/v1/traces`;
    const otlp = [{ url, protocol: 'http/json' as const, headers: {} }];
    const provider = tracerProvider(createSpanProcessors(telemetryConfig({ traces: { otlp } })));
    provider.getTracer('t').startSpan('work').end();
    await provider.shutdown();

    const [report] = exporterReports();

    expect(report).toMatchObject({ name: 'OTLP http/json', endpoint: url, exported: 1, failed: 0 });
    expect(report!.lastSuccess).toBeInstanceOf(Date);
    expect(report!.lastError).toBeUndefined();
  });

  it('reports failures, logs them and what is lost, and lets the shutdown succeed without a listener', async () => {
    const url = `http://127.0.0.1:${await closedPort()}`;
    const otlp = [{ url, protocol: 'grpc' as const, headers: {} }];
    const provider = tracerProvider(createSpanProcessors(telemetryConfig({ traces: { otlp } })));
    const tracer = provider.getTracer('t');
    tracer.startSpan('first').end();
    await provider.forceFlush().catch(() => undefined); // rejects by design: the caller asked for a flush
    tracer.startSpan('second').end();

    await provider.shutdown();

    const [report] = exporterReports();
    expect(report).toMatchObject({ exported: 0, failed: 2, lastSuccess: undefined });
    expect(report!.lastError!.message).toContain('ECONNREFUSED');
    const trouble = `traces could not be sent to ${url} (OTLP grpc): 14 UNAVAILABLE`;
    expect(warnings.messages).toEqual([expect.stringContaining(trouble), expect.stringContaining(trouble)]);
    expect(warnings.messages[0]).toContain('Is a collector running there? Check otlpEndpoint');
    expect(warnings.messages[0]).toContain('Nothing is lost so far');
    expect(warnings.messages[1]).toMatch(/Lost since \S+: 2 spans\b/);
  });

  it('names the status of an HTTP answer', async () => {
    const receiver = await startHttpReceiver(401);
    const url = `http://127.0.0.1:${receiver.port}/v1/traces`;
    const otlp = [{ url, protocol: 'http/protobuf' as const, headers: {} }];
    const provider = tracerProvider(createSpanProcessors(telemetryConfig({ traces: { otlp } })));
    provider.getTracer('t').startSpan('work').end();

    await provider.shutdown();

    expect(warnings.messages).toEqual([expect.stringMatching(/HTTP 401 Unauthorized\. Check otlpHeaders/)]);
  });

  it('forgets the exporters of the start before', () => {
    const target = { protocol: 'http/json' as const, headers: {} };
    createSpanProcessors(telemetryConfig({ traces: { otlp: [{ ...target, url: 'http://old:4318/' }] } }));
    createSpanProcessors(telemetryConfig({ traces: { otlp: [{ ...target, url: 'http://new:4318/' }] } }));

    expect(exporterReports().map(({ endpoint }) => endpoint)).toEqual(['http://new:4318/']);
  });

  it('does not show credentials of an address', () => {
    const otlp = [{ url: 'http://me:secret@collector:4318/', protocol: 'http/json' as const, headers: {} }];
    createSpanProcessors(telemetryConfig({ traces: { otlp } }));

    expect(exporterReports()[0]!.endpoint).toBe('http://collector:4318/');
  });
});

function otlp(protocol: ExporterDestination['protocol'], endpoint: string): ExporterDestination {
  return { signal: 'logs', protocol, name: `OTLP ${protocol}`, endpoint };
}

const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });

describe('explainExportFailure()', () => {
  it('gives the reason and the remedy', () => {
    expect(explainExportFailure(otlp('grpc', 'http://collector:4317'), refused)).toMatchObject({
      reason: 'connect ECONNREFUSED',
      remedy: expect.stringMatching(/^Is a collector running/) as unknown,
    });
  });

  it('suggests gRPC when HTTP was sent to port 4317', () => {
    expect(
      explainExportFailure(otlp('http/protobuf', 'http://collector:4317/v1/logs'), refused).remedy,
    ).toContain(
      "Port 4317 speaks gRPC: set otlpProtocol / OTEL_EXPORTER_OTLP_PROTOCOL to 'grpc', or use port 4318.",
    );
  });

  it('suggests HTTP when gRPC was sent to port 4318', () => {
    expect(explainExportFailure(otlp('grpc', 'http://collector:4318'), refused).remedy).toContain(
      "Port 4318 speaks HTTP: set otlpProtocol / OTEL_EXPORTER_OTLP_PROTOCOL to 'http/protobuf', or use port 4317.",
    );
  });

  it('suggests the headers when access is refused', () => {
    const unauthenticated = new Error('16 UNAUTHENTICATED: no token');

    expect(explainExportFailure(otlp('grpc', 'http://collector:4317'), unauthenticated).remedy).toContain(
      'Check otlpHeaders',
    );
  });

  it.each([
    ['http://collector:6831/v1/logs', refused, 'Port 6831 receives Thrift over UDP'],
    ['http://collector:16686/v1/logs', new Error('HTTP 500'), "Port 16686 is Jaeger's user interface"],
    ['http://collector:4318/logs', new Error('HTTP 404 Not Found'), 'Check the path'],
    [
      'http://collector:9000/v1/logs',
      new Error('Parse Error: Expected HTTP/'),
      'Another protocol is spoken there',
    ],
  ])('names what is wrong with %s: %s', (endpoint, error, remedy) => {
    expect(explainExportFailure(otlp('http/protobuf', endpoint), error).remedy).toContain(remedy);
  });

  it.each([
    ['jaeger-udp', 'udp://localhost:6831', '6831 takes compact Thrift, 6832 binary'],
    ['jaeger-http', 'http://localhost:14268/api/traces', 'http://host:14268/api/traces'],
  ] as const)('names the ports of Jaeger for %s', (protocol, endpoint, remedy) => {
    expect(explainExportFailure(otlp(protocol, endpoint), refused).remedy).toContain(remedy);
  });
});

describe('describeError()', () => {
  it('gives each distinct reason of a connection that was tried on several addresses', () => {
    const both = new AggregateError([
      new Error('connect ECONNREFUSED ::1:4318'),
      new Error('refused'),
      new Error('refused'),
    ]);

    expect(describeError(both)).toBe('connect ECONNREFUSED ::1:4318, refused');
  });

  it('gives the code of an error without a message', () => {
    expect(describeError(Object.assign(new Error(''), { code: 'EPIPE' }))).toBe('EPIPE');
  });

  it('gives the status of an HTTP answer', () => {
    expect(describeError(Object.assign(new Error('Not Found'), { code: 404 }))).toBe('HTTP 404 Not Found');
  });
});
