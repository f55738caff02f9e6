import { EventEmitter } from 'node:events';

import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  NotFoundException,
  type OnModuleInit,
  Scope,
} from '@nestjs/common';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';
import { type NestProviderSelection, Trace } from 'nestjs-telemetry';
import { lastValueFrom, Observable, of } from 'rxjs';

import { type Platform } from './platform.js';
import { newCaller, RunningApp } from './running-app.js';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Not a provider itself; several providers extend it. */
class Repository {
  find(id: number): string {
    return `${this.table()} ${id}`;
  }

  protected table(): string {
    return 'nothing';
  }
}

@Injectable()
class OrderRepository extends Repository {
  override find(id: number): string {
    return super.find(id);
  }

  protected override table(): string {
    return 'order';
  }
}

@Injectable()
class PriceRepository extends Repository {
  #prices = new Map([[1, 100]]);

  static create(): string {
    return 'static';
  }

  get size(): number {
    return this.#prices.size;
  }

  price(id: number): number | undefined {
    return this.#prices.get(id);
  }

  *[Symbol.iterator](): Generator<number> {
    yield* this.#prices.keys();
  }
}

@Injectable()
class OrderService implements OnModuleInit {
  started = false;

  constructor(
    @Inject(OrderRepository) private readonly orders: OrderRepository,
    @Inject(PriceRepository) private readonly prices: PriceRepository,
  ) {}

  onModuleInit(): void {
    this.started = true;
  }

  async load(id: number): Promise<unknown> {
    await pause(2);
    const order = this.orders.find(id);
    return {
      order,
      price: this.prices.price(id),
      size: this.prices.size,
      ids: [...this.prices],
      made: PriceRepository.create(),
    };
  }

  watch(): Observable<string> {
    return of(this.orders.find(2));
  }

  @Trace('decorated')
  decorated(): string {
    return 'once';
  }

  many(count: number): void {
    for (let id = 0; id < count; id += 1) this.orders.find(id);
  }
}

@Injectable()
class Flaky {
  async attempt(number: number): Promise<void> {
    if (number === 30) await pause(15);
    if (number === 20 || number === 21) throw new Error(`attempt ${number}`);
    if (number === 25) throw new NotFoundException();
  }
}

@Injectable({ scope: Scope.REQUEST })
class Basket {
  items(): string[] {
    return ['one'];
  }
}

class Connection {
  query(): string {
    return 'rows';
  }
}

@Injectable()
class MadeService {
  greet(): string {
    return 'made';
  }
}

class Bus extends EventEmitter {
  publish(): boolean {
    return this.emit('published');
  }
}

@Controller('provided')
class ProvidedController {
  constructor(
    @Inject(OrderService) private readonly orders: OrderService,
    @Inject(Flaky) private readonly flaky: Flaky,
    @Inject('CONNECTION') private readonly connection: Connection,
    @Inject('MADE') private readonly made: MadeService,
    @Inject(Bus) private readonly bus: Bus,
    @Inject('SETTINGS') private readonly settings: Map<string, string>,
  ) {}

  @Get('one')
  async one(): Promise<unknown> {
    const loaded = await this.orders.load(1);
    const watched = await lastValueFrom(this.orders.watch());
    return { loaded, watched, decorated: this.orders.decorated(), started: this.orders.started };
  }

  @Get('made')
  madeOnes(): unknown {
    this.bus.publish();
    return [this.connection.query(), this.made.greet(), this.settings.get('key')];
  }

  @Get('many')
  many(): string {
    this.orders.many(500);
    return 'many';
  }

  @Get('flaky')
  async attempts(): Promise<number> {
    const results = await Promise.allSettled(
      Array.from({ length: 40 }, (_, index) => this.flaky.attempt(index)),
    );
    return results.filter(({ status }) => status === 'rejected').length;
  }
}

@Controller('basket-of-request')
class BasketController {
  constructor(@Inject(Basket) private readonly basket: Basket) {}

  @Get()
  items(): string[] {
    return this.basket.items();
  }
}

@Module({
  controllers: [ProvidedController, BasketController],
  providers: [
    OrderRepository,
    PriceRepository,
    OrderService,
    Flaky,
    Basket,
    Bus,
    { provide: 'CONNECTION', useValue: new Connection() },
    { provide: 'MADE', useFactory: async () => new MadeService() },
    { provide: 'SETTINGS', useValue: new Map([['key', 'value']]) },
  ],
})
class ShopModule {}

function startApp(platform: Platform, providers?: NestProviderSelection): Promise<RunningApp> {
  return RunningApp.start(platform, {
    imports: [ShopModule],
    telemetry: { instrumentation: { nest: providers === undefined ? true : { providers } } },
  });
}

async function namesBelow(app: RunningApp, path: string): Promise<string[]> {
  const caller = newCaller();
  await app.fetch(path, { caller });
  await app.spans.server(caller.traceId);
  return app.spans.inTrace(caller.traceId).map(({ name }) => name);
}

const milliseconds = ({ duration: [seconds, nanos] }: ReadableSpan): number => seconds * 1_000 + nanos / 1e6;

export function describeProviders(platform: Platform): void {
  describe('all providers, without decorators', () => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await startApp(platform, 'all');
    });
    afterAll(() => app.stop());

    it('have one span per call, named after the class that was asked', async () => {
      const caller = newCaller();
      const response = await app.fetch('/provided/one', { caller });
      const server = await app.spans.server(caller.traceId);
      const spans = app.spans.inTrace(caller.traceId);
      expect(await response.json()).toEqual({
        loaded: { order: 'order 1', price: 100, size: 1, ids: [1], made: 'static' },
        watched: 'order 2',
        decorated: 'once',
        started: true,
      });
      expect(spans.map(({ name }) => name).sort()).toEqual(
        [
          ...[
            'decorated',
            server.name,
            'OrderRepository.find',
            'OrderRepository.find',
            'OrderRepository.table',
          ],
          ...['OrderRepository.table', 'OrderService.load', 'OrderService.watch', 'PriceRepository.price'],
          'ProvidedController.one',
        ].sort(),
      );
      const load = await app.spans.named(caller.traceId, 'OrderService.load');
      const handler = await app.spans.named(caller.traceId, 'ProvidedController.one');
      expect(load.parentSpanContext?.spanId).toBe(handler.spanContext().spanId);
      expect(load.attributes).toEqual({
        'code.function.name': 'OrderService.load',
        'nestjs.class': 'OrderService',
        'nestjs.module': 'ShopModule',
      });
      expect(milliseconds(load)).toBeGreaterThan(1);
    });

    it('are recorded as request-scoped ones too', async () => {
      expect(await namesBelow(app, '/basket-of-request')).toContain('Basket.items');
    });

    it('take in what factories make when it was written for Nest, and leave connections and built-ins alone', async () => {
      expect((await namesBelow(app, '/provided/made')).sort()).toEqual(
        ['Bus.publish', 'GET /provided/made', 'MadeService.greet', 'ProvidedController.madeOnes'].sort(),
      );
      expect(Object.hasOwn(Bus.prototype, 'emit')).toBe(false);
      expect(EventEmitter.prototype.emit.name).toBe('emit');
    });

    it('keep name, length and class of what they replace, and leave base classes as they are', () => {
      expect(OrderService.prototype.load).toHaveLength(1);
      expect(OrderService.prototype.load.name).toBe('load');
      expect(Object.keys(OrderService.prototype)).toEqual([]);
      expect(Repository.prototype.find.toString()).toMatch(/this\.table\(\)/);
    });

    it('are folded into one span where one parent calls many times', async () => {
      const caller = newCaller();
      await app.fetch('/provided/many', { caller });
      await app.spans.server(caller.traceId);
      const parent = await app.spans.named(caller.traceId, 'OrderService.many');
      const calls = app.spans.inTrace(caller.traceId).filter(({ name }) => name === 'OrderRepository.find');
      const folded = calls.filter(({ attributes }) => attributes['nestjs.repeat.count'] !== undefined);
      const kept = calls.filter(({ attributes }) => attributes['nestjs.repeat.kept'] !== undefined);
      expect(calls).toHaveLength(12);
      expect(kept.map(({ attributes }) => attributes['nestjs.repeat.kept'])).toEqual(['slowest']);
      expect(folded.map(({ attributes }) => attributes['nestjs.repeat.count'])).toEqual([490]);
      expect(folded[0]?.attributes['nestjs.repeat.duration_ms']).toBeGreaterThan(0);
      expect(folded[0]?.attributes['nestjs.repeat.max_ms']).toBeCloseTo(milliseconds(kept[0]!), 1);
      for (const call of calls) expect(call.parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
      expect(app.spans.inTrace(caller.traceId).length).toBeLessThan(40);
    });

    it('keep the failed and the slowest of what is folded', async () => {
      const caller = newCaller();
      const response = await app.fetch('/provided/flaky', { caller });
      await app.spans.server(caller.traceId);
      const calls = app.spans.inTrace(caller.traceId).filter(({ name }) => name === 'Flaky.attempt');
      expect(await response.text()).toBe('3');
      const failed = calls.filter(({ attributes }) => attributes['nestjs.repeat.kept'] === 'failed');
      const slowest = calls.filter(({ attributes }) => attributes['nestjs.repeat.kept'] === 'slowest');
      const folded = calls.find(({ attributes }) => attributes['nestjs.repeat.count'] !== undefined);
      expect(failed.map(({ events }) => events[0]?.attributes?.['exception.message'])).toEqual(
        expect.arrayContaining(['attempt 20', 'attempt 21', 'Not Found']),
      );
      expect(milliseconds(slowest[0]!)).toBeGreaterThan(10);
      expect(folded?.attributes).toMatchObject({ 'nestjs.repeat.count': 30, 'nestjs.repeat.errors': 2 });
    });

    it('have no spans where nothing is sampled, and work all the same', async () => {
      const caller = newCaller();
      const response = await app.fetch('/provided/one', {
        headers: { traceparent: caller.traceparent.replace(/01$/, '00') },
      });
      expect(await response.json()).toMatchObject({ watched: 'order 2' });
      expect(app.spans.inTrace(caller.traceId)).toEqual([]);
    });
  });

  describe('selected providers', () => {
    it.each<[what: string, providers: NestProviderSelection | undefined, expected: string[]]>([
      ['none without the option', undefined, []],
      ['a class', [OrderService], ['OrderService.load', 'OrderService.watch']],
      [
        'a base class',
        [Repository],
        ['OrderRepository.find', 'OrderRepository.table', 'PriceRepository.price'],
      ],
      ['a name', ['PriceRepository'], ['PriceRepository.price']],
      ['one method', ['OrderService.watch'], ['OrderService.watch']],
      [
        'a function',
        ({ className, moduleName, methodName = 'find' }) =>
          className === 'OrderRepository' && moduleName === 'ShopModule' && methodName === 'find',
        ['OrderRepository.find'],
      ],
      [
        'a function that fails',
        () => {
          throw new Error('no idea');
        },
        [],
      ],
    ])('are %s', async (_what, providers, expected) => {
      const original = Object.getOwnPropertyDescriptor(OrderService.prototype, 'load')?.value as unknown;
      const app = await startApp(platform, providers);
      try {
        const names = await namesBelow(app, '/provided/one');
        const others = ['GET /provided/one', 'ProvidedController.one', 'decorated'];
        expect([...new Set(names)].filter((name) => !others.includes(name)).sort()).toEqual(expected);
      } finally {
        await app.stop();
      }
      expect(OrderService.prototype.load).toBe(original);
      expect(Object.getOwnPropertyNames(PriceRepository.prototype)).not.toContain('find');
    });
  });
}
