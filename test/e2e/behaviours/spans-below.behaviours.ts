import { Body, Controller, Get, Injectable, Param, Post, Scope } from '@nestjs/common';
import { SpanKind } from '@opentelemetry/api';
import { SpanAttribute, TelemetryService, Trace } from 'nestjs-telemetry';

import { type Platform } from './platform.js';
import { newCaller, RunningApp } from './running-app.js';

@Injectable()
class StockService {
  constructor(private readonly telemetry: TelemetryService) {}

  @Trace()
  async reserve(@SpanAttribute('item.id') id: string): Promise<string> {
    return this.telemetry.trace('database_query_stock', { table: 'stock', op: 'select' }, async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return `reserved ${id}`;
    });
  }
}

@Injectable({ scope: Scope.REQUEST })
class BasketService {
  constructor(private readonly telemetry: TelemetryService) {}

  @Trace()
  total(): { traceId: string | undefined } {
    this.telemetry.logInfo('basket totalled');
    return { traceId: this.telemetry.getCurrentTraceId() };
  }
}

@Controller('stock')
class StockController {
  constructor(
    private readonly stock: StockService,
    private readonly telemetry: TelemetryService,
  ) {}

  @Trace('stock.reserve')
  @Get(':id')
  reserve(@Param('id') id: string): Promise<string> {
    return this.stock.reserve(id);
  }

  @Post()
  echo(@Body() body: unknown): unknown {
    using span = this.telemetry.startSpan('echo');
    span.setAttribute('echoed', true);
    return { body, traceId: this.telemetry.getCurrentTraceId(), spanId: this.telemetry.getCurrentSpanId() };
  }
}

@Controller('basket')
class BasketController {
  constructor(private readonly basket: BasketService) {}

  @Get()
  total(): { traceId: string | undefined } {
    return this.basket.total();
  }
}

export function describeSpansBelow(platform: Platform): void {
  describe('spans below the server span', () => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await RunningApp.start(platform, {
        controllers: [StockController, BasketController],
        providers: [StockService, BasketService],
      });
    });
    afterAll(() => app.stop());

    it('hang under it in the order of the calls', async () => {
      const caller = newCaller();
      const response = await app.fetch('/stock/9', { caller });
      const server = await app.spans.server(caller.traceId);
      const handler = await app.spans.named(caller.traceId, 'stock.reserve');
      const service = await app.spans.named(caller.traceId, 'StockService.reserve');
      const query = await app.spans.named(caller.traceId, 'database_query_stock');
      expect(await response.text()).toBe('reserved 9');
      expect(app.spans.isBelow(handler, server)).toBe(true);
      expect(app.spans.isBelow(service, handler)).toBe(true);
      expect(query.parentSpanContext?.spanId).toBe(service.spanContext().spanId);
      expect(query.attributes).toMatchObject({ table: 'stock', op: 'select' });
      expect(service.attributes).toMatchObject({ 'item.id': '9' });
      expect(service.kind).toBe(SpanKind.INTERNAL);
    });

    it('end before it does', async () => {
      const caller = newCaller();
      await app.fetch('/stock/9', { caller });
      await app.spans.server(caller.traceId);
      const names = app.spans.inTrace(caller.traceId).map(({ name }) => name);
      expect(names.at(-1)).toBe('GET /stock/:id');
      expect(names.indexOf('database_query_stock')).toBeLessThan(names.indexOf('StockService.reserve'));
    });

    it.each([
      ['JSON', 'application/json', JSON.stringify({ text: 'hello' }), { text: 'hello' }],
      [
        'a large JSON body in many chunks',
        'application/json',
        JSON.stringify({ text: 'x'.repeat(90_000) }),
        undefined,
      ],
      ['a form', 'application/x-www-form-urlencoded', 'text=hello', { text: 'hello' }],
    ])('keep their trace after the body was parsed: %s', async (_, type, body, parsed) => {
      const caller = newCaller();
      const response = await app.fetch('/stock', {
        caller,
        method: 'POST',
        headers: { 'content-type': type },
        body,
      });
      const answer = (await response.json()) as { body: unknown; traceId: string; spanId: string };
      const span = await app.spans.named(caller.traceId, 'echo');
      expect(response.status).toBe(201);
      expect(answer.body).toEqual(parsed ?? JSON.parse(body));
      expect(answer.traceId).toBe(caller.traceId);
      expect(answer.spanId).toMatch(/^[0-9a-f]{16}$/);
      expect(app.spans.isBelow(span, await app.spans.server(caller.traceId))).toBe(true);
    });

    it('are made in request-scoped providers too, with the logger named after the provider', async () => {
      const caller = newCaller();
      const response = await app.fetch('/basket', { caller });
      const span = await app.spans.named(caller.traceId, 'BasketService.total');
      const line = await app.log.withMessage('basket totalled');
      expect(await response.json()).toEqual({ traceId: caller.traceId });
      expect(app.spans.isBelow(span, await app.spans.server(caller.traceId))).toBe(true);
      expect(line).toMatchObject({ context: 'BasketService', trace_id: caller.traceId });
    });

    it('do not mix when many requests run concurrently', async () => {
      const callers = Array.from({ length: 40 }, newCaller);
      const answers = await Promise.all(
        callers.map(async (caller, index) => {
          const body = JSON.stringify({ index });
          const headers = { 'content-type': 'application/json' };
          const [echo] = await Promise.all([
            app.fetch('/stock', { caller, method: 'POST', headers, body }),
            app.fetch(`/stock/${index}`, { caller }),
          ]);
          return ((await echo.json()) as { traceId: string }).traceId;
        }),
      );
      expect(answers).toEqual(callers.map(({ traceId }) => traceId));
      for (const [index, { traceId }] of callers.entries()) {
        const service = await app.spans.named(traceId, 'StockService.reserve');
        expect(service.attributes['item.id']).toBe(String(index));
        const query = await app.spans.named(traceId, 'database_query_stock');
        expect(query.parentSpanContext?.spanId).toBe(service.spanContext().spanId);
      }
    });
  });
}
