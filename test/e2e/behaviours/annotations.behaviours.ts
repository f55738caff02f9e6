import {
  Body,
  Controller,
  Get,
  HttpCode,
  Injectable,
  type OnModuleDestroy,
  Param,
  Post,
} from '@nestjs/common';
import { Annotate, annotate, getTelemetry, TelemetryService, Trace } from 'nestjs-telemetry';

import { eventually } from '../../support/eventually.js';
import { type LogLine, SpanCollector } from './collectors.js';
import { type Platform } from './platform.js';
import { type Caller, newCaller, RunningApp } from './running-app.js';

interface Order {
  readonly items: readonly string[];
  readonly user: { readonly name: string; readonly plan: string };
}

@Injectable()
class CartService implements OnModuleDestroy {
  private gate = Promise.withResolvers<undefined>();
  dropped = false;

  constructor(private readonly telemetry: TelemetryService) {}

  @Trace()
  fill(id: string): void {
    this.telemetry.annotate({ 'cart.id': id, items: 1, vip: false, tags: ['a', 'b'] });
    this.telemetry.trace('price', () => {
      annotate({ items: 2, user: { plan: 'gold', password: 'hunter2' }, at: new Date(0), none: undefined });
    });
  }

  @Trace()
  async audit(): Promise<void> {
    await this.gate.promise;
    annotate({ audited: true });
  }

  async late(): Promise<void> {
    await this.gate.promise;
    annotate({ late: true });
    this.dropped = true;
  }

  reserve(
    @Annotate('stock.shelf') shelf: string,
    @Annotate('stock.left', (left: number) => left * 2) left: number,
  ): string {
    return `${shelf}${String(left)}`;
  }

  broken(
    @Annotate('broken', () => {
      throw new Error('no');
    })
    id: string,
  ): string {
    return id;
  }

  open(): void {
    this.gate.resolve(undefined);
    this.gate = Promise.withResolvers<undefined>();
  }

  onModuleDestroy(): void {
    this.open();
  }
}

@Controller()
class CartsController {
  constructor(private readonly carts: CartService) {}

  @Get('carts/:id')
  fill(@Param('id') id: string): string {
    this.carts.fill(id);
    return id;
  }

  @Get('taken')
  taken(): string {
    annotate({ status: 'new', path: '/shown', msg: 'text', trace_id: 'mine' });
    return 'taken';
  }

  @Get('many')
  many(): string {
    for (let index = 0; index < 100; index += 1) annotate({ [`field.${String(index)}`]: index });
    annotate({ 'field.0': 'x'.repeat(5_000) });
    return 'many';
  }

  @Get('audits')
  audit(): string {
    void this.carts.audit();
    return 'audited';
  }

  @Get('late')
  late(): string {
    void this.carts.late();
    return 'late';
  }

  @Get('health')
  health(): string {
    annotate({ healthy: true });
    return 'ok';
  }

  @Post('orders/:id')
  @HttpCode(200)
  order(@Annotate('order.id') @Param('id') id: string, @Annotate() @Body() order: Order): string {
    return `${id}${this.carts.reserve('a', 3)}${this.carts.broken('x')}${String(order.items.length)}`;
  }
}

export function describeAnnotations(platform: Platform): void {
  describe('fields of annotate()', () => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await RunningApp.start(platform, { controllers: [CartsController], providers: [CartService] });
    });
    afterAll(() => app.stop());

    const lineOf = ({ traceId }: Caller): Promise<LogLine> =>
      eventually('the request line', () =>
        app.log.lines.find(({ context, trace_id }) => context === 'HTTP' && trace_id === traceId),
      );
    const warnings = (code: string): number => app.log.lines.filter((line) => line.code === code).length;

    it('are on the server span and the request line, whatever span they were added in', async () => {
      const caller = newCaller();
      await app.fetch('/carts/7', { caller });
      const fields = {
        'cart.id': '7',
        items: 2,
        vip: false,
        tags: ['a', 'b'],
        'user.plan': 'gold',
        at: '1970-01-01T00:00:00.000Z',
      };
      expect((await app.spans.server(caller.traceId)).attributes).toMatchObject(fields);
      expect(await lineOf(caller)).toMatchObject({ ...fields, status: 200, route: '/carts/:id' });
      for (const name of ['CartService.fill', 'price'])
        expect((await app.spans.named(caller.traceId, name)).attributes).not.toHaveProperty(['items']);
    });

    it('are redacted in both places', async () => {
      const caller = newCaller();
      await app.fetch('/carts/8', { caller });
      expect((await app.spans.server(caller.traceId)).attributes['user.password']).toBe('[Redacted]');
      expect((await lineOf(caller))['user.password']).toBe('[Redacted]');
    });

    it('do not replace fields of the line', async () => {
      const caller = newCaller();
      await app.fetch('/taken', { caller });
      expect(await lineOf(caller)).toMatchObject({
        status: 200,
        extra_status: 'new',
        path: '/taken',
        extra_path: '/shown',
        msg: expect.stringContaining('GET /taken 200') as string,
        extra_msg: 'text',
        trace_id: caller.traceId,
        extra_trace_id: 'mine',
      });
    });

    it('are at most 64 of a request, with one warning, and short', async () => {
      const callers = [newCaller(), newCaller()];
      for (const caller of callers) {
        await app.fetch('/many', { caller });
        const { attributes } = await app.spans.server(caller.traceId);
        const keys = Object.keys(attributes).filter((key) => key.startsWith('field.'));
        expect(keys).toHaveLength(64);
        expect(String(attributes['field.0']).length).toBeLessThan(1_100);
        expect(String((await lineOf(caller))['field.0']).length).toBeLessThan(1_100);
      }
      expect(warnings('annotate:full')).toBe(1);
    });

    it('are on the uppermost open span when the request has ended', async () => {
      const caller = newCaller();
      await app.fetch('/audits', { caller });
      const server = await app.spans.server(caller.traceId);
      app.app.get(CartService).open();
      const audit = await app.spans.named(caller.traceId, 'CartService.audit');
      expect(audit.attributes).toMatchObject({ audited: true });
      expect(server.attributes).not.toHaveProperty(['audited']);
      expect(await lineOf(caller)).not.toHaveProperty(['audited']);
    });

    it('are dropped with a warning when the request has ended and no span is open', async () => {
      const caller = newCaller();
      await app.fetch('/late', { caller });
      await app.spans.server(caller.traceId);
      await lineOf(caller);
      const carts = app.app.get(CartService);
      carts.open();
      await eventually('the late call', () => carts.dropped);
      expect(warnings('annotate:outside')).toBe(1);
    });

    it('of an ignored request are dropped in silence', async () => {
      const before = warnings('annotate:outside');
      expect(await (await app.fetch('/health')).text()).toBe('ok');
      expect(warnings('annotate:outside')).toBe(before);
    });

    it('are made of arguments of handlers and methods by @Annotate()', async () => {
      const caller = newCaller();
      const order: Order = { items: ['tea'], user: { name: 'Ada', plan: 'gold' } };
      const response = await app.fetch('/orders/7', {
        caller,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(order),
      });
      expect(await response.text()).toBe('7a3x1');
      const fields = {
        'order.id': '7',
        items: ['tea'],
        'user.name': 'Ada',
        'user.plan': 'gold',
        'stock.shelf': 'a',
        'stock.left': 6,
      };
      const span = await app.spans.server(caller.traceId);
      expect(span.attributes).toMatchObject(fields);
      expect(span.attributes).not.toHaveProperty(['broken']);
      expect(span.name).toBe('POST /orders/:id');
      expect(await lineOf(caller)).toMatchObject({ ...fields, handler: 'CartsController.order' });
      expect(warnings('annotate-parameter:broken')).toBe(1);
    });
  });

  it('fields of annotate() are on the uppermost span where there is no request', async () => {
    const app = await RunningApp.start(platform, { controllers: [] });
    try {
      const telemetry = getTelemetry('import');
      telemetry.trace('import', () => {
        telemetry.trace('row', () => {
          annotate({ 'import.file': 'a.csv' });
        });
      });
      const files = app.spans.ended
        .filter(({ name }) => name === 'row' || name === 'import')
        .map(({ name, attributes }) => [name, attributes['import.file']]);
      expect(files).toEqual([
        ['row', undefined],
        ['import', 'a.csv'],
      ]);
    } finally {
      await app.stop();
    }
  });

  it('fields of annotate() are on the server span of an OpenTelemetry that the application started', async () => {
    const theirs = new SpanCollector();
    const stopTheirs = platform.startOwnSdk(theirs);
    try {
      const app = await RunningApp.start(platform, {
        controllers: [CartsController],
        providers: [CartService],
      });
      const caller = newCaller();
      await app.fetch('/carts/7', { caller });
      expect((await theirs.server(caller.traceId)).attributes).toMatchObject({ 'cart.id': '7', items: 2 });
      expect((await theirs.named(caller.traceId, 'price')).attributes).not.toHaveProperty(['items']);
      const line = await eventually('the request line', () =>
        app.log.lines.find(({ context }) => context === 'HTTP'),
      );
      expect(line).toMatchObject({ 'cart.id': '7', items: 2 });
      await app.stop();
    } finally {
      await stopTheirs();
    }
  });

  it('fields of annotate() are on the line of a request that is not sampled', async () => {
    const app = await RunningApp.start(platform, {
      controllers: [CartsController],
      providers: [CartService],
      telemetry: { sampling: { ratio: 0 } },
    });
    try {
      await app.fetch('/carts/9');
      const line = await eventually('the request line', () =>
        app.log.lines.find(({ context }) => context === 'HTTP'),
      );
      expect(line).toMatchObject({ 'cart.id': '9', 'user.plan': 'gold' });
    } finally {
      await app.stop();
    }
  });
}
