import { once } from 'node:events';
import { createServer } from 'node:net';
import { type AddressInfo } from 'node:net';

import { createSpanProcessors } from '../../lib/exporters/create-pipelines.js';
import { exporterReports } from '../../lib/exporters/exporter-report.js';
import { closeReceivers, startHttpReceiver } from './otlp/otlp-receiver.js';
import { collectWarnings } from './support/collect-warnings.js';
import { telemetryConfig } from './support/config-fragment.js';
import { tracerProvider } from './support/trace-provider.js';

let warnings: ReturnType<typeof collectWarnings>;

beforeEach(() => {
  warnings = collectWarnings();
});

afterEach(async () => {
  warnings.restore();
  await closeReceivers();
});

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('exporterReports()', () => {
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
