import 'reflect-metadata';

import {
  type DynamicModule,
  type INestApplicationContext,
  Injectable,
  Module,
  SetMetadata,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { context, trace } from '@opentelemetry/api';
import { getTelemetry, type NestProviderSelection, TelemetryModule } from 'nestjs-telemetry';
import { createTelemetryProbe, type TelemetryProbe } from 'nestjs-telemetry/testing';

@Injectable()
class Base {
  find(): string {
    return 'base';
  }
}

@Injectable()
class Derived extends Base {
  override find(): string {
    return `${super.find()} derived`;
  }

  @SetMetadata('role', 'admin')
  guarded(): string {
    return 'guarded';
  }

  async wait(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
}

@Module({})
class ProvidersModule {}

function createModule(probe: TelemetryProbe, providers: NestProviderSelection): DynamicModule {
  const instrumentation = { http: false, nest: { providers } };
  return {
    module: ProvidersModule,
    imports: [TelemetryModule.forRoot({ ...probe.options, instrumentation })],
    providers: [Base, Derived],
  };
}

describe('recorded providers', () => {
  let probe: TelemetryProbe;
  const open: INestApplicationContext[] = [];

  const start = async (providers: NestProviderSelection = 'all'): Promise<INestApplicationContext> => {
    const app = await NestFactory.createApplicationContext(createModule(probe, providers), {
      bufferLogs: true,
      abortOnError: false,
    });
    open.push(app);
    return app;
  };
  const below = <T>(fn: () => T): T => getTelemetry('test').trace('parent', fn);
  const names = () => probe.spans().map(({ name }) => name);

  beforeEach(() => {
    probe = createTelemetryProbe();
  });
  afterEach(async () => {
    for (const app of open.splice(0)) await app.close();
  });

  it('have one span for a call that goes on to the base class, and keep their results', async () => {
    const app = await start();
    expect(below(() => app.get(Derived).find())).toBe('base derived');
    expect(names()).toEqual(['Derived.find', 'parent']);
  });

  it('keep the metadata of their methods', async () => {
    await start();
    expect(Reflect.getMetadata('role', Derived.prototype.guarded)).toBe('admin');
  });

  it('have no spans outside of any', async () => {
    const app = await start();
    expect(app.get(Derived).find()).toBe('base derived');
    expect(names()).toEqual([]);
  });

  it('are recorded until the last application that wants it has closed', async () => {
    const original = Derived.prototype.find;
    const first = await start();
    const second = await start();
    await first.close();
    below(() => second.get(Derived).find());
    expect(names()).toEqual(['Derived.find', 'parent']);
    await second.close();
    open.length = 0;
    expect(Derived.prototype.find).toBe(original);
  });

  it('leave alone what was put over them, and call through it', async () => {
    const app = await start();
    const spy = jest.spyOn(Derived.prototype, 'find');
    below(() => app.get(Derived).find());
    expect(names()).toEqual(['Derived.find', 'parent']);
    await app.close();
    open.length = 0;
    expect(new Derived().find()).toBe('base derived');
    expect(spy).toHaveBeenCalledTimes(2);
    spy.mockRestore();
    expect(new Derived().find()).toBe('base derived');
    expect(names()).toHaveLength(2);

    await start();
    below(() => new Derived().find());
    expect(names()).toHaveLength(4);
  });

  it('fold what the parent still waits for when it ends into nothing, and let it finish', async () => {
    const app = await start([Derived]);
    const waiting: Promise<void>[] = [];
    await below(() => {
      for (let call = 0; call < 15; call += 1) waiting.push(app.get(Derived).wait(call < 13 ? 1 : 30));
      return Promise.all(waiting.slice(0, 13));
    });
    await Promise.all(waiting);
    const folded = probe.spans().filter(({ attributes }) => attributes['nestjs.repeat.count'] !== undefined);
    expect(folded.map(({ attributes }) => attributes['nestjs.repeat.count'])).toEqual([3]);
    expect(probe.spans().filter(({ name }) => name === 'Derived.wait')).toHaveLength(12);
  });

  it('fold calls below each parent apart, whatever ends first', async () => {
    const app = await start([Derived]);
    const derived = app.get(Derived);
    const tracer = trace.getTracer('test');
    const parents = [tracer.startSpan('left'), tracer.startSpan('right')];
    for (const parent of parents) {
      context.with(trace.setSpan(context.active(), parent), () => {
        for (let call = 0; call < 12; call += 1) derived.find();
      });
    }
    for (const parent of parents) parent.end();
    const counted = probe.spans().filter(({ attributes }) => attributes['nestjs.repeat.count'] !== undefined);
    expect(counted.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual(
      parents.map((parent) => parent.spanContext().spanId),
    );
    expect(parents.map((parent) => Object.hasOwn(parent, 'end'))).toEqual([false, false]);
  });
});
