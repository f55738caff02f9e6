import 'nestjs-telemetry/testing/jest';

import { channel } from 'node:diagnostics_channel';

import { Controller, Get, Injectable, Logger, Module, type OnApplicationShutdown } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { trace } from '@opentelemetry/api';
import {
  configureTelemetry,
  getTelemetry,
  TelemetryModule,
  type TelemetryOptions,
  TelemetryService,
  Trace,
} from 'nestjs-telemetry';
import { createTelemetryProbe, TelemetryProbe, TelemetryTestingModule } from 'nestjs-telemetry/testing';

import { type GlobalSlot, isRegistered } from '../../lib/runtime/registered-globals.js';
import { currentRuntime } from '../../lib/runtime/sdk-runtime.js';

@Injectable()
class Orders implements OnApplicationShutdown {
  private readonly logger = new Logger('Orders');

  constructor(private readonly telemetry: TelemetryService) {}

  @Trace()
  list(): string[] {
    this.logger.log('listed');
    this.telemetry.counter('orders.listed').add(1);
    return ['a'];
  }

  onApplicationShutdown(): void {
    this.telemetry.trace('last work', () => undefined);
  }
}

@Controller('orders')
class OrdersController {
  constructor(private readonly orders: Orders) {}

  @Get()
  list(): string[] {
    return this.orders.list();
  }
}

const appModule = (options: TelemetryOptions): object => {
  @Module({
    imports: [TelemetryModule.forRoot(options)],
    controllers: [OrdersController],
    providers: [Orders],
  })
  class AppModule {}
  return AppModule;
};

const SLOTS: readonly GlobalSlot[] = ['trace', 'metrics', 'logs', 'context', 'propagation'];
const registeredSlots = (): GlobalSlot[] => SLOTS.filter((slot) => isRegistered(slot));

describe('TelemetryTestingModule', () => {
  const compile = (...imports: object[]) =>
    Test.createTestingModule({
      imports: imports as never,
      controllers: [OrdersController],
      providers: [Orders],
    }).compile();

  it('records spans, metrics and log lines in memory, and has the probe in the container', async () => {
    const testing = await compile(TelemetryTestingModule.register());
    const probe = testing.get(TelemetryProbe);
    testing.get(Orders).list();
    expect(probe).toHaveSpan('Orders.list');
    expect(probe).toHaveLogged({ msg: 'listed', context: 'Orders', level: 'info' });
    await expect(probe).toHaveRecorded('orders.listed', { value: 1 });
    await testing.close();
    expect(probe).toHaveSpan('last work');
    await expect(probe).toHaveRecorded('orders.listed', { value: 1 });
  });

  it('follows requests of an application, in which every span is there once', async () => {
    const testing = await Test.createTestingModule({
      imports: [
        TelemetryTestingModule.register(),
        appModule({
          serviceName: 'shop',
          otlpEndpoint: 'http://127.0.0.1:9',
          sampling: 0,
          logging: false,
        }) as never,
      ],
    }).compile();
    const app = testing.createNestApplication(new FastifyAdapter(), { logger: false });
    await app.listen(0, '127.0.0.1');
    const probe = app.get(TelemetryProbe);
    await (await fetch(`${await app.getUrl()}/orders`)).text();
    await probe.settled();
    await app.close();
    expect(probe.traceTree()).toBe(
      [
        'GET [client]',
        '└─ GET /orders [server]',
        '   └─ OrdersController.list',
        '      └─ Orders.list',
        'last work',
      ].join('\n'),
    );
  });

  it('takes options of the application, without its destinations and its sampling', async () => {
    const probe = createTelemetryProbe({
      telemetry: {
        serviceName: 'shop',
        otlpEndpoint: 'http://127.0.0.1:9',
        jaegerEndpoint: 'http://127.0.0.1:9',
        prometheus: { port: 1 },
        dashboard: true,
        sampling: 0,
        redaction: { keys: ['sku'] },
        logging: { format: 'pretty', level: 'warn' },
      },
    });
    await probe.start();
    const { config } = currentRuntime()!;
    expect(config).toMatchObject({
      serviceName: 'shop',
      environment: 'test',
      dashboard: undefined,
      store: undefined,
    });
    expect(config.traces.otlp).toEqual([]);
    expect(config.metrics.prometheus).toBeUndefined();
    getTelemetry('Orders').trace('work', { sku: 'A-7' }, () => undefined);
    getTelemetry('Orders').logInfo('not written');
    getTelemetry('Orders').logWarning('written');
    await probe.stop();
    expect(probe).toHaveSpan({ name: 'work', attributes: { sku: '[Redacted]' } });
    expect(probe.logLines()).toMatchObject([{ msg: 'written' }]);
  });

  it('reads no environment variable', async () => {
    const variables = {
      OTEL_SDK_DISABLED: 'true',
      OTEL_TRACES_SAMPLER: 'always_off',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
      OTEL_SERVICE_NAME: 'of the machine',
      OTEL_LOG_LEVEL: 'silent',
      OTEL_TRACES_EXPORTER: 'nonsense',
    };
    Object.assign(process.env, variables);
    try {
      const testing = await compile(TelemetryTestingModule.register());
      const probe = testing.get(TelemetryProbe);
      testing.get(Orders).list();
      expect(probe).toHaveSpan('Orders.list');
      expect(probe).toHaveLogged('listed');
      expect(probe.span('Orders.list').resource.attributes['service.name']).not.toBe('of the machine');
      await testing.close();
    } finally {
      for (const name of Object.keys(variables)) Reflect.deleteProperty(process.env, name);
    }
  });

  it('leaves no globals, loggers and subscriptions when the application is closed', async () => {
    const listeners = process.eventNames().map((name) => [name, process.listenerCount(name)]);
    const testing = await compile(TelemetryTestingModule.register(createTelemetryProbe({ fixedIds: true })));
    expect(registeredSlots()).toEqual(SLOTS);
    expect(channel('undici:request:create').hasSubscribers).toBe(true);
    await testing.close();
    expect(registeredSlots()).toEqual([]);
    expect(channel('undici:request:create').hasSubscribers).toBe(false);
    expect(process.eventNames().map((name) => [name, process.listenerCount(name)])).toEqual(listeners);
    expect(trace.getTracer('x').startSpan('x').isRecording()).toBe(false);
    const probe = testing.get(TelemetryProbe);
    probe.reset();
    new Logger('After').log('is dropped by the logger of @nestjs/testing again');
    expect(probe.logLines()).toEqual([]);
  });

  it('takes over from a test that failed to start its application, or forgot to close it', async () => {
    const forgotten = createTelemetryProbe();
    await expect(
      Test.createTestingModule({
        imports: [TelemetryTestingModule.register(forgotten)],
        providers: [{ provide: 'broken', useFactory: () => Promise.reject(new Error('no database')) }],
      }).compile(),
    ).rejects.toThrow('no database');
    const left = await compile(TelemetryTestingModule.register());
    const testing = await compile(TelemetryTestingModule.register());
    testing.get(Orders).list();
    expect(testing.get(TelemetryProbe)).toHaveSpan('Orders.list');
    expect(() => left.get(TelemetryProbe).spans()).toThrow('Another probe was started while this one ran');
    expect(() => {
      expect(forgotten).toHaveSpan('x');
    }).toThrow('no test.concurrent');
    // Closed late, it does not end what runs now.
    await left.close();
    testing.get(Orders).list();
    expect(testing.get(TelemetryProbe)).toHaveSpan({ name: 'Orders.list', times: 2 });
    await testing.close();
    expect(registeredSlots()).toEqual([]);
  });

  it('serves several applications with one probe, until the last is closed, and may be registered again', async () => {
    const probe = createTelemetryProbe();
    const register = TelemetryTestingModule.register(probe);
    const [first, second] = [await compile(register), await compile(register)];
    await first.close();
    second.get(Orders).list();
    expect(probe).toHaveSpan('Orders.list');
    await second.close();
    expect(registeredSlots()).toEqual([]);
    probe.reset();
    const again = await compile(register);
    again.get(Orders).list();
    expect(probe).toHaveSpan({ name: 'Orders.list', times: 1 });
    await expect(probe).toHaveRecorded('orders.listed', { value: 1 });
    await again.close();
  });

  it('says when telemetry runs that no probe has started, when it is imported as a class, and what is wrong', async () => {
    const running = configureTelemetry({ ...createTelemetryProbe().options, serviceName: 'shop' });
    await expect(compile(TelemetryTestingModule.register())).rejects.toThrow(
      'Telemetry runs in this process already, as service "shop", and was not started by a probe',
    );
    await running.shutdown();
    await expect(Test.createTestingModule({ imports: [TelemetryTestingModule] }).compile()).rejects.toThrow(
      'Import TelemetryTestingModule.register().',
    );
    expect(() => createTelemetryProbe({ fixedId: true } as never)).toThrow('Did you mean fixedIds?');
    const wrong = createTelemetryProbe({ telemetry: { serviceNam: 'x' } as never });
    await expect(compile(TelemetryTestingModule.register(wrong))).rejects.toThrow(
      'createTelemetryProbe({ telemetry })',
    );
    await expect(
      createTelemetryProbe({ fixedIds: true, telemetry: { engine: 'sdk' } }).start(),
    ).rejects.toThrow("telemetry.engine is 'sdk'");
    await expect(compile(TelemetryTestingModule.register(), appModule({ sampling: 7 }))).rejects.toThrow(
      'sampling',
    );
    await expect(compile(TelemetryTestingModule.register())).resolves.toBeDefined();
  });
});
