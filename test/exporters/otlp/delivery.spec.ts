import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { MeterProvider } from '@opentelemetry/sdk-metrics';

import { type OtlpTarget } from '../../../lib/config/otlp.js';
import { type OtlpProtocol } from '../../../lib/config/otlp.js';
import {
  createLoggerProvider,
  createMetricReaders,
  createSpanProcessors,
} from '../../../lib/exporters/create-pipelines.js';
import { exporterReports, resetExporterReports } from '../../../lib/exporters/exporter-report.js';
import { type Certificate, makeCertificate } from '../../support/certificate.js';
import { eventually } from '../../support/eventually.js';
import { FaultyCollector } from '../../support/faulty-collector.js';
import { collectWarnings } from '../support/collect-warnings.js';
import { telemetryConfig } from '../support/config-fragment.js';
import { resource, tracerProvider } from '../support/trace-provider.js';
import { OTLP_PROTOCOLS } from './otlp-cases.js';

const ENGINES = ['fast', 'sdk'] as const;
const EVERYWHERE = OTLP_PROTOCOLS.flatMap((protocol) => ENGINES.map((engine) => [protocol, engine] as const));

let warnings: ReturnType<typeof collectWarnings>;
let collector: FaultyCollector;

beforeEach(() => {
  warnings = collectWarnings();
  for (const signal of ['traces', 'metrics', 'logs'] as const) resetExporterReports(signal);
});

afterEach(async () => {
  warnings.restore();
  await collector.close();
});

function target(protocol: OtlpProtocol, signal: string): OtlpTarget {
  const url = protocol === 'grpc' ? collector.url : `${collector.url}/v1/${signal}`;
  return { url, protocol, headers: {} };
}

/** Sends spans in batches of five, or what `batch` says. */
function spansTo(protocol: OtlpProtocol, engine: (typeof ENGINES)[number] = 'fast', batch = {}) {
  const traces = {
    otlp: [target(protocol, 'traces')],
    batch: { maxExportBatchSize: 5, scheduledDelayMillis: 20, ...batch },
  };
  const provider = tracerProvider(createSpanProcessors(telemetryConfig({ engine, traces })), engine);
  const tracer = provider.getTracer('t');
  return {
    provider,
    record: (count: number) => {
      for (let index = 0; index < count; index += 1) tracer.startSpan(`work ${index}`).end();
    },
  };
}

const said = (pattern: RegExp): string[] => warnings.messages.filter((message) => pattern.test(message));

describe.each(EVERYWHERE)('spans over %s, engine %s', (protocol, engine) => {
  it('counts what a partial success rejects as lost, and logs how many and why', async () => {
    collector = await FaultyCollector.start(protocol);
    collector.fault = 'partial';
    const { provider, record } = spansTo(protocol, engine, { maxExportBatchSize: 10 });
    record(10);

    await provider.shutdown();

    expect(exporterReports()).toMatchObject([{ exported: 5, failed: 5, dropped: 0 }]);
    expect(said(/rejected by the receiver: too old\..*Lost since \S+: 5 spans\./)).toHaveLength(1);
  });

  it('loses nothing while the collector restarts, warns, and logs when it works again', async () => {
    collector = await FaultyCollector.start(protocol);
    const { provider, record } = spansTo(protocol, engine);
    record(5);
    await eventually(() => collector.spanIds.size === 5);
    await collector.stop();
    record(20);
    await eventually(() => said(/could not be sent.*Nothing is lost so far/).length === 1);
    await collector.listen();
    record(5);

    await eventually(() => collector.spanIds.size === 30);
    await eventually(
      () => said(/traces are sent to .* again, after [\d.]+ s; nothing was lost\./).length === 1,
    );
    expect(warnings.messages).toHaveLength(2);
    expect(exporterReports()).toMatchObject([{ exported: 30, failed: 0, dropped: 0 }]);
    await provider.shutdown();
  });

  it('comes back within seconds when a connection is frozen', async () => {
    process.env.OTEL_EXPORTER_OTLP_TIMEOUT = '3000';
    try {
      collector = await FaultyCollector.start(protocol);
      const { provider, record } = spansTo(protocol, engine);
      record(5);
      await eventually(() => collector.spanIds.size === 5);
      await collector.set('frozen');
      record(5);
      // The request is under way on the frozen connection; from here on new ones work.
      await new Promise((resolve) => setTimeout(resolve, 100));
      await collector.set(undefined);

      await eventually(() => exporterReports()[0]!.exported === 10);
      expect(collector.spanIds.size).toBe(10);
      expect(exporterReports()).toMatchObject([{ failed: 0, dropped: 0 }]);
      await provider.shutdown();
    } finally {
      delete process.env.OTEL_EXPORTER_OTLP_TIMEOUT;
    }
  });
});

describe.each(OTLP_PROTOCOLS)('delivery over %s', (protocol) => {
  it('counts refused log records and data points as lost', async () => {
    collector = await FaultyCollector.start(protocol);
    collector.fault = 'partial';
    const config = telemetryConfig({
      logs: { otlp: [target(protocol, 'logs')] },
      metrics: { otlp: [target(protocol, 'metrics')] },
    });
    const logs = createLoggerProvider(config, resource)!;
    const metrics = new MeterProvider({ resource, readers: createMetricReaders(config).readers });
    for (let index = 0; index < 4; index += 1) {
      logs.getLogger('t').emit({ body: `line ${index}` });
      metrics.getMeter('t').createCounter(`counter_${index}`).add(1);
    }

    await Promise.all([logs.shutdown(), metrics.shutdown()]);

    expect(exporterReports()).toMatchObject([
      { signal: 'logs', exported: 2, failed: 2 },
      { signal: 'metrics', exported: 2, failed: 2 },
    ]);
    expect(said(/logs could not be sent .*too old.*: 2 log records\./)).toHaveLength(1);
    expect(said(/metrics could not be sent .*too old.*: 2 data points\./)).toHaveLength(1);
  });

  it('sends log records and data points again after a restart', async () => {
    collector = await FaultyCollector.start(protocol);
    await collector.stop();
    const config = telemetryConfig({
      logs: { otlp: [target(protocol, 'logs')], batch: { scheduledDelayMillis: 20 } },
      metrics: { otlp: [target(protocol, 'metrics')] },
    });
    const logs = createLoggerProvider(config, resource)!;
    const metrics = new MeterProvider({ resource, readers: createMetricReaders(config).readers });
    logs.getLogger('t').emit({ body: 'line' });
    metrics.getMeter('t').createCounter('counter').add(1);
    void metrics.forceFlush().catch(() => undefined); // rejects by design: nobody listens yet
    await eventually(() => said(/Nothing is lost so far/).length === 2);
    await collector.listen();

    await eventually(() => collector.accepted.logs === 1 && collector.accepted.metrics >= 1);
    await Promise.all([logs.shutdown(), metrics.shutdown()]);
  });

  it.each(['too-many', 'unavailable'] as const)(
    'comes back when the collector says so (%s), with the same bytes',
    async (fault) => {
      collector = await FaultyCollector.start(protocol, { keepBodies: true });
      collector.fault = fault;
      const { provider, record } = spansTo(protocol);
      record(5);
      await eventually(() => collector.requestTimes.length === 1);
      collector.fault = undefined;
      await eventually(() => collector.spanIds.size === 5);

      const [first, second] = collector.requestTimes;
      // A date has whole seconds; without the answer's wish the second would come within 0.5 s.
      expect(second! - first!).toBeGreaterThan(850);
      expect(collector.bodies[1]).toEqual(collector.bodies[0]);
      await provider.shutdown();
    },
  );

  it('sends a batch again whose answer did not come in time', async () => {
    process.env.OTEL_EXPORTER_OTLP_TIMEOUT = '300';
    try {
      collector = await FaultyCollector.start(protocol);
      collector.fault = 'slow';
      const { provider, record } = spansTo(protocol);
      record(5);
      await eventually(() => said(/no answer within \d+ ms/).length === 1);
      collector.fault = undefined;

      await eventually(() => exporterReports()[0]!.exported === 5);
      expect(exporterReports()).toMatchObject([{ failed: 0, dropped: 0 }]);
      await provider.shutdown();
    } finally {
      delete process.env.OTEL_EXPORTER_OTLP_TIMEOUT;
    }
  });

  it('names a full queue as the cause, not the exporter, when spans come faster than they are accepted', async () => {
    collector = await FaultyCollector.start(protocol);
    collector.fault = 'slow';
    const { provider, record } = spansTo(protocol, 'fast', { maxQueueSize: 5 });
    record(100);

    await eventually(
      () => said(/the queue is full because they are produced faster.*: 90 spans\./).length === 1,
    );
    expect(said(/because sending fails/)).toEqual([]);
    await provider.shutdown();
  });

  it('names the failure as the cause of a full queue', async () => {
    collector = await FaultyCollector.start(protocol);
    await collector.stop();
    const { provider, record } = spansTo(protocol, 'fast', { maxQueueSize: 5 });
    record(5);
    await eventually(() => said(/Nothing is lost so far/).length === 1);
    record(25);

    await eventually(() => said(/the queue is full because sending fails: .*ECONNREFUSED/).length === 1);
    await collector.listen();
    await eventually(() => said(/again, after .*lost meanwhile: \d+ spans\./).length === 1);
    const { dropped, failed, exported } = exporterReports()[0]!;
    expect([dropped > 0, failed, exported + dropped]).toEqual([true, 0, 30]);
    expect(said(new RegExp(`lost meanwhile: ${dropped} spans`))).toHaveLength(1);
    await provider.shutdown();
  });

  it.each(['garbage', 'huge'] as const)(
    'counts as sent what was answered with %s, and says so',
    async (fault) => {
      collector = await FaultyCollector.start(protocol);
      collector.fault = fault;
      const { provider, record } = spansTo(protocol);
      record(5);
      await provider.shutdown();

      expect(exporterReports()).toMatchObject([{ exported: 5, failed: 0 }]);
      expect(said(/which warns: the answer is (?:not one of OTLP|too large)/)).toHaveLength(1);
    },
  );

  it('does not follow a redirect, and names the option to set', async () => {
    collector = await FaultyCollector.start(protocol);
    collector.fault = 'redirect';
    const { provider, record } = spansTo(protocol);
    record(5);
    await provider.shutdown();

    expect(exporterReports()).toMatchObject([{ exported: 0, failed: 5 }]);
    expect(said(/HTTP 307.*Redirects are not followed: set otlpEndpoint/)).toHaveLength(1);
  });
});

/** A proxy for plain requests and for CONNECT, which notes what it was asked for. */
async function startProxy() {
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const onward = httpRequest(
      request.url!,
      { method: request.method!, headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(response);
      },
    );
    request.pipe(onward);
  });
  server.on('connect', ({ url = '', headers }, socket) => {
    asked.push(`CONNECT ${url} ${headers['proxy-authorization'] ?? ''}`.trimEnd());
    const [host, port] = url.split(':');
    const behind = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(behind).pipe(socket);
    });
    socket.on('error', () => behind.destroy());
    behind.on('error', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    asked,
    url: `127.0.0.1:${port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

describe('proxies of the environment', () => {
  const variables = ['HTTP_PROXY', 'NO_PROXY', 'NODE_USE_ENV_PROXY', 'grpc_proxy'];
  let proxy: Awaited<ReturnType<typeof startProxy>>;

  beforeEach(async () => {
    proxy = await startProxy();
  });

  afterEach(() => {
    proxy.close();
    for (const name of variables) Reflect.deleteProperty(process.env, name);
  });

  async function sendOne(protocol: OtlpProtocol): Promise<void> {
    collector = await FaultyCollector.start(protocol);
    const { provider, record } = spansTo(protocol);
    record(1);
    await provider.shutdown();
    expect(collector.spanIds.size).toBe(1);
  }

  it.each(['http/protobuf', 'http/json'] as const)(
    'are used by %s with NODE_USE_ENV_PROXY=1',
    async (protocol) => {
      Object.assign(process.env, { HTTP_PROXY: `http://${proxy.url}`, NODE_USE_ENV_PROXY: '1' });
      await sendOne(protocol);
      expect(proxy.asked).toEqual([`POST ${collector.url}/v1/traces`]);
    },
  );

  it.each([
    ['without the switch', { NODE_USE_ENV_PROXY: '' }],
    ['for a host of NO_PROXY', { NODE_USE_ENV_PROXY: '1', NO_PROXY: 'example.com,127.0.0.0/8' }],
  ])('are not used %s', async (_, env) => {
    Object.assign(process.env, { HTTP_PROXY: `http://${proxy.url}`, ...env });
    await sendOne('http/protobuf');
    expect(proxy.asked).toEqual([]);
  });

  it('are used by gRPC through CONNECT, with their credentials', async () => {
    process.env.grpc_proxy = `http://me:s%40cret@${proxy.url}`;
    await sendOne('grpc');
    const credentials = Buffer.from('me:s@cret').toString('base64');
    expect(proxy.asked).toEqual([`CONNECT ${new URL(collector.url).host} Basic ${credentials}`]);
  });
});

describe('TLS', () => {
  let folder: string;
  let file: string;
  let tls: Certificate;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-tls-'));
    file = join(folder, 'cert.pem');
    tls = makeCertificate();
    writeFileSync(file, tls.cert);
  });

  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  afterEach(() => {
    for (const name of ['OTEL_EXPORTER_OTLP_CERTIFICATE', 'HTTPS_PROXY', 'NODE_USE_ENV_PROXY'])
      Reflect.deleteProperty(process.env, name);
  });

  it.each(OTLP_PROTOCOLS)(
    'trusts the certificate of OTEL_EXPORTER_OTLP_CERTIFICATE over %s',
    async (protocol) => {
      process.env.OTEL_EXPORTER_OTLP_CERTIFICATE = file;
      collector = await FaultyCollector.start(protocol, { tls });
      const { provider, record } = spansTo(protocol);
      record(1);
      await provider.shutdown();
      expect(collector.spanIds.size).toBe(1);
    },
  );

  it.each(OTLP_PROTOCOLS)('goes through the CONNECT method of a proxy over %s', async (protocol) => {
    const proxy = await startProxy();
    Object.assign(process.env, {
      OTEL_EXPORTER_OTLP_CERTIFICATE: file,
      HTTPS_PROXY: `http://${proxy.url}`,
      NODE_USE_ENV_PROXY: '1',
    });
    collector = await FaultyCollector.start(protocol, { tls });
    const { provider, record } = spansTo(protocol);
    record(1);
    await provider.shutdown();
    proxy.close();
    expect(collector.spanIds.size).toBe(1);
    expect(proxy.asked).toEqual([`CONNECT ${new URL(collector.url).host}`]);
  });

  it.each(OTLP_PROTOCOLS)(
    'names the certificate as the cause when it is not trusted, over %s',
    async (protocol) => {
      collector = await FaultyCollector.start(protocol, { tls });
      const { provider, record } = spansTo(protocol);
      record(5);
      await eventually(
        () => said(/self-signed certificate.*Check OTEL_EXPORTER_OTLP_CERTIFICATE/).length === 1,
      );
      await provider.shutdown();
      expect(exporterReports()).toMatchObject([{ exported: 0, failed: 5 }]);
    },
  );
});
