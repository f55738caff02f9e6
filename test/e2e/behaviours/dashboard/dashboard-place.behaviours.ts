import { connect, type IncomingHttpHeaders } from 'node:http2';

import { type CanActivate, Controller, Get, Injectable, VersioningType } from '@nestjs/common';
import { trace } from '@opentelemetry/api';

import { SpanCollector } from '../collectors.js';
import { type Platform } from '../platform.js';
import { fromOutside, RunningApp } from '../running-app.js';
import { answered, ask, type Json, OrdersController, startDashboard } from './dashboard-app.js';

@Injectable()
class DenyAll implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

export function describeDashboardPlace(platform: Platform): void {
  describe('the place of the dashboard', () => {
    it('is not there in production', async () => {
      const app = await RunningApp.start(platform, {
        controllers: [OrdersController],
        telemetry: { environment: 'production' },
      });
      try {
        expect((await app.fetch('/telemetry/api/v1/services')).status).toBe(404);
      } finally {
        await app.stop();
      }
    });

    it('is beyond the reach of prefixes, versions and global guards, and routes are known as they are', async () => {
      const app = await startDashboard(
        platform,
        {},
        {
          configure: (nest) => {
            nest.setGlobalPrefix('api');
            nest.enableVersioning({ type: VersioningType.URI, defaultVersion: '2' });
            nest.useGlobalGuards(new DenyAll());
          },
        },
      );
      try {
        expect((await app.fetch('/api/v2/orders/1')).status).toBe(403);
        const routes = await ask<Json[]>(app, 'routes');
        expect(routes).toContainEqual(
          expect.objectContaining({ route: '/api/v2/orders/:id', handler: 'OrdersController.find' }),
        );
      } finally {
        await app.stop();
      }
    });

    it('is where it was put', async () => {
      const app = await startDashboard(platform, { path: '/ops/look' });
      try {
        expect((await app.fetch('/ops/look/api/v1/services')).status).toBe(200);
        expect((await app.fetch('/ops/looking')).status).toBe(404);
        expect((await app.fetch('/telemetry/api/v1/services')).status).toBe(404);
      } finally {
        await app.stop();
      }
    });

    if (platform.adapter === 'fastify')
      it('is reached over HTTP/2 too', async () => {
        const app = await startDashboard(platform, {}, { fastify: { http2: true } as object });
        const client = fromOutside(() => connect(app.origin));
        try {
          const headers = await new Promise<IncomingHttpHeaders>((resolve, reject) => {
            const stream = client.request({ ':path': '/telemetry/api/v1/services' });
            stream.on('response', resolve).on('error', reject).resume().end();
          });
          expect([headers[':status'], headers['x-content-type-options']]).toEqual([200, 'nosniff']);
        } finally {
          client.close();
          await app.stop();
        }
      });

    it("is that of each of two applications in one process, which know each other's routes", async () => {
      @Controller('stock')
      class StockController {
        @Get()
        list(): string {
          return 'stock';
        }
      }
      const first = await startDashboard(platform);
      const second = await startDashboard(platform, {}, { controllers: [StockController] });
      try {
        for (const app of [first, second]) {
          const routes = await ask<{ handler?: string }[]>(app, 'routes');
          expect(routes.map(({ handler }) => handler)).toEqual(
            expect.arrayContaining(['OrdersController.never', 'StockController.list']),
          );
        }
      } finally {
        await second.stop();
        await first.stop();
      }
    });

    it('is left to a route of the application', async () => {
      @Controller('telemetry')
      class OwnController {
        @Get('api/v1/services')
        own(): string {
          return 'mine';
        }
      }
      const app = await startDashboard(platform, {}, { controllers: [OwnController] });
      try {
        expect(await (await app.fetch('/telemetry/api/v1/services')).text()).toBe('mine');
      } finally {
        await app.stop();
      }
    });

    it('shows the spans of an SDK that the application has started', async () => {
      const theirs = new SpanCollector();
      const stopSdk = platform.startOwnSdk(theirs);
      const app = await startDashboard(platform);
      try {
        const { traceId } = trace.getTracer('theirs').startActiveSpan('hosted', { root: true }, (span) => {
          span.end();
          return span.spanContext();
        });
        const { spans } = await answered('the trace', () =>
          ask<{ spans: { name: string }[] }>(app, `traces/${traceId}`).catch(() => undefined),
        );
        expect(spans.map(({ name }) => name)).toEqual(['hosted']);
        expect(theirs.inTrace(traceId)).toHaveLength(1);
      } finally {
        await app.stop();
        await stopSdk();
      }
    });

    it('lets the application close while a client listens', async () => {
      const app = await startDashboard(platform);
      const response = await app.fetch('/telemetry/api/v1/stream');
      const ended = response.text();
      await app.app.close();
      expect(await ended).toContain('"beat"');
    });
  });
}
