import {
  BadRequestException,
  type CanActivate,
  Controller,
  Get,
  HttpCode,
  Injectable,
  Param,
  type PipeTransform,
  Post,
  Query,
  UseGuards,
} from '@nestjs/common';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { Trace } from 'nestjs-telemetry';

import { type Platform } from './platform.js';
import { newCaller, RunningApp } from './running-app.js';

const declined = new TypeError('card declined');

@Injectable()
class PaymentService {
  @Trace()
  async pay(): Promise<void> {
    await Promise.resolve();
    throw declined;
  }
}

@Controller('orders')
class OrdersController {
  constructor(private readonly payments: PaymentService) {}

  @Get(':id')
  read(@Param('id') id: string, @Query('fail') fail?: string): { id: string } {
    if (fail === '400') throw new BadRequestException('no such order');
    if (fail === '500') throw new RangeError('out of orders');
    return { id };
  }

  @Post()
  @HttpCode(202)
  accept(): { accepted: boolean } {
    return { accepted: true };
  }

  @Get(':id/payment')
  async pay(): Promise<{ same: boolean }> {
    const caught = await this.payments.pay().catch((error: unknown) => error);
    return { same: caught === declined };
  }
}

@Injectable()
class BrokenGuard implements CanActivate {
  canActivate(): boolean {
    throw new TypeError('broken guard');
  }
}

@Injectable()
class BrokenPipe implements PipeTransform {
  transform(): never {
    throw new SyntaxError('broken pipe');
  }
}

@Controller('guarded')
class GuardedController {
  @UseGuards(BrokenGuard)
  @Get()
  guarded(): string {
    return 'never';
  }

  @Get('piped/:id')
  piped(@Param('id', BrokenPipe) id: string): string {
    return id;
  }
}

export function describeHttpServer(platform: Platform): void {
  describe('the HTTP server span', () => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await RunningApp.start(platform, {
        controllers: [OrdersController, GuardedController],
        providers: [PaymentService],
      });
    });
    afterAll(() => app.stop());

    it('is named after the method and the route', async () => {
      const caller = newCaller();
      await app.fetch('/orders/7', { caller });
      const span = await app.spans.server(caller.traceId);
      expect(span.name).toBe('GET /orders/:id');
    });

    it('carries the attributes of the semantic conventions', async () => {
      const caller = newCaller();
      await app.fetch('/orders/7?verbose=1', { caller, headers: { 'user-agent': 'behaviours/1' } });
      const { attributes } = await app.spans.server(caller.traceId);
      expect(attributes).toMatchObject({
        'http.request.method': 'GET',
        'http.route': '/orders/:id',
        'http.response.status_code': 200,
        'url.path': '/orders/7',
        'url.scheme': 'http',
        'server.address': '127.0.0.1',
        'server.port': app.port,
        'user_agent.original': 'behaviours/1',
      });
    });

    it('keeps the query of the URL, where tokens and personal data live, to itself', async () => {
      const caller = newCaller();
      await app.fetch('/orders/7?token=secret', { caller });
      await app.spans.server(caller.traceId);
      const recorded = app.spans.inTrace(caller.traceId).map(({ name, attributes }) => [name, attributes]);
      expect(JSON.stringify(recorded)).not.toContain('secret');
    });

    it("joins the caller's trace as a child of the caller's span", async () => {
      const caller = newCaller();
      await app.fetch('/orders/7', { caller });
      const span = await app.spans.server(caller.traceId);
      expect(span.parentSpanContext?.spanId).toBe(caller.spanId);
      expect(span.parentSpanContext?.isRemote).toBe(true);
    });

    it('starts a trace of its own when the caller sends no context', async () => {
      const before = app.spans.ended.length;
      await app.fetch('/orders/8');
      const span = await app.spans.serverAfter(before);
      expect(span.parentSpanContext).toBeUndefined();
      expect(span.spanContext().traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
    });

    it('starts a trace of its own when the traceparent is malformed', async () => {
      const before = app.spans.ended.length;
      const response = await app.fetch('/orders/8', { headers: { traceparent: '00-nonsense-01' } });
      const span = await app.spans.serverAfter(before);
      expect(response.status).toBe(200);
      expect(span.parentSpanContext).toBeUndefined();
    });

    it('records nothing when the caller decided not to sample', async () => {
      const caller = newCaller();
      const traceparent = caller.traceparent.replace(/01$/, '00');
      await app.fetch('/orders/7', { headers: { traceparent } });
      const later = newCaller();
      await app.fetch('/orders/7', { caller: later });
      await app.spans.server(later.traceId);
      expect(app.spans.inTrace(caller.traceId)).toEqual([]);
    });

    it('is one per request', async () => {
      const caller = newCaller();
      await app.fetch('/orders/7', { caller });
      await app.spans.server(caller.traceId);
      const servers = app.spans.inTrace(caller.traceId).filter(({ kind }) => kind === SpanKind.SERVER);
      expect(servers).toHaveLength(1);
    });

    it('carries the status code that the handler chose', async () => {
      const caller = newCaller();
      const response = await app.fetch('/orders', { caller, method: 'POST' });
      const span = await app.spans.server(caller.traceId);
      expect(response.status).toBe(202);
      expect(span.name).toBe('POST /orders');
      expect(span.attributes['http.response.status_code']).toBe(202);
    });

    it('does not carry the raw URL in its name when no route matches', async () => {
      const caller = newCaller();
      const response = await app.fetch('/no/such/route/raw-path', { caller });
      const span = await app.spans.server(caller.traceId);
      expect(response.status).toBe(404);
      expect(span.name).toBe('GET');
      expect(span.attributes['http.route']).toBeUndefined();
      expect(span.attributes['http.response.status_code']).toBe(404);
      expect(span.status.code).toBe(SpanStatusCode.UNSET);
    });

    it('stays unset when the handler throws an HttpException below 500', async () => {
      const caller = newCaller();
      const response = await app.fetch('/orders/7?fail=400', { caller });
      const span = await app.spans.server(caller.traceId);
      expect(response.status).toBe(400);
      expect(span.status.code).toBe(SpanStatusCode.UNSET);
      expect(span.attributes['http.response.status_code']).toBe(400);
      expect(span.attributes['error.type']).toBeUndefined();
      expect(span.events.filter(({ name }) => name === 'exception')).toEqual([]);
    });

    it.each([
      ['the handler', '/orders/7?fail=500', 'RangeError', 'out of orders'],
      ['a guard', '/guarded', 'TypeError', 'broken guard'],
      ['a pipe', '/guarded/piped/1', 'SyntaxError', 'broken pipe'],
    ])(
      'is an error when %s throws anything else, and the trace has the exception once',
      async (_, path, type, message) => {
        const caller = newCaller();
        const response = await app.fetch(path, { caller });
        const span = await app.spans.server(caller.traceId);
        const exceptions = app.spans
          .inTrace(caller.traceId)
          .flatMap(({ events }) => events.filter(({ name }) => name === 'exception'));
        expect(response.status).toBe(500);
        expect(span.status.code).toBe(SpanStatusCode.ERROR);
        expect(span.attributes['error.type']).toBe('500');
        expect(exceptions.map(({ attributes }) => attributes)).toEqual([
          expect.objectContaining({
            'exception.type': type,
            'exception.message': message,
            'exception.stacktrace': expect.stringContaining('http-server.behaviours') as string,
          }),
        ]);
      },
    );

    it('hands the caller the very error that was thrown, and leaves a handled one out of its own status', async () => {
      const caller = newCaller();
      const response = await app.fetch('/orders/7/payment', { caller });
      const inner = await app.spans.named(caller.traceId, 'PaymentService.pay');
      const server = await app.spans.server(caller.traceId);
      expect(await response.json()).toEqual({ same: true });
      expect(inner.status.code).toBe(SpanStatusCode.ERROR);
      expect(server.status.code).toBe(SpanStatusCode.UNSET);
    });
  });
}
