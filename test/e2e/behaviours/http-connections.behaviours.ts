import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';

import { Controller, Get, Param } from '@nestjs/common';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { type Application } from 'express';
import { type FastifyInstance } from 'fastify';
import { Trace } from 'nestjs-telemetry';

import { eventually } from '../../support/eventually.js';
import { type Platform } from './platform.js';
import { RawConnection, requestRaw } from './raw-connection.js';
import { newCaller, RunningApp } from './running-app.js';

/** What the tests hold in their hands while a request is under way. */
const held = { waiting: 0, release: (): void => undefined };

@Controller('orders')
class OrdersController {
  @Get(':id')
  read(@Param('id') id: string): { id: string } {
    return { id };
  }

  @Get(':id/held')
  @Trace('held')
  async hold(): Promise<string> {
    held.waiting += 1;
    await new Promise<void>((resolve) => {
      held.release = resolve;
    });
    return 'late';
  }
}

export function describeHttpConnections(platform: Platform): void {
  describe('requests and their connections', () => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await RunningApp.start(platform, { controllers: [OrdersController] });
    });
    afterAll(() => app.stop());

    const activeRequests = async (): Promise<number> => {
      const page = await app.scrape();
      return Number(/^http_server_active_requests\{[^}]*method="GET"[^}]*\} (\S+)$/m.exec(page)?.[1]);
    };

    it('give each request of one connection a span of its own, below its own caller', async () => {
      const callers = [newCaller(), newCaller(), newCaller()];
      const connection = await RawConnection.open(app.port);
      for (const [index, { traceparent }] of callers.entries()) {
        connection.send(`GET /orders/${index}`, { traceparent });
        await connection.until(`{"id":"${index}"}`);
      }
      connection.close();
      for (const { traceId, spanId } of callers) {
        const server = await app.spans.server(traceId);
        const spans = app.spans.inTrace(traceId);
        expect(server.parentSpanContext?.spanId).toBe(spanId);
        expect(spans.map(({ name }) => name).sort()).toEqual(['GET /orders/:id', 'OrdersController.read']);
      }
    });

    it('give requests that are sent before the last one is answered their own spans', async () => {
      const callers = [newCaller(), newCaller()];
      const connection = await RawConnection.open(app.port);
      for (const [index, { traceparent }] of callers.entries())
        connection.send(`GET /orders/pipelined-${index}`, { traceparent });
      await connection.until('pipelined-1');
      connection.close();
      for (const { traceId, spanId } of callers) {
        const server = await app.spans.server(traceId);
        expect(server.parentSpanContext?.spanId).toBe(spanId);
        expect(server.attributes['http.response.status_code']).toBe(200);
      }
    });

    it('are recorded without a status when the client is gone before it was answered', async () => {
      const caller = newCaller();
      const waiting = held.waiting;
      const connection = await RawConnection.open(app.port);
      connection.send('GET /orders/7/held', { traceparent: caller.traceparent });
      await eventually('the handler to run', () => held.waiting > waiting);
      expect(await activeRequests()).toBeGreaterThanOrEqual(1);
      connection.close();
      const server = await app.spans.server(caller.traceId);
      held.release();
      await app.spans.named(caller.traceId, 'held');
      expect(server.name).toBe('GET /orders/:id/held');
      expect(server.attributes).not.toHaveProperty(['http.response.status_code']);
      expect(server.events.map(({ name }) => name)).toEqual(['http.request.aborted']);
      expect(server.status.code).toBe(SpanStatusCode.UNSET);
      const page = await app.scrape();
      expect(page).toMatch(
        /^http_server_request_duration_seconds_count\{[^}]*error_type="aborted"[^}]*\} 1$/m,
      );
      // The scrape itself is not recorded.
      expect(await activeRequests()).toBe(0);
      expect(await app.log.withMessage(lineOf(app, 'GET /orders/:id/held'))).toMatchObject({
        aborted: true,
        level: 40,
      });
    });

    it('are recorded when no router can read their URL', async () => {
      const caller = newCaller();
      const status = await requestRaw(app.port, 'GET /orders/%zz', { caller });
      const { name, attributes } = await app.spans.server(caller.traceId);
      expect(status).toBe(400);
      expect(name).toBe('GET');
      expect(attributes).toMatchObject({ 'http.response.status_code': 400, 'url.path': '/orders/%zz' });
      const servers = app.spans.inTrace(caller.traceId).filter(({ kind }) => kind === SpanKind.SERVER);
      expect(servers).toHaveLength(1);
    });

    it('ignore forwarded headers when the framework does not trust its proxy', async () => {
      const caller = newCaller();
      await app.fetch('/orders/7', { caller, headers: FORWARDED });
      const { attributes } = await app.spans.server(caller.traceId);
      expect(attributes).toMatchObject({
        'url.scheme': 'http',
        'server.address': '127.0.0.1',
        'server.port': app.port,
        'client.address': '127.0.0.1',
      });
      expect(attributes).not.toHaveProperty(['network.peer.address']);
    });
  });

  it('a request behind a proxy that the framework trusts has the address of its client', async () => {
    const app = await RunningApp.start(platform, {
      controllers: [OrdersController],
      fastify: { trustProxy: true },
      configure: (nest) => {
        if (platform.adapter === 'express')
          (nest.getHttpAdapter().getInstance() as Application).set('trust proxy', true);
      },
    });
    try {
      const caller = newCaller();
      await app.fetch('/orders/7', { caller, headers: FORWARDED });
      const { attributes } = await app.spans.server(caller.traceId);
      expect(attributes).toMatchObject({
        'url.scheme': 'https',
        'server.address': 'shop.example',
        'server.port': 443,
        'client.address': '203.0.113.7',
        'network.peer.address': '127.0.0.1',
      });
    } finally {
      await app.stop();
    }
  });

  if (platform.adapter === 'fastify') {
    it('requests over HTTP/2 are recorded like others, each with its own caller', async () => {
      const app = await RunningApp.start(platform, {
        controllers: [OrdersController],
        fastify: { http2: true } as object,
      });
      const session = connectHttp2(app.origin);
      try {
        const callers = [newCaller(), newCaller()];
        await Promise.all(
          callers.map(async ({ traceparent }, index) => {
            const stream = session.request({
              ':path': `/orders/${index}`,
              traceparent,
              'user-agent': 'h2/1',
            });
            stream.resume();
            await once(stream, 'end');
          }),
        );
        for (const { traceId, spanId } of callers) {
          const server = await app.spans.server(traceId);
          const handler = await app.spans.named(traceId, 'OrdersController.read');
          expect(server.name).toBe('GET /orders/:id');
          expect(server.parentSpanContext?.spanId).toBe(spanId);
          expect(handler.parentSpanContext?.spanId).toBe(server.spanContext().spanId);
          expect(server.attributes).toMatchObject({
            'http.response.status_code': 200,
            'network.protocol.version': '2',
            'server.address': '127.0.0.1',
            'server.port': app.port,
            'url.scheme': 'http',
            'user_agent.original': 'h2/1',
            'client.address': '127.0.0.1',
          });
        }

        const gone = newCaller();
        const waiting = held.waiting;
        const stream = session.request({ ':path': '/orders/7/held', traceparent: gone.traceparent });
        stream.on('error', () => undefined);
        await eventually('the handler to run', () => held.waiting > waiting);
        stream.close(8);
        const aborted = await app.spans.server(gone.traceId);
        held.release();
        expect(aborted.events.map(({ name }) => name)).toEqual(['http.request.aborted']);
        expect(aborted.attributes).not.toHaveProperty(['http.response.status_code']);
      } finally {
        session.destroy();
        await app.stop();
      }
    });

    it('requests that are injected without a connection are recorded', async () => {
      const app = await RunningApp.start(platform, { controllers: [OrdersController] });
      try {
        const caller = newCaller();
        const { traceparent } = caller;
        const fastify = app.app.getHttpAdapter().getInstance() as FastifyInstance;
        const response = await fastify.inject({ url: '/orders/7', headers: { traceparent } });
        const server = await app.spans.server(caller.traceId);
        expect(response.statusCode).toBe(200);
        expect(server.name).toBe('GET /orders/:id');
        expect(server.events).toEqual([]);
      } finally {
        await app.stop();
      }
    });
  }
}

const FORWARDED = {
  'x-forwarded-for': '203.0.113.7',
  'x-forwarded-host': 'shop.example',
  'x-forwarded-proto': 'https',
};

/** The request line that starts so, whatever time it took. */
function lineOf(app: RunningApp, start: string): string {
  return app.log.lines.map(({ msg }) => msg).find((msg) => msg?.startsWith(start)) ?? start;
}
