import { join } from 'node:path';

import {
  logs,
  metrics,
  propagation,
  SeverityNumber,
  trace,
  type TracerProvider as ApiTracerProvider,
} from '@opentelemetry/api';
import { ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as HttpExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import {
  BatchSpanProcessor,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { BasicTracerProvider as FormerTracerProvider } from '@opentelemetry/sdk-trace-base';
import {
  configureTelemetry,
  getTelemetry,
  type TelemetryHandle,
  type TelemetryOptions,
} from 'nestjs-telemetry';
import { createTelemetryProbe, type TelemetryProbe } from 'nestjs-telemetry/testing';

import { findLogs } from '../../lib/dashboard/sqlite/queries/find-logs.js';
import { resetWarnings, setWarningSink } from '../../lib/errors/warnings.js';
import { sendsTo } from '../../lib/runtime/foreign-sdk-internals.js';
import { currentRuntime } from '../../lib/runtime/sdk-runtime.js';
import { cleanUp, newFolder, openTestStore } from '../dashboard/sqlite/open-test-store.js';
import { renderText } from '../exporters/prometheus/render-text.js';
import { eventually } from '../support/eventually.js';

describe('a provider of another OpenTelemetry SDK', () => {
  let probe: TelemetryProbe;
  let running: TelemetryHandle | undefined;
  let warnings: string[];
  let restore: () => void;

  const start = (options: TelemetryOptions = {}): TelemetryHandle => {
    const telemetry = configureTelemetry({
      serviceName: 'orders',
      ...probe.options,
      logging: false,
      instrumentation: false,
      ...options,
    });
    running = telemetry;
    return telemetry;
  };

  beforeEach(() => {
    probe = createTelemetryProbe();
    resetWarnings();
    warnings = [];
    restore = setWarningSink((message) => warnings.push(message));
  });
  afterEach(async () => {
    await running?.shutdown();
    running = undefined;
    await cleanUp();
    restore();
    trace.disable();
    metrics.disable();
    logs.disable();
    propagation.disable();
  });

  describe('of traces', () => {
    const former = () => {
      const exporter = new InMemorySpanExporter();
      // Another release of the SDK, whose exporters and processors have the same methods.
      const processor = new SimpleSpanProcessor({ exporter });
      const provider = new FormerTracerProvider({ spanProcessors: [processor] });
      return { provider: provider as unknown as ApiTracerProvider, exporter };
    };
    const current = () => {
      const exporter = new InMemorySpanExporter();
      return {
        provider: new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
        exporter,
      };
    };

    it.each([
      ['3.x', current],
      ['2.x', former],
    ])(
      'is joined (SDK %s): each span goes to both, once, with the name of the service',
      async (_version, make) => {
        const { provider, exporter } = make();
        trace.setGlobalTracerProvider(provider);
        const telemetry = start();
        getTelemetry('guest').trace('hosted', { rows: 2 }, () => undefined);
        await eventually(() => exporter.getFinishedSpans().length === 1);
        expect(probe.spans()).toHaveLength(1);
        const { resource, attributes, instrumentationScope } = probe.span('hosted');
        expect(resource.attributes['service.name']).toBe('orders');
        expect(attributes).toEqual({ rows: 2 });
        expect(instrumentationScope.name).toBe('guest');
        expect(warnings).toEqual([]);

        await telemetry.shutdown();
        getTelemetry('guest').trace('still hosted', () => undefined);
        await eventually(() => exporter.getFinishedSpans().length === 2);
        expect(probe.spans()).toHaveLength(1);
      },
    );

    it('is joined by its public method where it has one (SDK 1.x)', () => {
      interface Processor {
        onEnd(span: unknown): void;
      }
      class FirstTracerProvider {
        readonly added: Processor[] = [];
        addSpanProcessor(processor: Processor): void {
          this.added.push(processor);
        }
        getTracer = () => trace.getTracer('none');
      }
      const provider = new FirstTracerProvider();
      trace.setGlobalTracerProvider(provider);
      start();
      const spanContext = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 };
      provider.added[0]?.onEnd({
        name: 'of 1.x',
        spanContext: () => spanContext,
        instrumentationLibrary: { name: 'first' },
        parentSpanId: '3'.repeat(16),
        resource: { attributes: {}, merge: () => undefined },
      });
      const span = probe.span('of 1.x');
      expect(span.instrumentationScope.name).toBe('first');
      expect(span.parentSpanContext?.spanId).toBe('3'.repeat(16));
      expect(span.resource.attributes['service.name']).toBe('orders');
    });

    it('is found behind proxies', async () => {
      const { provider } = current();
      const proxy = { getDelegate: () => provider, getTracer: provider.getTracer.bind(provider) };
      trace.setGlobalTracerProvider(proxy);
      start();
      getTelemetry('guest').trace('hosted', () => undefined);
      await eventually(() => probe.spans().length === 1);
      expect(warnings).toEqual([]);
    });

    it('that accepts no further processors is warned about once, with what gets nothing', () => {
      class OwnTracerProvider {
        getTracer = (name: string) => new TracerProvider().getTracer(name);
      }
      trace.setGlobalTracerProvider(new OwnTracerProvider());
      start({ otlpEndpoint: 'http://127.0.0.1:4318', store: { file: ':memory:' }, spanProcessors: [] });
      expect(warnings.filter((warning) => warning.includes('spans'))).toEqual([
        'Another OpenTelemetry provider (OwnTracerProvider) takes the spans of this process and cannot be joined, so these ' +
          'get none: http://127.0.0.1:4318/v1/traces, the dashboard. Start it without spans, have it send them there itself, or ' +
          'leave it out.',
      ]);
    });

    it('that accepts no further processors is nothing to warn about where nothing is to be sent', () => {
      trace.setGlobalTracerProvider({ getTracer: (name) => new TracerProvider().getTracer(name) });
      start({ spanProcessors: [] });
      expect(warnings).toEqual([]);
    });

    it.each([
      ['gRPC', 'grpc', new GrpcExporter({ url: 'http://localhost:4317' }), 'http://localhost:4317'],
      [
        'HTTP',
        'http/protobuf',
        new HttpExporter({ url: 'http://localhost:4318/v1/traces' }),
        'http://localhost:4318',
      ],
    ] as const)(
      'that sends to the same collector itself sends each span once (%s)',
      (_name, otlpProtocol, exporter, otlpEndpoint) => {
        const processor = new BatchSpanProcessor({ exporter });
        const provider = new TracerProvider({ spanProcessors: [processor] });
        trace.setGlobalTracerProvider(provider);
        start({ otlpEndpoint, otlpProtocol, spanProcessors: [] });
        expect(currentRuntime()).toBeDefined();
        const joined = (provider as unknown as { _activeSpanProcessor: { _spanProcessors: unknown[] } })
          ._activeSpanProcessor;
        expect(joined._spanProcessors).toEqual([processor]);
        expect(sendsTo(processor, 'http://localhost:9999/v1/traces')).toBe(false);
      },
    );
  });

  describe('of metrics', () => {
    it.each([
      ['with', true],
      ['without', false],
    ])('is joined (%s a reader of its own)', async (_name, hasReader) => {
      const reader = new PeriodicExportingMetricReader({
        exporter: {
          export: (_metrics, done) => {
            done({ code: ExportResultCode.SUCCESS });
          },
          forceFlush: () => Promise.resolve(),
          shutdown: () => Promise.resolve(),
        },
      });
      const provider = new MeterProvider({ readers: hasReader ? [reader] : [] });
      metrics.setGlobalMeterProvider(provider);
      start();
      getTelemetry('guest').counter('guest_total').add(3);
      await expect(probe.metricValue('guest_total')).resolves.toBe(3);
      await expect(renderText(currentRuntime()!.prometheus!)).resolves.toMatchObject({
        body: expect.stringMatching(/^guest_total 3$/m) as string,
      });
      expect(warnings).toEqual([]);
      await provider.shutdown();
    });

    it('that accepts no further readers is warned about: the page of metrics is missing', () => {
      metrics.setGlobalMeterProvider({ getMeter: (name) => new MeterProvider().getMeter(name) });
      start();
      expect(currentRuntime()?.prometheus).toBeUndefined();
      expect(warnings).toEqual([
        expect.stringContaining('so these get none: /metrics (HTTP 404), metricReaders'),
      ]);
    });
  });

  describe('of log records', () => {
    it.each([
      ['with', true],
      ['without', false],
    ])('is joined (%s a processor of its own)', async (_name, hasProcessor) => {
      const exporter = new InMemoryLogRecordExporter();
      const processors = hasProcessor ? [new SimpleLogRecordProcessor({ exporter })] : [];
      const provider = new LoggerProvider({ processors });
      logs.setGlobalLoggerProvider(provider);
      const file = join(newFolder(), 'telemetry.db');
      start({ store: { file } });
      logs.getLogger('guest').emit({ body: 'hosted', severityNumber: SeverityNumber.ERROR });
      await eventually(() => probe.logRecords().length === 1);
      expect(probe.logRecords()[0]?.body).toBe('hosted');
      if (hasProcessor) expect(exporter.getFinishedLogRecords()).toHaveLength(1);
      await running?.flush();
      expect(openTestStore({ file }).read((database) => findLogs(database)).items).toHaveLength(1);
      expect(warnings).toEqual([]);
    });

    it('that accepts no further processors is warned about', () => {
      logs.setGlobalLoggerProvider({ getLogger: (name) => new LoggerProvider().getLogger(name) });
      start();
      expect(warnings).toEqual([expect.stringContaining('takes the log records of this process')]);
    });
  });

  it('that comes later is refused by the API, and that is warned about per signal', async () => {
    start();
    const sdk = new NodeSDK({
      spanProcessors: [new SimpleSpanProcessor({ exporter: new InMemorySpanExporter() })],
      metricReaders: [
        new PeriodicExportingMetricReader({
          exporter: {
            export: () => undefined,
            forceFlush: () => Promise.resolve(),
            shutdown: () => Promise.resolve(),
          },
        }),
      ],
      logRecordProcessors: [new SimpleLogRecordProcessor({ exporter: new InMemoryLogRecordExporter() })],
    });
    sdk.start();
    expect(warnings.sort()).toEqual([
      expect.stringMatching(/LoggerProvider\) was registered after nestjs-telemetry.*no log records/),
      expect.stringMatching(/MeterProvider\) was registered after nestjs-telemetry.*no metrics/),
      expect.stringMatching(/TracerProvider\) was registered after nestjs-telemetry.*no spans/),
    ]);
    await sdk.shutdown().catch(() => undefined);
    await running?.shutdown();
    expect(trace.setGlobalTracerProvider(new TracerProvider())).toBe(true);
  });
});
