import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { get } from 'node:https';

import { Controller, Get, type MessageEvent, Param, Sse } from '@nestjs/common';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { Subject } from 'rxjs';

import { canMakeCertificates, makeCertificate } from '../../support/certificate.js';
import { eventually } from '../../support/eventually.js';
import { type Platform } from './platform.js';
import { type Caller, newCaller, RunningApp } from './running-app.js';

/** What the tests hold in their hands while a response is under way. */
const feed = { events: new Subject<MessageEvent>(), release: (): void => undefined };

@Controller('orders')
class OrdersController {
  @Get(':id')
  read(@Param('id') id: string): { id: string } {
    return { id };
  }

  @Get(':id/held')
  async hold(): Promise<string> {
    await new Promise<void>((resolve) => {
      feed.release = resolve;
    });
    return 'late';
  }

  @Get(':id/broken')
  broken(): never {
    throw new RangeError('a bug');
  }

  @Sse(':id/events')
  events(): Subject<MessageEvent> {
    return feed.events;
  }
}

export function describeHttp2OverTls(platform: Platform): void {
  // Express has no HTTP/2.
  if (platform.adapter !== 'fastify') return;

  const describeTls = canMakeCertificates ? describe : describe.skip;
  const why = canMakeCertificates ? '' : ' (SKIPPED: openssl is not installed)';
  describeTls(`requests over HTTP/2 and TLS${why}`, () => {
    let app: RunningApp;
    let session: ClientHttp2Session;
    beforeAll(async () => {
      const certificate = makeCertificate();
      app = await RunningApp.start(platform, {
        controllers: [OrdersController],
        fastify: { http2: true, https: { ...certificate, allowHTTP1: true } } as object,
      });
      session = connect(`https://127.0.0.1:${app.port}`, { ca: certificate.cert });
      await once(session, 'connect');
    });
    afterAll(async () => {
      session.destroy();
      await app.stop();
    });
    beforeEach(() => {
      feed.events = new Subject();
    });

    const open = (path: string, caller: Caller, headers: Record<string, string> = {}): ClientHttp2Stream => {
      const stream = session.request({ ':path': path, traceparent: caller.traceparent, ...headers });
      stream.setEncoding('utf8');
      // To be reset is what some tests are about.
      stream.on('error', () => undefined);
      return stream;
    };
    const read = async (stream: ClientHttp2Stream): Promise<string> => {
      let text = '';
      for await (const chunk of stream) text += String(chunk);
      return text;
    };
    const servers = (caller: Caller) =>
      app.spans.inTrace(caller.traceId).filter(({ kind }) => kind === SpanKind.SERVER);

    it('are recorded with scheme, version and authority, each of one connection with its own caller', async () => {
      const callers = [newCaller(), newCaller(), newCaller()];
      const bodies = await Promise.all(
        callers.map((caller, index) => read(open(`/orders/${index}`, caller))),
      );
      expect(bodies).toEqual(['{"id":"0"}', '{"id":"1"}', '{"id":"2"}']);
      for (const caller of callers) {
        const server = await app.spans.server(caller.traceId);
        expect(server.name).toBe('GET /orders/:id');
        expect(server.parentSpanContext?.spanId).toBe(caller.spanId);
        expect(server.attributes).toMatchObject({
          'http.response.status_code': 200,
          'network.protocol.version': '2',
          'url.scheme': 'https',
          'server.address': '127.0.0.1',
          'server.port': app.port,
          'client.address': '127.0.0.1',
        });
        expect(servers(caller)).toHaveLength(1);
      }
    });

    it('mark the span of what fails', async () => {
      const caller = newCaller();
      await read(open('/orders/7/broken', caller));
      const server = await app.spans.server(caller.traceId);
      expect(server.status.code).toBe(SpanStatusCode.ERROR);
      expect(server.attributes['http.response.status_code']).toBe(500);
    });

    it('last until the last server-sent event', async () => {
      const caller = newCaller();
      const stream = open('/orders/7/events', caller, { accept: 'text/event-stream' });
      await eventually('a subscriber', () => feed.events.observed);
      feed.events.next({ data: 'first' });
      let received = '';
      stream.on('data', (text: string) => (received += text));
      await eventually('the first event', () => received.includes('data: first'));
      expect(servers(caller)).toEqual([]);

      feed.events.next({ data: 'last' });
      feed.events.complete();
      await once(stream, 'end');
      expect(received).toContain('data: last');
      const server = await app.spans.server(caller.traceId);
      expect(server.name).toBe('GET /orders/:id/events');
      expect(server.status.code).toBe(SpanStatusCode.UNSET);
      expect(server.events).toEqual([]);
    });

    it('end without an event when the client leaves a stream of server-sent events', async () => {
      const caller = newCaller();
      const stream = open('/orders/7/events', caller, { accept: 'text/event-stream' });
      await eventually('a subscriber', () => feed.events.observed);
      feed.events.next({ data: 'first' });
      await once(stream, 'data');
      stream.close(constants.NGHTTP2_CANCEL);
      const server = await app.spans.server(caller.traceId);
      expect(server.events).toEqual([]);
      await eventually('the subscriber to be gone', () => !feed.events.observed);
    });

    const LEAVING: Readonly<Record<string, (stream: ClientHttp2Stream) => void>> = {
      'resets its stream': (stream) => {
        stream.close(constants.NGHTTP2_CANCEL);
      },
      'is gone with its connection': (stream) => {
        stream.session?.destroy();
      },
    };
    it.each(Object.keys(LEAVING))('say that they were aborted when the client %s', async (how) => {
      const caller = newCaller();
      const released = feed.release;
      const own = connect(`https://127.0.0.1:${app.port}`, { rejectUnauthorized: false });
      own.on('error', () => undefined);
      const stream = own.request({ ':path': '/orders/7/held', traceparent: caller.traceparent });
      stream.on('error', () => undefined);
      await eventually('the handler to run', () => feed.release !== released);
      LEAVING[how]!(stream);
      const server = await app.spans.server(caller.traceId);
      feed.release();
      own.destroy();
      expect(server.events.map(({ name }) => name)).toEqual(['http.request.aborted']);
      expect(server.attributes).not.toHaveProperty(['http.response.status_code']);
      await app.spans.named(caller.traceId, 'OrdersController.hold');
      expect(servers(caller)).toHaveLength(1);
    });

    it('of HTTP/1.1 on the same port are recorded as such', async () => {
      const caller = newCaller();
      const request = get({
        port: app.port,
        host: '127.0.0.1',
        path: '/orders/7',
        headers: { traceparent: caller.traceparent },
        rejectUnauthorized: false,
        agent: false,
      });
      await new Promise((resolve, reject) =>
        request.on('response', (response) => response.resume().on('end', resolve)).on('error', reject),
      );
      const server = await app.spans.server(caller.traceId);
      expect(server.attributes).toMatchObject({
        'network.protocol.version': '1.1',
        'url.scheme': 'https',
        'server.port': app.port,
      });
    });
  });
}
