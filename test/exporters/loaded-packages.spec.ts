import { type TelemetryConfig } from '../../lib/config/telemetry-config.interface.js';
import { decodeOtlp } from './otlp/decode-otlp.js';
import { closeReceivers, startHttpReceiver } from './otlp/otlp-receiver.js';
import { buildExporters, type BuiltExporters } from './support/built-exporters.js';
import { telemetryConfig } from './support/config-fragment.js';

const EXPORTER = /exporter|grpc|protobuf|jaeger|thrift|otlp/;
const prometheus = { path: '/metrics', port: undefined, host: 'localhost', guards: [], prefix: undefined };

describe.each(['esm', 'cjs'] as const)('the %s build', (format) => {
  let built: BuiltExporters;

  beforeAll(async () => {
    built = await buildExporters(format);
  });

  afterAll(async () => {
    await built.remove();
    await closeReceivers();
  });

  /** Exporter packages that a process has loaded once everything the configuration asks for was made and has arrived. */
  async function packagesOf(config: TelemetryConfig): Promise<string[]> {
    const packages = await built.run(`
      const config = ${JSON.stringify(config)};
      const made = [
        ...createSpanProcessors(config),
        ...createMetricReaders(config).readers,
        ...createLogRecordProcessors(config),
      ];
      await Promise.all(made.map((part) => part.shutdown()));
      print(loadedPackages());
    `);
    return (packages as string[]).filter((name) => EXPORTER.test(name));
  }

  it('loads no exporter when none is configured, and none for Prometheus', async () => {
    expect(await packagesOf(telemetryConfig({ traces: { console: true }, metrics: { prometheus } }))).toEqual(
      [],
    );
  });

  it('loads the serializers of OpenTelemetry only where the engine needs them', async () => {
    const otlp = [{ url: 'http://127.0.0.1:1/v1/traces', protocol: 'http/protobuf' as const, headers: {} }];

    const packages = await packagesOf(telemetryConfig({ traces: { otlp } }));
    const standard = await packagesOf(telemetryConfig({ engine: 'sdk', traces: { otlp } }));

    expect(packages).toEqual([]);
    expect(standard).toEqual(['@opentelemetry/otlp-transformer']);
  });

  it('loads what encodes metrics with their first export, not with the start', async () => {
    const otlp = [{ url: 'http://127.0.0.1:1/v1/metrics', protocol: 'http/protobuf' as const, headers: {} }];
    const loaded = await built.run(`
      const { MeterProvider } = await import('@opentelemetry/sdk-metrics');
      const provider = new MeterProvider(createMetricReaders(${JSON.stringify(telemetryConfig({ metrics: { otlp } }))}));
      provider.getMeter('t').createCounter('c').add(1);
      const isLoaded = () => loadedPackages().includes('@opentelemetry/otlp-transformer');
      await new Promise((resolve) => setTimeout(resolve, 200));
      const before = isLoaded();
      // Nothing listens there.
      await provider.shutdown().catch(() => undefined);
      print([before, isLoaded()]);
    `);
    expect(loaded).toEqual([false, true]);
  });

  it('loads the Jaeger exporter when Jaeger is configured, and no OTLP', async () => {
    const jaeger = [{ transport: 'udp', protocol: 'compact', host: 'localhost', port: 1 } as const];

    const packages = await packagesOf(telemetryConfig({ traces: { jaeger } }));

    expect(packages).toEqual(
      expect.arrayContaining(['@opentelemetry/exporter-jaeger', 'jaeger-client', 'thriftrw']),
    );
    expect(packages.filter((name) => name.includes('otlp'))).toEqual([]);
  });

  it('sends a span that ended while the exporter was still loading', async () => {
    const receiver = await startHttpReceiver();
    const url = `http://127.0.0.1:${receiver.port}/v1/traces`;
    const config = telemetryConfig({ traces: { otlp: [{ url, protocol: 'http/protobuf', headers: {} }] } });

    await built.run(`
      const { TracerProvider } = await import('@opentelemetry/sdk-trace');
      const provider = new TracerProvider({ spanProcessors: createSpanProcessors(${JSON.stringify(config)}) });
      provider.getTracer('t').startSpan('work').end();
      await provider.shutdown();
      print('sent');
    `);

    expect(decodeOtlp('trace', receiver.requests[0]!.body)).toMatchObject({
      resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'work' }] }] }],
    });
  });

  it('ends the process right after a shutdown, where the Jaeger exporter itself would linger for two seconds', async () => {
    const jaeger = [{ transport: 'udp', protocol: 'compact', host: '127.0.0.1', port: 9 } as const];
    const config = telemetryConfig({ traces: { jaeger } });

    const active = await built.run(`
      const { TracerProvider } = await import('@opentelemetry/sdk-trace');
      const provider = new TracerProvider({ spanProcessors: createSpanProcessors(${JSON.stringify(config)}) });
      provider.getTracer('t').startSpan('work').end();
      await provider.shutdown();
      print(process.getActiveResourcesInfo().filter((name) => /Timeout|UDP/.test(name)));
    `);

    // Only timers and sockets that keep the process alive are listed.
    expect(active).toEqual([]);
  });

  it('ends without a shutdown too: nothing keeps the process alive', async () => {
    const config = telemetryConfig({
      traces: { jaeger: [{ transport: 'udp', protocol: 'binary', host: '127.0.0.1', port: 9 }] },
      metrics: { otlp: [{ url: 'http://127.0.0.1:1/', protocol: 'grpc', headers: {} }], prometheus },
    });

    expect(
      await built.run(`
        createSpanProcessors(${JSON.stringify(config)});
        createMetricReaders(${JSON.stringify(config)});
        process.on('exit', () => print('ended'));
      `),
    ).toBe('ended');
  });
});
