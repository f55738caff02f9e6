import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { metrics, propagation, trace } from '@opentelemetry/api';
import { detectResources, hostDetector } from '@opentelemetry/resources';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import {
  configureTelemetry,
  getCurrentTraceId,
  getTelemetry,
  injectTraceContext,
  TelemetryError,
  type TelemetryHandle,
  TelemetryModule,
} from 'nestjs-telemetry';
import { createTelemetryProbe, type TelemetryProbe } from 'nestjs-telemetry/testing';

import { resetWarnings, setWarningSink } from '../../lib/errors/warnings.js';
import { isRegistered } from '../../lib/runtime/registered-globals.js';
import { currentRuntime } from '../../lib/runtime/sdk-runtime.js';
import { eventually } from '../support/eventually.js';

/** The clock is in the hand of the test, `jest.advanceTimersByTimeAsync()` makes time pass. */
const TIMERS = {
  doNotFake: ['hrtime', 'nextTick', 'queueMicrotask', 'setImmediate'],
} satisfies Parameters<typeof jest.useFakeTimers>[0];

/** Keeps the value of a promise, once there is one. */
function settlementOf<T>(promise: Promise<T>): { value?: T } {
  const settled: { value?: T } = {};
  void promise.then((value) => (settled.value = value));
  return settled;
}

describe('configureTelemetry()', () => {
  let probe: TelemetryProbe;
  let running: TelemetryHandle[];
  const start = (options = {}): TelemetryHandle => {
    const telemetry = configureTelemetry({
      serviceName: 'script',
      ...probe.options,
      instrumentation: { runtimeMetrics: false },
      ...options,
    });
    running.push(telemetry);
    return telemetry;
  };

  beforeEach(() => {
    probe = createTelemetryProbe();
    running = [];
    resetWarnings();
  });
  afterEach(async () => {
    jest.useRealTimers();
    for (const telemetry of running) await telemetry.shutdown();
  });

  it('starts nothing by being imported', () => {
    expect((['trace', 'metrics', 'logs', 'propagation'] as const).filter(isRegistered)).toEqual([]);
  });

  it('makes spans, metrics, log records and lines that know of each other', async () => {
    start();
    const telemetry = getTelemetry('import');
    const traceId = telemetry.trace('import', { rows: 2 }, () => {
      telemetry.counter('rows_total').add(2, { kind: 'new' });
      telemetry.logInfo('Importing', { file: 'a.csv' });
      return getCurrentTraceId();
    });
    const { attributes, events, resource } = probe.span('import');
    expect(attributes).toEqual({ rows: 2 });
    expect(events.map(({ name, attributes: event }) => [name, event?.['log.message']])).toEqual([
      ['log', 'Importing'],
    ]);
    expect(resource.attributes).toMatchObject({
      'service.name': 'script',
      'telemetry.sdk.language': 'nodejs',
    });
    expect(probe.logLines()).toEqual([
      expect.objectContaining({ msg: 'Importing', file: 'a.csv', context: 'import', trace_id: traceId }),
    ]);
    expect(probe.logRecords().map(({ body, spanContext }) => [body, spanContext?.traceId])).toEqual([
      ['Importing', traceId],
    ]);
    await expect(probe.metricValue('rows_total', { kind: 'new' })).resolves.toBe(2);
  });

  it('serves what was asked for before it', async () => {
    const early = getTelemetry('early');
    const counter = early.counter('early_total');
    counter.add(1);
    early.observableGauge('early_gauge', () => 7);
    start();
    counter.add(1);
    early.trace('early', () => undefined);
    expect(probe.span('early').instrumentationScope.name).toBe('early');
    await expect(probe.metricValue('early_total')).resolves.toBe(1);
    await expect(probe.metricValue('early_gauge')).resolves.toBe(7);
  });

  it('can be stopped and started again, with what was asked for before', async () => {
    const telemetry = getTelemetry('again');
    const counter = telemetry.counter('again_total');
    const first = start();
    telemetry.trace('first', () => {
      counter.add(1);
    });
    expect(probe.spans().map((span) => span.name)).toEqual(['first']);
    await first.shutdown();
    expect(isRegistered('trace')).toBe(false);
    probe = createTelemetryProbe();
    start();
    telemetry.trace('second', () => {
      counter.add(5);
    });
    expect(probe.span('second').name).toBe('second');
    await expect(probe.metricValue('again_total')).resolves.toBe(5);
  });

  it('is joined by a second start, and stops when the last of them leaves', async () => {
    const first = start();
    const runtime = currentRuntime();
    const second = start();
    expect(currentRuntime()).toBe(runtime);
    await first.shutdown();
    await first.shutdown();
    getTelemetry('joined').trace('still running', () => undefined);
    expect(probe.span('still running').ended).toBe(true);
    await second.shutdown();
    expect(isRegistered('trace')).toBe(false);
  });

  it('names the settings of a second start that have no effect', () => {
    const warnings: string[] = [];
    start();
    const restore = setWarningSink((message) => warnings.push(message));
    start({ serviceName: 'other' });
    restore();
    expect(warnings).toEqual([expect.stringMatching(/as service "script".*no effect: serviceName/)]);
  });

  it('starts without the one signal that cannot be started, and names it', async () => {
    await start().shutdown();
    const warnings: string[] = [];
    const restore = setWarningSink((message) => warnings.push(message));
    start();
    restore();
    getTelemetry('partly').trace('still traced', () => undefined);
    expect(probe.span('still traced').ended).toBe(true);
    expect(warnings).toEqual([expect.stringMatching(/runs without metrics.*make new ones/)]);
  });

  it('leaves a signal to the SDK that the application has started for it', async () => {
    const exporter = new InMemorySpanExporter();
    const sdk = new NodeSDK({
      spanProcessors: [new SimpleSpanProcessor({ exporter })],
      metricReaders: [],
      logRecordProcessors: [],
    });
    sdk.start();
    try {
      const provider = trace.getTracerProvider();
      const telemetry = start();
      expect(trace.getTracerProvider()).toBe(provider);
      getTelemetry('guest').trace('hosted', () => undefined);
      // NodeSDK's resource has an attribute that arrives later, and spans wait for it.
      await eventually(() => exporter.getFinishedSpans().length === 1);
      expect(probe.spans().map(({ name }) => name)).toEqual(['hosted']);
      getTelemetry('guest').counter('guest_total').add(3);
      await expect(probe.metricValue('guest_total')).resolves.toBe(3);
      await telemetry.shutdown();
      getTelemetry('guest').trace('still hosted', () => undefined);
      await eventually(() => exporter.getFinishedSpans().length === 2);
      expect(exporter.getFinishedSpans().map((span) => span.name)).toEqual(['hosted', 'still hosted']);
    } finally {
      await sdk.shutdown();
      trace.disable();
      metrics.disable();
      propagation.disable();
    }
  });

  it('lists everything that is wrong with its options in one error', () => {
    const wrong = { serviceName: '', sampling: 2, jaegerEndpoint: 'ftp://x', nonsense: true };
    let thrown: unknown;
    try {
      start(wrong);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(TelemetryError);
    const { code, problems, message } = thrown as TelemetryError;
    expect(code).toBe('TELEMETRY_INVALID_OPTIONS');
    expect(problems.map(({ name }) => name).sort()).toEqual([
      'jaegerEndpoint',
      'nonsense',
      'sampling',
      'serviceName',
    ]);
    expect(message).toContain('configureTelemetry()');
    expect(isRegistered('trace')).toBe(false);
  });

  it('does nothing but log when it is disabled', () => {
    const telemetry = start({ enabled: false });
    expect(telemetry.config.enabled).toBe(false);
    expect(currentRuntime()).toBeUndefined();
    const result = getTelemetry('off').trace('nothing', () => {
      getTelemetry('off').logInfo('still here');
      return getCurrentTraceId();
    });
    expect(result).toBeUndefined();
    expect(probe.logLines().map(({ msg }) => msg)).toEqual(['still here']);
  });

  it('flushes on request, and resolves to whether everything was taken in time', async () => {
    const behaviour = { forceFlush: () => Promise.resolve() };
    const processor = {
      onStart: () => undefined,
      onEnd: () => undefined,
      forceFlush: () => behaviour.forceFlush(),
      shutdown: () => Promise.resolve(),
    };
    await expect(getTelemetry('flush').flush()).resolves.toBe(true);
    const telemetry = start({ spanProcessors: [processor] });
    await expect(telemetry.flush()).resolves.toBe(true);
    await expect(getTelemetry('flush').flush({ timeoutMs: 1_000 })).resolves.toBe(true);

    behaviour.forceFlush = () => Promise.reject(new Error('refused'));
    await expect(telemetry.flush()).resolves.toBe(false);

    behaviour.forceFlush = () => new Promise(() => undefined);
    jest.useFakeTimers(TIMERS);
    const flushed = settlementOf(getTelemetry('flush').flush({ timeoutMs: 20 }));
    await jest.advanceTimersByTimeAsync(19);
    expect(flushed.value).toBeUndefined();
    await jest.advanceTimersByTimeAsync(1);
    expect(flushed.value).toBe(false);
  });

  it('gives up at the shutdown deadline when a processor hangs, and warns', async () => {
    const hanging = {
      onStart: () => undefined,
      onEnd: () => undefined,
      forceFlush: () => new Promise<void>(() => undefined),
      shutdown: () => new Promise<void>(() => undefined),
    };
    const warnings: string[] = [];
    const telemetry = start({ spanProcessors: [hanging], shutdownTimeoutMs: 50 });
    const restore = setWarningSink((message) => warnings.push(message));
    jest.useFakeTimers(TIMERS);
    const ended = settlementOf(telemetry.shutdown().then(() => true));
    await jest.advanceTimersByTimeAsync(49);
    expect(ended.value).toBeUndefined();
    await jest.advanceTimersByTimeAsync(1);
    expect(ended.value).toBe(true);
    restore();
    expect(warnings).toEqual([expect.stringContaining('gave up after 50 ms')]);
  });
});

describe('attributes of a resource detector, awaited in forRootAsync()', () => {
  it('are on every span from the first, also those that the detector looks up in the background', async () => {
    const probe = createTelemetryProbe();
    const detected = detectResources({ detectors: [hostDetector] });
    expect(detected.asyncAttributesPending).toBe(true);

    @Module({
      imports: [
        TelemetryModule.forRootAsync({
          useFactory: async () => {
            await detected.waitForAsyncAttributes?.();
            return { ...probe.options, resourceAttributes: { ...detected.attributes, team: 'orders' } };
          },
        }),
      ],
    })
    class AppModule {}
    const app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
    getTelemetry('test').trace('work', () => undefined);
    const { attributes } = probe.span('work').resource;
    expect(attributes).toMatchObject({ ...detected.attributes, team: 'orders' });
    expect(Object.keys(detected.attributes)).toContain('host.id');
    await app.close();
  });
});

describe('propagators: [b3]', () => {
  it('is ready when the application is: what a hook of its start sends carries the header', async () => {
    const carrier: Record<string, string> = {};
    class Starting {
      onModuleInit(): void {
        getTelemetry('test').trace('start', () => injectTraceContext(carrier));
      }
    }
    const { options } = createTelemetryProbe();
    const testing = await Test.createTestingModule({
      imports: [TelemetryModule.forRoot({ ...options, propagators: ['b3'] })],
      providers: [Starting],
    }).compile();

    await testing.init();
    await testing.close();

    expect(carrier).toEqual({ b3: expect.stringMatching(/^[0-9a-f]{32}-[0-9a-f]{16}-1$/) as string });
  });
});
