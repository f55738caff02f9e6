import {
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  ForbiddenException,
  Get,
  type HttpServer,
  Inject,
  Injectable,
  type NestInterceptor,
  Param,
  type PipeTransform,
  type Provider,
  Scope,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, HttpAdapterHost } from '@nestjs/core';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { map, type Observable } from 'rxjs';

import { type Platform } from './platform.js';
import { newCaller, RunningApp } from './running-app.js';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const built = { guards: 0 };

/** What a request makes NestJS build for the guard. */
@Injectable({ scope: Scope.REQUEST })
class Tenant {
  readonly name: string = 'acme';
}

@Injectable()
class TenantGuard implements CanActivate {
  constructor(@Inject(Tenant) private readonly tenant: Tenant) {
    built.guards += 1;
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    await pause(4);
    const { url } = context.switchToHttp().getRequest<{ url: string }>();
    if (url.endsWith('/closed')) throw new ForbiddenException();
    return this.tenant.name === 'acme';
  }
}

@Injectable()
class EnvelopeInterceptor implements NestInterceptor {
  async intercept(_context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    await pause(4);
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

@Injectable()
class UpperPipe implements PipeTransform<string, Promise<string>> {
  async transform(value: string): Promise<string> {
    await pause(4);
    return value.toUpperCase();
  }
}

@Catch(RangeError)
class RangeFilter implements ExceptionFilter {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  catch(_exception: RangeError, host: ArgumentsHost): void {
    const adapter: HttpServer = this.host.httpAdapter;
    adapter.reply(host.switchToHttp().getResponse(), 'out of range', 503);
  }
}

abstract class EchoController {
  @Get(':text')
  echo(@Param('text') text: string): string {
    if (text === 'FAR') throw new RangeError('too far');
    return text;
  }
}

@Controller('single')
class SingleController extends EchoController {}

@Controller({ path: 'scoped', scope: Scope.REQUEST })
class ScopedController extends EchoController {}

function enhancersOf(scope: Scope): Provider[] {
  return [
    { provide: APP_GUARD, useClass: TenantGuard, scope },
    { provide: APP_INTERCEPTOR, useClass: EnvelopeInterceptor, scope },
    { provide: APP_PIPE, useClass: UpperPipe, scope },
    { provide: APP_FILTER, useClass: RangeFilter, scope },
  ];
}

const SCOPES = [
  ['request-scoped', Scope.REQUEST],
  ['transient', Scope.TRANSIENT],
] as const;

export function describeScopedEnhancers(platform: Platform): void {
  describe.each(SCOPES)('%s enhancers of the whole application', (_scope, scope) => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await RunningApp.start(platform, {
        controllers: [SingleController, ScopedController],
        providers: [Tenant, ...enhancersOf(scope)],
      });
    });
    afterAll(() => app.stop());

    const visit = async (path: string) => {
      const caller = newCaller();
      const response = await app.fetch(path, { caller });
      const body = await response.text();
      const server = await app.spans.server(caller.traceId);
      return { status: response.status, body, server, spans: app.spans.inTrace(caller.traceId) };
    };

    describe.each([
      ['single', 'SingleController'],
      ['scoped', 'ScopedController'],
    ])('around a %s controller', (path, controller) => {
      it('are timed on the span of each request, above one handler', async () => {
        const before = built.guards;
        const visits = await Promise.all([visit(`/${path}/one`), visit(`/${path}/two`)]);
        expect(built.guards).toBe(before + 2);
        expect(visits.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
          { data: 'ONE' },
          { data: 'TWO' },
        ]);
        for (const { server, spans } of visits) {
          const { attributes } = server;
          expect(attributes).toMatchObject({
            'http.route': `/${path}/:text`,
            'nestjs.guards': ['AppModule/TenantGuard'],
            'nestjs.interceptors.before': ['AppModule/EnvelopeInterceptor'],
            'nestjs.interceptors.after': ['AppModule/EnvelopeInterceptor'],
            'nestjs.pipes': ['AppModule/UpperPipe'],
          });
          for (const stage of ['guards', 'interceptors.before', 'pipes']) {
            expect(attributes[`nestjs.${stage}.duration_ms`]).toBeGreaterThan(3);
          }
          expect(attributes['nestjs.request_scope.providers']).toBeGreaterThanOrEqual(2);
          const handlers = spans.filter(({ kind }) => kind !== SpanKind.SERVER);
          expect(handlers.map(({ name }) => name)).toEqual([`${controller}.echo`]);
          expect(handlers[0]!.parentSpanContext?.spanId).toBe(server.spanContext().spanId);
        }
      });

      it('are named when one of them refuses', async () => {
        const { status, server, spans } = await visit(`/${path}/closed`);
        expect(status).toBe(403);
        expect(server.status.code).toBe(SpanStatusCode.UNSET);
        expect(server.attributes).toMatchObject({
          'nestjs.failure.stage': 'guard',
          'nestjs.failure.class': 'TenantGuard',
        });
        expect(spans).toHaveLength(1);
      });

      it('answer what the handler threw, which is recorded there', async () => {
        const { status, body, server, spans } = await visit(`/${path}/far`);
        expect([status, body]).toEqual([503, 'out of range']);
        expect(server.attributes['nestjs.filters']).toEqual(['AppModule/RangeFilter']);
        const told = spans.flatMap(({ name, events }) => events.map((event) => [name, event.name]));
        expect(told).toEqual([[`${controller}.echo`, 'exception']]);
      });
    });
  });
}
