import { once } from 'node:events';
import { type Server } from 'node:http';

import { Controller, Get } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { SpanKind } from '@opentelemetry/api';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';

import { eventually } from '../../support/eventually.js';
import { type Platform } from './platform.js';
import { requestRaw } from './raw-connection.js';
import { type Caller, fromOutside, newCaller, RunningApp } from './running-app.js';

@WebSocketGateway({ path: '/feed' })
class LiveGateway {
  @SubscribeMessage('ping')
  ping(): { event: string; data: string } {
    return { event: 'pong', data: 'pong' };
  }
}

@Controller('plain')
class PlainController {
  @Get()
  plain(): string {
    return 'plain';
  }
}

function connect(url: string, { traceparent }: Caller): WebSocket {
  return fromOutside(() => new WebSocket(url, { headers: { traceparent } }));
}

export function describeHttpUpgrades(platform: Platform): void {
  describe('an upgrade to a WebSocket', () => {
    let app: RunningApp | undefined;
    afterEach(async () => {
      await app?.stop();
      app = undefined;
    });

    const serversOf = (traceId: string) =>
      app!.spans.inTrace(traceId).filter(({ kind }) => kind === SpanKind.SERVER);

    it('is one span that ends when the socket opens, and the socket works on', async () => {
      app = await RunningApp.start(platform, {
        controllers: [PlainController],
        providers: [LiveGateway],
        configure: (nest) => nest.useWebSocketAdapter(new WsAdapter(nest)),
      });
      const caller = newCaller();
      const socket = connect(`${app.origin.replace('http', 'ws')}/feed?token=secret`, caller);
      await once(socket, 'open');
      const server = await app.spans.server(caller.traceId);
      expect(server.name).toBe('GET');
      expect(server.parentSpanContext?.spanId).toBe(caller.spanId);
      expect(server.attributes).toMatchObject({
        'http.response.status_code': 101,
        'url.path': '/feed',
        'server.port': app.port,
      });
      expect(server.attributes).not.toHaveProperty(['http.route']);

      socket.send(JSON.stringify({ event: 'ping' }));
      const [message] = (await once(socket, 'message')) as [Buffer];
      expect(JSON.parse(message.toString())).toEqual({ event: 'pong', data: 'pong' });
      socket.close();
      await once(socket, 'close');
      expect(serversOf(caller.traceId)).toHaveLength(1);
      expect(await app.scrape()).toMatch(
        /^http_server_request_duration_seconds_count\{[^}]*status_code="101"[^}]*\} 1$/m,
      );
    });

    it('is one span with the status of the refusal when it is refused, and with none when it is cut off', async () => {
      app = await RunningApp.start(platform, {
        controllers: [PlainController],
        providers: [LiveGateway],
        configure: (nest) => nest.useWebSocketAdapter(new WsAdapter(nest)),
      });
      const [refused, cutOff] = [newCaller(), newCaller()];
      const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
      expect(await requestRaw(app.port, 'GET /feed', { caller: refused, headers })).toBe(400);
      const server = await app.spans.server(refused.traceId);
      expect(server.attributes['http.response.status_code']).toBe(400);
      expect(serversOf(refused.traceId)).toHaveLength(1);

      await once(connect(`${app.origin.replace('http', 'ws')}/nowhere`, cutOff), 'error');
      const lost = await app.spans.server(cutOff.traceId);
      expect(lost.attributes).not.toHaveProperty(['http.response.status_code']);
      expect(lost.events.map(({ name }) => name)).toEqual(['http.request.aborted']);
    });

    it('is recorded for socket.io, whose sockets and HTTP routes work on', async () => {
      app = await RunningApp.start(platform, {
        controllers: [PlainController],
        providers: [LiveGateway],
        configure: (nest) => nest.useWebSocketAdapter(new IoAdapter(nest)),
      });
      const caller = newCaller();
      const { origin } = app;
      const socket = fromOutside(() =>
        io(origin, {
          path: '/feed',
          transports: ['websocket'],
          reconnection: false,
          extraHeaders: { traceparent: caller.traceparent },
        }),
      );
      try {
        const pong = new Promise((resolve) => socket.once('pong', resolve));
        socket.emit('ping');
        expect(await pong).toBe('pong');
        const server = await app.spans.server(caller.traceId);
        expect(server.attributes).toMatchObject({ 'http.response.status_code': 101, 'url.path': '/feed/' });
        expect((await app.fetch('/plain')).status).toBe(200);
      } finally {
        socket.disconnect();
      }
    });

    it('that the application offers nowhere stays a request like any other', async () => {
      app = await RunningApp.start(platform, { controllers: [PlainController] });
      expect((app.app.getHttpServer() as Server).listenerCount('upgrade')).toBe(0);
      const caller = newCaller();
      const status = await requestRaw(app.port, 'GET /plain', {
        caller,
        headers: { connection: 'Upgrade', upgrade: 'h2c' },
      });
      const server = await app.spans.server(caller.traceId);
      expect(status).toBe(200);
      expect(server.name).toBe('GET /plain');
    });

    it('leaves nothing when its path is ignored', async () => {
      app = await RunningApp.start(platform, {
        controllers: [PlainController],
        providers: [LiveGateway],
        telemetry: { instrumentation: { httpServer: { ignore: ['/feed'] } } },
        configure: (nest) => nest.useWebSocketAdapter(new WsAdapter(nest)),
      });
      const caller = newCaller();
      const socket = connect(`${app.origin.replace('http', 'ws')}/feed`, caller);
      await once(socket, 'open');
      socket.close();
      await once(socket, 'close');
      const seen = newCaller();
      await app.fetch('/plain', { caller: seen });
      await app.spans.server(seen.traceId);
      expect(serversOf(caller.traceId)).toEqual([]);
      expect(await eventually('the line of a seen request', () => app!.log.lines.at(-1))).toBeDefined();
      expect(app.log.lines.filter(({ path }) => path === '/feed')).toEqual([]);
    });
  });
}
