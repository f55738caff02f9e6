import {
  type ArgumentsHost,
  BadRequestException,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  Get,
  type HttpServer,
  Inject,
  Injectable,
  Module,
  type NestInterceptor,
  Param,
  ParseIntPipe,
  type PipeTransform,
  Scope,
  UnauthorizedException,
  UseFilters,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR, HttpAdapterHost } from '@nestjs/core';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';
import { type NestInstrumentationOptions } from 'nestjs-telemetry';
import { delay, map, Observable, of, tap } from 'rxjs';

import { eventually } from '../../support/eventually.js';
import { type Platform } from './platform.js';
import { newCaller, RunningApp } from './running-app.js';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What ran, in order; an application's pipeline must not notice that it is watched. */
const ran: string[] = [];

@Injectable()
class AuthGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    ran.push('AuthGuard');
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
    await pause(5);
    if (headers['x-auth'] === 'missing') throw new UnauthorizedException();
    return headers['x-auth'] !== 'wrong';
  }
}

@Injectable()
class QuotaGuard implements CanActivate {
  canActivate(): Observable<boolean> {
    ran.push('QuotaGuard');
    return of(true).pipe(delay(2));
  }
}

@Injectable({ scope: Scope.REQUEST })
class TenantGuard implements CanActivate {
  readonly id = ran.length;
  canActivate(): boolean {
    ran.push('TenantGuard');
    return this.id >= 0;
  }
}

@Injectable()
class LoggingInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    ran.push('LoggingInterceptor before');
    return next.handle().pipe(
      tap(() => {
        ran.push('LoggingInterceptor after');
      }),
    );
  }
}

@Injectable()
class SlowInterceptor implements NestInterceptor {
  async intercept(_context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    ran.push('SlowInterceptor before');
    await pause(10);
    return next.handle().pipe(delay(10));
  }
}

@Injectable()
class CachingInterceptor implements NestInterceptor {
  intercept(): Observable<unknown> {
    return of('cached').pipe(delay(3));
  }
}

@Injectable()
class FailingInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      map(() => {
        throw new BadRequestException('not like this');
      }),
    );
  }
}

@Injectable()
class TrimPipe implements PipeTransform<string, Promise<string>> {
  async transform(value: string): Promise<string> {
    ran.push('TrimPipe');
    await pause(3);
    return value.trim();
  }
}

@Catch(RangeError)
class RangeFilter implements ExceptionFilter {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  async catch(_exception: RangeError, host: ArgumentsHost): Promise<void> {
    await pause(4);
    const adapter: HttpServer = this.host.httpAdapter;
    adapter.reply(host.switchToHttp().getResponse(), 'out of range', 503);
  }
}

@UseGuards(QuotaGuard)
@Controller('staged')
class StagedController {
  @UseInterceptors(SlowInterceptor)
  @Get('all/:id/:name')
  all(@Param('id', ParseIntPipe) id: number, @Param('name', TrimPipe) name: string): unknown {
    ran.push('handler');
    return { id, name };
  }

  @UseInterceptors(CachingInterceptor)
  @Get('cached')
  cached(): string {
    throw new Error('never called');
  }

  @UseInterceptors(FailingInterceptor)
  @Get('intercepted')
  intercepted(): string {
    return 'fine';
  }

  @UseFilters(RangeFilter)
  @Get('filtered')
  filtered(): string {
    throw new RangeError('too much');
  }
}

@Module({ controllers: [StagedController] })
class StagedModule {}

@Injectable({ scope: Scope.REQUEST })
class Basket {
  readonly items: string[] = [];
}

@Injectable({ scope: Scope.REQUEST })
class Checkout {
  constructor(@Inject(Basket) readonly basket: Basket) {}
}

@UseGuards(TenantGuard)
@Controller('scoped')
class ScopedController {
  constructor(@Inject(Checkout) private readonly checkout: Checkout) {}

  @Get()
  items(): string[] {
    return this.checkout.basket.items;
  }
}

@Controller('plain')
class PlainController {
  @Get()
  plain(): string {
    return 'plain';
  }
}

function startApp(platform: Platform, nest?: NestInstrumentationOptions): Promise<RunningApp> {
  return RunningApp.start(platform, {
    imports: [StagedModule],
    controllers: [ScopedController, PlainController],
    providers: [
      Basket,
      Checkout,
      { provide: APP_GUARD, useClass: AuthGuard },
      { provide: APP_INTERCEPTOR, useClass: LoggingInterceptor },
    ],
    ...(nest !== undefined && { telemetry: { instrumentation: { nest } } }),
    configure: (app) => {
      app.useGlobalGuards({ canActivate: () => true });
    },
  });
}

const exceptionsIn = (spans: readonly ReadableSpan[]) =>
  spans.flatMap((span) =>
    span.events
      .filter(({ name }) => name === 'exception')
      .map((event) => ({ span: span.name, ...event.attributes })),
  );

export function describeNestPipeline(platform: Platform): void {
  describe('the pipeline around a handler', () => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await startApp(platform);
    });
    afterAll(() => app.stop());
    beforeEach(() => {
      ran.length = 0;
    });

    const visit = async (path: string, headers: Record<string, string> = {}) => {
      const caller = newCaller();
      const response = await app.fetch(path, { caller, headers });
      const body = await response.text();
      const server = await app.spans.server(caller.traceId);
      return { status: response.status, body, server, spans: app.spans.inTrace(caller.traceId) };
    };

    it('is timed on the server span, each stage with class and module', async () => {
      const { server, body } = await visit('/staged/all/7/%20ann%20');
      const { attributes } = server;
      expect(JSON.parse(body)).toEqual({ id: 7, name: 'ann' });
      expect(attributes).toMatchObject({
        'nestjs.guards': ['AppModule/AuthGuard', 'anonymous', 'StagedModule/QuotaGuard'],
        'nestjs.interceptors.before': ['AppModule/LoggingInterceptor', 'StagedModule/SlowInterceptor'],
        'nestjs.interceptors.after': ['StagedModule/SlowInterceptor', 'AppModule/LoggingInterceptor'],
        'nestjs.pipes': expect.arrayContaining([
          'StagedModule/ParseIntPipe',
          'StagedModule/TrimPipe',
        ]) as unknown,
      });
      expect(attributes['nestjs.guards.duration_ms']).toBeGreaterThan(6);
      expect(attributes['nestjs.interceptors.before.duration_ms']).toBeGreaterThan(8);
      expect(attributes['nestjs.interceptors.after.duration_ms']).toBeGreaterThan(8);
      expect(attributes['nestjs.pipes.duration_ms']).toBeGreaterThan(2);
      const [auth, , quota] = attributes['nestjs.guards.durations_ms'] as number[];
      expect(auth).toBeGreaterThan(4);
      expect(quota).toBeGreaterThan(1);
      expect(attributes['nestjs.failure.stage']).toBeUndefined();
      // Other processes may have the processor during one request.
      await eventually('a guard without work to take less than 2 ms', async () => {
        const visited = await visit('/staged/all/7/ann');
        return (visited.server.attributes['nestjs.guards.durations_ms'] as number[])[1]! < 2;
      });
    });

    it('runs as it does without telemetry', async () => {
      const unsampled = newCaller();
      await app.fetch('/staged/all/7/ann', {
        headers: { traceparent: unsampled.traceparent.replace(/01$/, '00') },
      });
      const unwatched = ran.splice(0);
      await visit('/staged/all/7/ann');
      expect(ran).toEqual(unwatched);
      expect(ran).toEqual([
        ...[
          'AuthGuard',
          'QuotaGuard',
          'LoggingInterceptor before',
          'SlowInterceptor before',
          'TrimPipe',
          'handler',
        ],
        'LoggingInterceptor after',
      ]);
      expect(app.spans.inTrace(unsampled.traceId)).toEqual([]);
    });

    it('leaves no mark where there is none', async () => {
      const { server } = await visit('/metrics-of-nobody');
      expect(Object.keys(server.attributes).filter((key) => key.startsWith('nestjs.'))).toEqual([]);
    });

    it('times an interceptor that answers by itself as one that came before', async () => {
      const { server, body } = await visit('/staged/cached');
      expect(body).toBe('cached');
      expect(server.attributes['nestjs.interceptors.before']).toEqual([
        'AppModule/LoggingInterceptor',
        'StagedModule/CachingInterceptor',
      ]);
      expect(server.attributes['nestjs.interceptors.before.duration_ms']).toBeGreaterThan(2);
    });

    it.each([
      [
        'a guard',
        '/staged/cached',
        { 'x-auth': 'missing' },
        401,
        'guard',
        'AuthGuard',
        'UnauthorizedException',
      ],
      [
        'a guard that says no',
        '/staged/cached',
        { 'x-auth': 'wrong' },
        403,
        'guard',
        'AuthGuard',
        'ForbiddenException',
      ],
      ['a pipe', '/staged/all/seven/ann', {}, 400, 'pipe', 'ParseIntPipe', 'BadRequestException'],
      [
        'an interceptor',
        '/staged/intercepted',
        {},
        400,
        'interceptor.after',
        'FailingInterceptor',
        'BadRequestException',
      ],
    ])(
      'names the stage that failed once: %s',
      async (_what, path, headers, status, stage, className, type) => {
        const visited = await visit(path, headers);
        expect(visited.status).toBe(status);
        expect(exceptionsIn(visited.spans)).toMatchObject([
          {
            span: visited.server.name,
            'exception.type': type,
            'nestjs.stage': stage,
            'nestjs.class': className,
          },
        ]);
        expect(visited.server.attributes).toMatchObject({
          'nestjs.failure.stage': stage,
          'nestjs.failure.class': className,
        });
      },
    );

    it('records an exception of the handler there, and times the filter that answered it', async () => {
      const { status, body, server, spans } = await visit('/staged/filtered');
      expect([status, body]).toEqual([503, 'out of range']);
      expect(exceptionsIn(spans)).toMatchObject([
        { span: 'StagedController.filtered', 'exception.type': 'RangeError' },
      ]);
      expect(server.attributes['nestjs.filters']).toEqual(['StagedModule/RangeFilter']);
      expect(server.attributes['nestjs.failure.stage']).toBeUndefined();
    });

    it('records how long building request-scoped providers took', async () => {
      const { server } = await visit('/scoped');
      expect(server.attributes['nestjs.guards']).toContain('AppModule/TenantGuard');
      expect(server.attributes['nestjs.request_scope.providers']).toBe(4);
      expect(server.attributes['nestjs.request_scope.duration_ms']).toBeGreaterThan(0);
    });

    it('records no request scope where there is none', async () => {
      const { server } = await visit('/plain');
      expect(server.attributes['nestjs.request_scope.providers']).toBeUndefined();
    });

    it('describes its handler by controller, method and module', async () => {
      const { spans } = await visit('/staged/all/7/ann');
      expect(spans.find(({ name }) => name === 'StagedController.all')?.attributes).toEqual({
        'code.function.name': 'StagedController.all',
        'nestjs.controller': 'StagedController',
        'nestjs.handler': 'all',
        'nestjs.module': 'StagedModule',
        'nestjs.stage': 'handler',
        'nestjs.type': 'http',
      });
    });
  });

  describe('the pipeline as spans', () => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await startApp(platform, { pipeline: 'spans', pipelineThresholdMs: 2 });
    });
    afterAll(() => app.stop());

    it('has a span for each stage that took long, with its true start and end, and none for the others', async () => {
      // Other processes may have the processor during one request.
      const { caller, server, stages, names } = await eventually('a trace without quick stages', async () => {
        const caller = newCaller();
        await app.fetch('/staged/all/7/ann', { caller });
        const server = await app.spans.server(caller.traceId);
        const stages = app.spans
          .inTrace(caller.traceId)
          .filter(
            ({ attributes }) =>
              attributes['nestjs.stage'] !== undefined && attributes['nestjs.stage'] !== 'handler',
          );
        const names = stages.map(({ name }) => name);
        return !names.includes('LoggingInterceptor.intercept before') && { caller, server, stages, names };
      });
      expect(names).toEqual(
        expect.arrayContaining([
          'AuthGuard.canActivate',
          'SlowInterceptor.intercept before',
          'TrimPipe.transform',
          'SlowInterceptor.intercept after',
        ]),
      );
      expect(stages.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual(
        stages.map(() => server.spanContext().spanId),
      );
      const guard = await app.spans.named(caller.traceId, 'AuthGuard.canActivate');
      expect(guard.attributes).toEqual({
        'nestjs.stage': 'guard',
        'nestjs.class': 'AuthGuard',
        'nestjs.module': 'AppModule',
      });
      const [seconds, nanos] = guard.duration;
      expect(seconds * 1_000 + nanos / 1e6).toBeGreaterThan(4);
      expect(seconds * 1_000 + nanos / 1e6).toBeLessThan(
        server.duration[0] * 1_000 + server.duration[1] / 1e6,
      );
      const [guardStart, serverStart] = [guard, server].map(({ startTime: [s, ns] }) => s * 1_000 + ns / 1e6);
      // The SDK's spans begin at a whole millisecond of the wall clock.
      expect(guardStart).toBeGreaterThan(serverStart! - 1);
    });

    it('has one for a stage that failed, however fast, with the exception', async () => {
      const caller = newCaller();
      await app.fetch('/staged/all/seven/ann', { caller });
      await app.spans.server(caller.traceId);
      expect(exceptionsIn(app.spans.inTrace(caller.traceId))).toMatchObject([
        { span: 'ParseIntPipe.transform', 'exception.type': 'BadRequestException' },
      ]);
    });
  });

  describe('the pipeline switched off', () => {
    it('leaves no trace of guards, pipes and interceptors', async () => {
      const app = await startApp(platform, { pipeline: false });
      try {
        const caller = newCaller();
        await app.fetch('/staged/all/7/ann', { caller });
        const { attributes } = await app.spans.server(caller.traceId);
        expect(Object.keys(attributes).filter((key) => key.startsWith('nestjs.'))).toEqual([]);
        await app.spans.named(caller.traceId, 'StagedController.all');
      } finally {
        await app.stop();
      }
    });
  });
}
