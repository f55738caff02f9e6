import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { trace } from '@opentelemetry/api';
import * as library from 'nestjs-telemetry';
import {
  configureTelemetry,
  extractTraceContext,
  getCurrentTraceId,
  getTelemetry,
  type InstrumentationOptions,
  type SamplingOptions,
  TELEMETRY_HANDLE,
  TELEMETRY_MODULE_OPTIONS,
  type TelemetryHandle,
  TelemetryModule,
  TelemetryService,
  Trace,
  withTraceContext,
} from 'nestjs-telemetry';
import { createTelemetryProbe, disabledTelemetry, type TelemetryProbe } from 'nestjs-telemetry/testing';

import { isRegistered } from '../../lib/runtime/registered-globals.js';

@Injectable()
class Orders {
  constructor(readonly telemetry: TelemetryService) {}
}

@Controller()
class OrdersController {
  constructor(private readonly orders: Orders) {}

  @Get('orders')
  list(): object {
    return this.orders.telemetry.trace('list', () => ({ traceId: getCurrentTraceId() ?? 'none' }));
  }
}

describe('a test module', () => {
  const create = () =>
    Test.createTestingModule({
      imports: [TelemetryModule.forRoot(createTelemetryProbe().options)],
      controllers: [OrdersController],
      providers: [Orders],
    });

  it('starts nothing when TELEMETRY_HANDLE is overridden, and everything works without it', async () => {
    const testing = await create().overrideProvider(TELEMETRY_HANDLE).useValue(disabledTelemetry()).compile();
    const app = testing.createNestApplication(new FastifyAdapter());
    await app.listen(0, '127.0.0.1');
    expect(isRegistered('trace')).toBe(false);
    const response = await fetch(`${await app.getUrl()}/orders`);
    await expect(response.json()).resolves.toEqual({ traceId: 'none' });
    expect((await fetch(`${await app.getUrl()}/metrics`)).status).toBe(404);
    await app.close();
  });

  it('starts with other options when TELEMETRY_MODULE_OPTIONS is overridden', async () => {
    const probe = createTelemetryProbe();
    const testing = await create()
      .overrideProvider(TELEMETRY_MODULE_OPTIONS)
      .useValue({ ...probe.options, serviceName: 'overridden' })
      .compile();
    const { telemetry } = testing.get(Orders);
    telemetry.trace('work', () => undefined);
    expect(probe.span('work').resource.attributes['service.name']).toBe('overridden');
    await testing.close();
  });

  it('may still name both tokens as before', () => {
    const { TELEMETRY, TELEMETRY_OPTIONS } = library as Record<string, unknown>;
    expect(TELEMETRY).toBe(TELEMETRY_HANDLE);
    expect(TELEMETRY_OPTIONS).toBe(TELEMETRY_MODULE_OPTIONS);
  });
});

describe('TelemetryModule in an application context', () => {
  it('starts where there is no HTTP adapter at all', async () => {
    @Injectable()
    class Job {
      constructor(readonly telemetry: TelemetryService) {}

      @Trace()
      run(): void {
        this.telemetry.logInfo('running');
      }
    }
    const probe = createTelemetryProbe();
    @Module({ imports: [TelemetryModule.forRoot(probe.options)], providers: [Job] })
    class AppModule {}

    const app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
    app.get(Job).run();
    expect(probe.span('Job.run').instrumentationScope.name).toBe('Job');
    expect(probe.logLines().map(({ msg, context }) => [msg, context])).toEqual([['running', 'Job']]);
    await app.close();
  });
});

@Injectable()
class OrderEvents {
  constructor(
    readonly telemetry: TelemetryService,
    readonly events: EventEmitter2,
  ) {}

  @OnEvent('order.placed')
  onPlaced(): void {
    this.telemetry.logInfo('placed');
  }
}

/** Starts an application with the same classes as before, emits one event and returns the names of the spans. */
async function spansOfOneEvent(instrumentation: InstrumentationOptions): Promise<string[]> {
  const probe = createTelemetryProbe();
  @Module({
    imports: [TelemetryModule.forRoot({ ...probe.options, instrumentation }), EventEmitterModule.forRoot()],
    providers: [OrderEvents],
  })
  class AppModule {}
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  await app.init();
  const { telemetry, events } = app.get(OrderEvents);
  telemetry.trace('place', () => events.emit('order.placed'));
  await app.close();
  return probe.spans().map(({ name }) => name);
}

describe('applications that share classes in one process', () => {
  it('each record what their own options ask for, independent of what an earlier one has looked at', async () => {
    expect(await spansOfOneEvent({ eventEmitter: false })).toEqual(['place']);
    expect(await spansOfOneEvent({})).toEqual(['OrderEvents.onPlaced', 'place']);
    expect(await spansOfOneEvent({ eventEmitter: false })).toEqual(['place']);
    expect(await spansOfOneEvent({})).toEqual(['OrderEvents.onPlaced', 'place']);
  });
});

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';

const unsampledCaller = () => extractTraceContext({ traceparent: `00-${TRACE_ID}-b7ad6b7169203331-00` });

describe('calls whose trace is not sampled', () => {
  let probe: TelemetryProbe;
  let telemetry: TelemetryHandle | undefined;
  let described: number;

  const start = (sampling: SamplingOptions): void => {
    probe = createTelemetryProbe();
    telemetry = configureTelemetry({ ...probe.options, sampling, instrumentation: false });
  };
  beforeEach(() => {
    described = 0;
    telemetry = undefined;
  });
  afterEach(async () => {
    await telemetry?.shutdown();
  });

  it('are not among the spans of a probe, unless they are kept', async () => {
    start({ ratio: 0, keep: { errors: true } });
    const orders = getTelemetry('Orders');
    orders.trace('went well', () => 'done');
    expect(() =>
      orders.trace('failed', () => {
        throw new Error('out of stock');
      }),
    ).toThrow('out of stock');
    expect(probe.spans().map(({ name }) => name)).toEqual(['failed']);
  });

  class Orders {
    @Trace({
      attributes: () => {
        described += 1;
        return {};
      },
    })
    find(id: string): { id: string; traceId: string | undefined } {
      return { id, traceId: getCurrentTraceId() };
    }

    @Trace({ root: true })
    audit(): string | undefined {
      return getCurrentTraceId();
    }
  }

  it('run unchanged below an unsampled span, without a description, in the trace of their caller', () => {
    start({ sampler: 'parentbased_always_on' });
    const found = withTraceContext(unsampledCaller(), () =>
      getTelemetry('test').trace('block', (span) => ({
        ...new Orders().find('7'),
        recording: span.isRecording(),
      })),
    );
    expect(found).toEqual({ id: '7', traceId: TRACE_ID, recording: false });
    expect(described).toBe(0);
    expect(probe.spans()).toEqual([]);
  });

  it('are decided again when they start their own trace', () => {
    start({ sampler: 'parentbased_always_on' });
    const traceId = withTraceContext(unsampledCaller(), () => new Orders().audit());
    expect(traceId).not.toBe(TRACE_ID);
    expect(probe.span('Orders.audit').spanContext().traceId).toBe(traceId);
  });

  it('get spans all the same from a sampler that does not ask the parent', () => {
    start({ sampler: 'always_on' });
    withTraceContext(unsampledCaller(), () => new Orders().find('7'));
    expect(probe.span('Orders.find').spanContext().traceId).toBe(TRACE_ID);
  });

  it('still run where no telemetry was started at all', () => {
    expect(new Orders().find('7')).toEqual({ id: '7', traceId: undefined });
    expect(getTelemetry('test').trace('block', (span) => span.spanContext().traceId)).toBe('0'.repeat(32));
    expect(described).toBe(0);
    expect(trace.getActiveSpan()).toBeUndefined();
  });
});
