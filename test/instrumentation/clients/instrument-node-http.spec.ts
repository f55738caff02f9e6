import { once } from 'node:events';
import http, { Agent, type ClientRequest, createServer, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import axios from 'axios';

import { instrumentNodeHttp } from '../../../lib/instrumentation/clients/http/instrument-node-http.js';
import { instrumentUndici } from '../../../lib/instrumentation/clients/http/instrument-undici.js';
import { getCurrentSpanId } from '../../../lib/tracing/trace-context.js';
import { eventually } from '../../support/eventually.js';
import { findRefusingPort, HttpUpstream } from '../../support/http-upstream.js';
import { startTracing, type TestTracing } from '../../support/start-tracing.js';

describe('instrumentNodeHttp()', () => {
  let tracing: TestTracing;
  let upstream: HttpUpstream;
  let undo: () => void;

  beforeAll(async () => {
    tracing = startTracing();
    upstream = await HttpUpstream.start((request, response) => {
      const [path] = (request.url ?? '').split('?');
      if (path === '/hang') return;
      if (path === '/big') {
        response.end(Buffer.alloc(4_000_000));
        return;
      }
      if (path === '/redirect') response.writeHead(302, { location: '/things' }).end('moved');
      else if (path === '/cut') {
        response.writeHead(200, { 'content-length': '1000' }).write('the beginning');
        setTimeout(() => response.socket?.destroy(), 30);
      } else response.writeHead(path === '/missing' ? 404 : 200).end('answer');
    });
    upstream.server.on('upgrade', (_request, socket) => {
      socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    });
  });
  beforeEach(() => {
    upstream.received = [];
    tracing.reset();
    undo = instrumentNodeHttp();
  });
  afterEach(() => {
    undo();
  });
  afterAll(async () => {
    tracing.stop();
    await upstream.stop();
  });

  const answerOf = async (request: ClientRequest): Promise<string> => {
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of response) text += String(chunk);
    return text;
  };
  const get = (path: string, options: http.RequestOptions = {}): Promise<string> =>
    answerOf(http.get(upstream.origin + path, options));
  const onlySpan = async () => {
    await eventually(() => tracing.spans().length > 0);
    return tracing.span('GET');
  };

  it('gives a request a CLIENT span below the active one and sends the trace along', async () => {
    await expect(tracing.below(() => get('/things?token=secret'))).resolves.toBe('answer');
    await eventually(() => tracing.spans().length === 2);
    const span = tracing.span('GET');
    expect(span.kind).toBe(SpanKind.CLIENT);
    expect(span.parentSpanContext?.spanId).toBe(tracing.span('caller').spanContext().spanId);
    expect(span.attributes).toEqual({
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'network.protocol.version': '1.1',
      'url.full': `${upstream.origin}/things`,
      'server.address': '127.0.0.1',
      'server.port': upstream.port,
    });
    expect(upstream.received[0]?.traceparent).toBe(
      `00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`,
    );
  });

  it('sends the trace with headers that were given as a list', async () => {
    const headers = ['Host', new URL(upstream.origin).host, 'X-Mine', 'kept'];
    await get('/', { headers: headers as unknown as http.OutgoingHttpHeaders });
    const span = await onlySpan();
    expect(upstream.received[0]).toMatchObject({ 'x-mine': 'kept' });
    expect(upstream.received[0]?.traceparent).toContain(span.spanContext().spanId);
    expect(span.attributes['server.address']).toBe('127.0.0.1');
  });

  it('keeps a traceparent the application injected itself', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await get('/', { headers: { Traceparent: traceparent } });
    expect(upstream.received[0]?.traceparent).toBe(traceparent);
  });

  it('marks a 4xx answer as an error of the caller', async () => {
    await get('/missing');
    const span = await onlySpan();
    expect(span.status.code).toBe(SpanStatusCode.ERROR);
    expect(span.attributes['error.type']).toBe('404');
  });

  it('gives each request of a redirect a span, and counts', async () => {
    await expect(axios.get<string>(`${upstream.origin}/redirect`).then(({ data }) => data)).resolves.toBe(
      'answer',
    );
    await eventually(() => tracing.spans().length === 2);
    const [first, second] = tracing.spans();
    expect(first!.attributes).toMatchObject({ 'http.response.status_code': 302 });
    expect(first!.status.code).toBe(SpanStatusCode.UNSET);
    expect(first!.events).toEqual([]);
    expect(second!.attributes).toMatchObject({
      'http.response.status_code': 200,
      'http.request.resend_count': 1,
    });
  });

  it('gives each attempt of got a span', async () => {
    const { default: got } = await import('got');
    const retry = {
      limit: 1,
      statusCodes: [404],
      calculateDelay: ({ attemptCount }: { attemptCount: number }) => (attemptCount > 1 ? 0 : 1),
    };
    await expect(got(`${upstream.origin}/missing`, { retry }).text()).rejects.toThrow('404');
    await eventually(() => tracing.spans().length === 2);
    expect(tracing.spans().map(({ attributes }) => attributes['http.response.status_code'])).toEqual([
      404, 404,
    ]);
    expect(new Set(upstream.received.map(({ traceparent }) => traceparent)).size).toBe(2);
  });

  it('lasts until the body was read', async () => {
    const [response] = (await once(http.get(upstream.origin), 'response')) as [IncomingMessage];
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(tracing.spans()).toEqual([]);
    response.resume();
    const { duration } = await onlySpan();
    expect(duration[0] * 1000 + duration[1] / 1e6).toBeGreaterThanOrEqual(55);
  });

  it('records an answer that breaks off', async () => {
    await expect(get('/cut')).rejects.toThrow(/aborted|ECONNRESET/);
    const span = await onlySpan();
    expect(span.status.code).toBe(SpanStatusCode.ERROR);
    expect(span.attributes['error.type']).toBe('ECONNRESET');
  });

  it('ends with the head of an answer that is not read', async () => {
    const response = await tracing.below(async () => {
      const [answer] = (await once(http.get(`${upstream.origin}/big`), 'response')) as [IncomingMessage];
      return answer;
    });
    await eventually(() => tracing.spans().length === 2);
    const { duration, status, events } = tracing.span('GET');
    expect(status.code).toBe(SpanStatusCode.UNSET);
    expect(events).toEqual([]);
    // The 2 s until it is noticed that nobody reads do not count.
    expect(duration[0] * 1000 + duration[1] / 1e6).toBeLessThan(1_500);
    response.destroy();
  });

  it.each<[string, (response: IncomingMessage, controller: AbortController) => void]>([
    [
      'response.destroy()',
      (response) => {
        response.destroy();
      },
    ],
    [
      'request.destroy()',
      (response) => {
        (response as unknown as { req: ClientRequest }).req.destroy();
      },
    ],
    [
      'abort()',
      (_response, controller) => {
        controller.abort();
      },
    ],
  ])('marks no error when %s gives an answer up', async (_way, giveUp) => {
    await tracing.below(async () => {
      const controller = new AbortController();
      const request = http.get(`${upstream.origin}/big`, { signal: controller.signal });
      const [answer] = (await once(request, 'response')) as [IncomingMessage];
      request.on('error', () => undefined);
      answer.on('error', () => undefined);
      giveUp(answer, controller);
    });
    await eventually(() => tracing.spans().length === 2);
    const span = tracing.span('GET');
    expect(span.status.code).toBe(SpanStatusCode.UNSET);
    expect(span.attributes).toMatchObject({ 'http.response.status_code': 200 });
    expect(span.attributes).not.toHaveProperty('error.type');
  });

  it('records a refused connection', async () => {
    const port = await findRefusingPort();
    await expect(answerOf(http.get({ host: '127.0.0.1', port }))).rejects.toThrow();
    expect((await onlySpan()).attributes).toMatchObject({
      'error.type': 'ECONNREFUSED',
      'server.port': port,
    });
  });

  it('records a time-out that destroyed the request', async () => {
    const request = http.get(`${upstream.origin}/hang`, { timeout: 20 });
    request.on('timeout', () => request.destroy(new Error('too slow')));
    await expect(answerOf(request)).rejects.toThrow('too slow');
    const span = await onlySpan();
    expect(span.status).toMatchObject({ code: SpanStatusCode.ERROR, message: 'too slow' });
  });

  it('records an abort by signal', async () => {
    const controller = new AbortController();
    const request = http.get(`${upstream.origin}/hang`, { signal: controller.signal });
    const answer = answerOf(request);
    await eventually(() => upstream.received.length === 1);
    controller.abort();
    await expect(answer).rejects.toThrow(/abort/);
    expect((await onlySpan()).status.code).toBe(SpanStatusCode.ERROR);
  });

  it('ends with an upgrade', async () => {
    const request = http.get(upstream.origin, { headers: { connection: 'upgrade', upgrade: 'echo' } });
    const [, socket] = (await once(request, 'upgrade')) as [IncomingMessage, { destroy(): void }];
    socket.destroy();
    const span = await onlySpan();
    expect(span.attributes['http.response.status_code']).toBe(101);
    expect(span.status.code).toBe(SpanStatusCode.UNSET);
  });

  it('names a server behind a Unix domain socket', async () => {
    const socketPath = join(tmpdir(), `nestjs-telemetry-${String(process.pid)}.sock`);
    const local = createServer((_request, response) => response.end('local'));
    local.listen(socketPath);
    await once(local, 'listening');
    await answerOf(http.get({ socketPath, path: '/v1/info' }));
    local.close();
    const { attributes } = await onlySpan();
    expect(attributes).toMatchObject({
      'server.address': socketPath,
      'url.full': 'http://localhost/v1/info',
    });
    expect(attributes).not.toHaveProperty('server.port');
  });

  it('names requests of an unknown method HTTP', async () => {
    await once(http.request(upstream.origin, { method: 'PURGE' }).end(), 'response').then(([response]) => {
      (response as IncomingMessage).resume();
    });
    await eventually(() => tracing.spans().length === 1);
    expect(tracing.span('HTTP').attributes).toMatchObject({
      'http.request.method': '_OTHER',
      'http.request.method_original': 'PURGE',
    });
  });

  it('answers each of many callers that share one kept-alive connection in its own context', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const callers = Array.from({ length: 5 }, () =>
      tracing.below(
        () =>
          new Promise<boolean>((resolve) => {
            const caller = getCurrentSpanId();
            http.get(upstream.origin, { agent }, (response) => {
              response.resume().on('end', () => {
                resolve(getCurrentSpanId() === caller);
              });
            });
          }),
      ),
    );
    await expect(Promise.all(callers)).resolves.toEqual([true, true, true, true, true]);
    agent.destroy();
    const spans = tracing.spans();
    const parents = spans.filter(({ name }) => name === 'GET').map((span) => span.parentSpanContext?.spanId);
    const expected = spans.filter(({ name }) => name === 'caller').map((span) => span.spanContext().spanId);
    expect(new Set(parents)).toEqual(new Set(expected));
  });

  it('sends the decision of a caller that is not sampled along', async () => {
    const parent = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
    const unsampled = trace.setSpanContext(ROOT_CONTEXT, { ...parent, traceFlags: TraceFlags.NONE });
    await context.with(unsampled, () => get('/'));
    expect(upstream.received[0]?.traceparent).toMatch(
      /^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-00$/,
    );
    expect(tracing.spans()).toEqual([]);
  });

  it('leaves requests alone where tracing is suppressed, as exporters do', async () => {
    await context.with(suppressTracing(context.active()), () => get('/'));
    expect(tracing.spans()).toEqual([]);
    expect(upstream.received[0]?.traceparent).toBeUndefined();
  });

  it("stands aside where another instrumentation has made the request's span active", async () => {
    const theirs = trace
      .getTracer('theirs')
      .startSpan('GET', { kind: SpanKind.CLIENT, attributes: { 'http.request.method': 'GET' } });
    await context.with(trace.setSpan(ROOT_CONTEXT, theirs), () => get('/'));
    theirs.end();
    expect(tracing.spans()).toHaveLength(1);
  });

  it('leaves fetch to the instrumentation of undici', async () => {
    const undoUndici = instrumentUndici();
    await (await fetch(upstream.origin)).text();
    await onlySpan();
    undoUndici();
    expect(tracing.spans()).toHaveLength(1);
  });

  it('does nothing once undone', async () => {
    undo();
    await get('/');
    expect(upstream.received[0]?.traceparent).toBeUndefined();
    expect(tracing.spans()).toEqual([]);
  });
});
