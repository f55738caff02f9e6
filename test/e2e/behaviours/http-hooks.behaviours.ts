import { createHmac } from 'node:crypto';

import {
  type CallHandler,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Injectable,
  type NestInterceptor,
  Param,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { type AbstractHttpAdapter } from '@nestjs/core';
import { trace } from '@opentelemetry/api';
import { type TelemetryOptions } from 'nestjs-telemetry';

import { type Platform } from './platform.js';
import { newCaller, RunningApp } from './running-app.js';

interface Headed {
  readonly headers: Readonly<Record<string, string | undefined>>;
}

interface Answered {
  readonly statusCode: number;
}

@Controller('tenants')
class TenantsController {
  @Get(':id')
  read(@Param('id') id: string): string {
    return id;
  }
}

/** Sets `request.user` as passport's guards do. */
@Injectable()
class SignInGuard implements CanActivate {
  canActivate(call: ExecutionContext): boolean {
    const request = call.switchToHttp().getRequest<Headed & { user?: { id: unknown } }>();
    const user = request.headers['x-user'];
    if (user !== undefined) request.user = { id: user };
    return true;
  }
}

@Controller('orders')
@UseGuards(SignInGuard)
class OrdersController {
  @Get(':id')
  read(@Param('id') id: string): string {
    if (id === 'broken') throw new Error('no such table');
    return id;
  }
}

function rename(place: string): void {
  trace.getActiveSpan()?.updateName(`renamed by the ${place}`);
}

@Injectable()
class RenamingGuard implements CanActivate {
  canActivate(call: ExecutionContext): boolean {
    rename(call.getClass().name === 'RenamedController' ? 'guard' : 'wrong guard');
    return true;
  }
}

@Injectable()
class RenamingInterceptor implements NestInterceptor {
  intercept(_call: ExecutionContext, next: CallHandler): ReturnType<CallHandler['handle']> {
    rename('interceptor');
    return next.handle();
  }
}

@Controller('renamed')
class RenamedController {
  @Get('middleware/:id')
  middleware(): string {
    return 'middleware';
  }

  @Get('guard/:id')
  @UseGuards(RenamingGuard)
  guard(): string {
    return 'guard';
  }

  @Get('interceptor/:id')
  @UseInterceptors(RenamingInterceptor)
  interceptor(): string {
    return 'interceptor';
  }

  @Get('handler/:id')
  handler(): string {
    rename('handler');
    return 'handler';
  }

  @Get('nowhere/:id')
  nowhere(): string {
    return 'nowhere';
  }
}

export function describeHttpHooks(platform: Platform): void {
  describe('a name that the application gives the server span', () => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await RunningApp.start(platform, {
        controllers: [RenamedController],
        // Without spans of the handlers the server span is the active one everywhere.
        telemetry: { instrumentation: { nest: false } },
        configure: (nest) => {
          nest.use(
            (request: { originalUrl?: string; url?: string }, _response: unknown, next: () => void) => {
              if ((request.originalUrl ?? request.url)?.includes('/middleware/') === true)
                rename('middleware');
              next();
            },
          );
        },
      });
    });
    afterAll(() => app.stop());

    it.each(['middleware', 'guard', 'interceptor', 'handler'])(
      'in a %s is kept, and the route is still an attribute',
      async (place) => {
        const caller = newCaller();
        await app.fetch(`/renamed/${place}/7`, { caller });
        const span = await app.spans.server(caller.traceId);
        expect(span.name).toBe(`renamed by the ${place}`);
        expect(span.attributes['http.route']).toBe(`/renamed/${place}/:id`);
      },
    );

    it('nowhere is that of its route', async () => {
      const caller = newCaller();
      await app.fetch('/renamed/nowhere/7', { caller });
      expect((await app.spans.server(caller.traceId)).name).toBe('GET /renamed/nowhere/:id');
    });
  });

  describe("an application's own attributes of a request", () => {
    let app: RunningApp;
    const calls = { span: 0, metric: 0 };
    const instrumentation: TelemetryOptions['instrumentation'] = {
      httpServer: {
        spanAttributes: (request: Headed, response: Answered) => {
          calls.span += 1;
          if (request.headers['x-tenant'] === 'broken') throw new Error('no tenant');
          return { 'app.tenant': request.headers['x-tenant'], 'app.status': response.statusCode };
        },
        metricAttributes: (request: Headed) => {
          calls.metric += 1;
          if (request.headers['x-tenant'] === 'broken') throw new Error('no plan');
          return { 'app.plan': request.headers['x-plan'] ?? 'free' };
        },
      },
    };
    beforeAll(async () => {
      app = await RunningApp.start(platform, {
        controllers: [TenantsController],
        telemetry: { instrumentation },
      });
    });
    afterAll(() => app.stop());

    it('are on the server span, made of what the framework knows at the end', async () => {
      const caller = newCaller();
      await app.fetch('/tenants/7', { caller, headers: { 'x-tenant': 'acme' } });
      const span = await app.spans.server(caller.traceId);
      expect(span.attributes).toMatchObject({
        'app.tenant': 'acme',
        'app.status': 200,
        'http.route': '/tenants/:id',
      });
    });

    it('are labels of the duration and the size', async () => {
      const caller = newCaller();
      await app.fetch('/tenants/7', { caller, headers: { 'x-plan': 'gold' } });
      await app.spans.server(caller.traceId);
      const page = await app.scrape();
      for (const metric of ['request_duration_seconds', 'response_body_size_bytes']) {
        expect(page).toMatch(
          new RegExp(
            `^http_server_${metric}_count\\{(?=[^}]*app_plan="gold")(?=[^}]*"/tenants/:id")[^}]*\\} 1$`,
            'm',
          ),
        );
      }
    });

    it('are asked for once per request', async () => {
      const before = { ...calls };
      const caller = newCaller();
      await app.fetch('/tenants/7', { caller });
      await app.spans.server(caller.traceId);
      expect(calls).toEqual({ span: before.span + 1, metric: before.metric + 1 });
    });

    it('are left out, with one warning each, when their function throws; the request is recorded', async () => {
      const callers = [newCaller(), newCaller()];
      for (const caller of callers) {
        const response = await app.fetch('/tenants/7', { caller, headers: { 'x-tenant': 'broken' } });
        expect(response.status).toBe(200);
        const span = await app.spans.server(caller.traceId);
        expect(span.name).toBe('GET /tenants/:id');
        expect(span.attributes).not.toHaveProperty(['app.tenant']);
      }
      const warnings = app.log.lines.filter(({ code }) => String(code).startsWith('http-server:'));
      expect(warnings.map(({ code }) => code).sort()).toEqual([
        'http-server:metricAttributes',
        'http-server:spanAttributes',
      ]);
    });
  });

  describe('the user of a request', () => {
    let app: RunningApp;
    const calls: unknown[] = [];
    const key = 'a key of the test';
    beforeAll(async () => {
      app = await RunningApp.start(platform, {
        controllers: [OrdersController],
        telemetry: {
          instrumentation: {
            httpServer: {
              user: (request: Headed & { user?: { id: string } }) => {
                calls.push(request.user?.id);
                switch (request.user?.id) {
                  case 'broken':
                    throw new Error('no session');
                  case 'promised':
                    return Promise.resolve('promised') as never;
                  case 'plain':
                    return { id: 'plain', hash: false };
                  case 'number':
                    return 42;
                  default:
                    return request.user?.id;
                }
              },
              userHashKey: key,
            },
          },
        },
      });
    });
    afterAll(() => app.stop());

    const hashOf = (id: string): string => createHmac('sha256', key).update(id).digest('hex').slice(0, 32);
    const ask = async (user?: string, id = '7') => {
      const caller = newCaller();
      const response = await app.fetch(`/orders/${id}`, {
        caller,
        ...(user !== undefined && { headers: { 'x-user': user } }),
      });
      const { attributes } = await app.spans.server(caller.traceId);
      const line = app.log.lines.find(
        ({ trace_id, context }) => trace_id === caller.traceId && context === 'HTTP',
      );
      const of = (fields: object | undefined) =>
        Object.fromEntries(Object.entries(fields ?? {}).filter(([name]) => name.startsWith('user.')));
      return { status: response.status, span: of(attributes), line: of(line) };
    };

    it('is hashed with the key, once guards have run, on the span and the request line', async () => {
      const users = { 'user.hash': hashOf('ada') };
      expect(await ask('ada')).toEqual({ status: 200, span: users, line: users });
      expect(await ask('number')).toMatchObject({ span: { 'user.hash': hashOf('42') } });
      expect(await ask('ada', 'broken')).toEqual({ status: 500, span: users, line: users });
    });

    it('is recorded as it is where the application says so', async () => {
      const users = { 'user.id': 'plain' };
      expect(await ask('plain')).toEqual({ status: 200, span: users, line: users });
    });

    it('is absent, and asked for once, where there is none', async () => {
      calls.length = 0;
      expect(await ask()).toEqual({ status: 200, span: {}, line: {} });
      expect(await ask('')).toEqual({ status: 200, span: {}, line: {} });
      expect(calls).toEqual([undefined, '']);
    });

    it('is left out, with one warning, when its function throws or returns no id; the request is recorded', async () => {
      for (const user of ['broken', 'promised', 'x'.repeat(257)])
        expect(await ask(user)).toEqual({ status: 200, span: {}, line: {} });
      const warnings = app.log.lines.filter(({ code }) => code === 'http-server:user');
      expect(warnings.map(({ msg }) => msg)).toEqual([
        'The function in instrumentation.httpServer.user failed: Error: no session. The user is missing.',
      ]);
    });
  });

  // Nest 11 does not wait for what a request hook returns.
  if (platform.nest === 12) {
    it("a request hook of the application's own that rejects answers the request, and the request is recorded", async () => {
      const app = await RunningApp.start(platform, {
        controllers: [TenantsController],
        configure: (nest) => {
          const adapter = nest.getHttpAdapter() as unknown as AbstractHttpAdapter;
          adapter.setOnRequestHook(async () => {
            throw new Error('hook broke');
          });
        },
      });
      try {
        const caller = newCaller();
        const response = await app.fetch('/tenants/7', { caller });
        const span = await app.spans.server(caller.traceId);
        expect(response.status).toBe(500);
        expect(span.attributes['http.response.status_code']).toBe(500);
      } finally {
        await app.stop();
      }
    });
  }
}
