import { Controller, Get, Param } from '@nestjs/common';
import { type AbstractHttpAdapter } from '@nestjs/core';
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

export function describeHttpHooks(platform: Platform): void {
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
