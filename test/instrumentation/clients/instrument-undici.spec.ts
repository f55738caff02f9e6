import { once } from 'node:events';
import { type AddressInfo } from 'node:net';

import { context, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { WebSocketServer } from 'ws';

import { instrumentUndici } from '../../../lib/instrumentation/clients/http/instrument-undici.js';
import { eventually } from '../../support/eventually.js';
import { findRefusingPort, HttpUpstream } from '../../support/http-upstream.js';
import { startTracing, type TestTracing } from '../../support/start-tracing.js';

/** The undici of Node 22 does not announce what arrives: there a body counts as unread after 30 s, elsewhere after 2. */
const UNREAD_WITHIN_MS = 40_000;

describe('instrumentUndici()', () => {
  let tracing: TestTracing;
  let upstream: HttpUpstream;
  let undo: () => void;

  beforeAll(async () => {
    tracing = startTracing();
    upstream = await HttpUpstream.start((request, response) => {
      if (request.url === '/hang') return;
      if (request.url === '/big') {
        response.end(Buffer.alloc(4_000_000));
        return;
      }
      if (request.url === '/moved') {
        response.writeHead(302, { location: '/things' }).end(Buffer.alloc(4_000_000));
        return;
      }
      if (request.url === '/slow') {
        response.write('the beginning');
        setTimeout(() => response.end(', and the end'), 600);
        return;
      }
      if (request.url === '/cut') {
        response.writeHead(200, { 'content-length': '1000' }).write('the beginning');
        setTimeout(() => response.socket?.destroy(), 30);
        return;
      }
      response.writeHead(request.url === '/missing' ? 404 : 200).end('answer');
    });
  });
  beforeEach(() => {
    upstream.received = [];
    tracing.reset();
    undo = instrumentUndici();
  });
  afterEach(() => {
    undo();
  });
  afterAll(async () => {
    tracing.stop();
    await upstream.stop();
  });

  const fetchText = async (path: string, init?: RequestInit): Promise<string> =>
    (await fetch(upstream.origin + path, init)).text();

  it('gives a fetch a CLIENT span below the active one and sends the trace along', async () => {
    await tracing.below(() => fetchText('/things?token=secret'));
    await eventually(() => tracing.spans().length === 2);
    const span = tracing.span('GET');
    expect(span.kind).toBe(SpanKind.CLIENT);
    expect(span.parentSpanContext?.spanId).toBe(tracing.span('caller').spanContext().spanId);
    expect(span.attributes).toMatchObject({
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'url.full': `${upstream.origin}/things`,
      'server.address': '127.0.0.1',
    });
    expect(upstream.received[0]?.traceparent).toBe(
      `00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`,
    );
  });

  it('marks a 4xx answer as an error of the caller', async () => {
    await fetchText('/missing');
    await eventually(() => tracing.spans().length === 1);
    expect(tracing.span('GET').status.code).toBe(SpanStatusCode.ERROR);
    expect(tracing.span('GET').attributes['error.type']).toBe('404');
  });

  it.each(['GET /big', 'GET /moved', 'HEAD /big'])(
    'ends the span of %s when its body is not read, with what came and without an error',
    async (asked) => {
      const [method, path] = asked.split(' ') as [string, string];
      const unread = await tracing.below(() => fetch(upstream.origin + path, { method }));
      const hops = path === '/moved' ? 2 : 1;
      await eventually(() => tracing.spans().length === hops + 1, UNREAD_WITHIN_MS);
      for (const span of tracing.spans().filter(({ name }) => name === method)) {
        expect(span.status.code).toBe(SpanStatusCode.UNSET);
        expect(span.events).toEqual([]);
        // The 2 s until it is noticed that nobody reads do not count.
        expect(span.duration[0] * 1000 + span.duration[1] / 1e6).toBeLessThan(1_500);
      }
      expect(unread.bodyUsed).toBe(false);
      await unread.body?.cancel();
      expect(tracing.spans()).toHaveLength(hops + 1);
    },
    UNREAD_WITHIN_MS + 10_000,
  );

  it('ends the span of an unread body outside of any caller', async () => {
    const unread = await fetch(`${upstream.origin}/big`);
    await eventually(() => tracing.spans().length === 1, UNREAD_WITHIN_MS);
    expect(tracing.span('GET').status.code).toBe(SpanStatusCode.UNSET);
    await unread.body?.cancel();
  });

  it('waits for a slow body that is read, as long as its caller does', async () => {
    await tracing.below(() => fetchText('/slow'));
    const { duration } = tracing.span('GET');
    expect(duration[0] * 1000 + duration[1] / 1e6).toBeGreaterThan(500);
  });

  it.each<[string, (response: Response, controller: AbortController) => unknown]>([
    ['body.cancel()', (response) => response.body?.cancel()],
    ['body.cancel(reason)', (response) => response.body?.cancel('enough')],
    [
      'abort()',
      (_response, controller) => {
        controller.abort();
      },
    ],
    [
      'abort(reason)',
      (_response, controller) => {
        controller.abort(new Error('enough'));
      },
    ],
    [
      'a reader that cancels',
      async (response) => {
        const reader = response.body?.getReader();
        await reader?.read();
        await reader?.cancel();
      },
    ],
  ])('marks no error when %s gives an answer up', async (_way, giveUp) => {
    await tracing.below(async () => {
      const controller = new AbortController();
      const response = await fetch(`${upstream.origin}/big`, { signal: controller.signal });
      await giveUp(response, controller);
    });
    await eventually(() => tracing.spans().length === 2);
    const span = tracing.span('GET');
    expect(span.status.code).toBe(SpanStatusCode.UNSET);
    expect(span.attributes).not.toHaveProperty('error.type');
    expect(span.events.map(({ name }) => name)).toEqual(['cancelled']);
  });

  it('ends the span of a body whose reader was released early', async () => {
    const response = await tracing.below(async () => {
      const answer = await fetch(`${upstream.origin}/big`);
      const reader = answer.body?.getReader();
      await reader?.read();
      reader?.releaseLock();
      return answer;
    });
    await eventually(() => tracing.spans().length === 2, UNREAD_WITHIN_MS);
    expect(tracing.span('GET').status.code).toBe(SpanStatusCode.UNSET);
    await response.body?.cancel();
  });

  it('marks an answer that breaks off, and one that is too slow, as errors', async () => {
    await expect(fetchText('/cut')).rejects.toThrow('terminated');
    await expect(fetchText('/slow', { signal: AbortSignal.timeout(50) })).rejects.toThrow(/timeout/);
    const [cut, slow] = tracing.spans();
    expect(cut?.attributes['error.type']).toBe('SocketError');
    expect(slow?.status.code).toBe(SpanStatusCode.ERROR);
  });

  it('ends the span of a WebSocket when it is open', async () => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    const socket = new WebSocket(`ws://127.0.0.1:${String((server.address() as AddressInfo).port)}`);
    await eventually(() => tracing.spans().length === 1);
    expect(tracing.span('GET').attributes['http.response.status_code']).toBe(101);
    expect(socket.readyState).toBe(WebSocket.OPEN);
    for (const client of server.clients) client.terminate();
    await eventually(() => socket.readyState === WebSocket.CLOSED);
    server.close();
  });

  it('ends what is open when it is undone', async () => {
    const unread = await fetch(`${upstream.origin}/big`);
    undo();
    expect(tracing.span('GET').attributes['http.response.status_code']).toBe(200);
    await unread.body?.cancel();
  });

  it('ends the span of an aborted request with its error', async () => {
    const controller = new AbortController();
    const hanging = fetchText('/hang', { signal: controller.signal });
    await eventually(() => upstream.received.length === 1);
    controller.abort();
    await expect(hanging).rejects.toThrow(/abort/i);
    await eventually(() => tracing.spans().length === 1);
    expect(tracing.span('GET').status.code).toBe(SpanStatusCode.ERROR);
  });

  it('ends the span of a refused connection with its error', async () => {
    const port = await findRefusingPort();
    await expect(fetch(`http://127.0.0.1:${String(port)}/`)).rejects.toThrow();
    await eventually(() => tracing.spans().length === 1);
    expect(tracing.span('GET').status.code).toBe(SpanStatusCode.ERROR);
  });

  it('keeps a traceparent the application injected itself', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await fetchText('/', { headers: { Traceparent: traceparent } });
    expect(upstream.received[0]?.traceparent).toBe(traceparent);
  });

  it('takes over from a subscription that was left behind', async () => {
    instrumentUndici();
    undo = instrumentUndici();
    await fetchText('/');
    await eventually(() => tracing.spans().length > 0);
    expect(tracing.spans()).toHaveLength(1);
  });

  it('leaves requests alone where tracing is suppressed', async () => {
    await context.with(suppressTracing(context.active()), () => fetchText('/'));
    expect(tracing.spans()).toHaveLength(0);
    expect(upstream.received[0]?.traceparent).toBeUndefined();
  });

  it('does nothing once undone', async () => {
    undo();
    await fetchText('/');
    expect(upstream.received[0]?.traceparent).toBeUndefined();
  });
});
