import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';

import { context, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';

import { instrumentUndici } from '../../../lib/instrumentation/clients/http/instrument-undici.js';
import { startTracing, type TestTracing } from '../../support/start-tracing.js';
import { waitUntil } from '../../support/wait-until.js';

describe('instrumentUndici()', () => {
  let tracing: TestTracing;
  let server: Server;
  let origin: string;
  let received: IncomingHttpHeaders[];
  let undo: () => void;

  beforeAll(async () => {
    tracing = startTracing();
    server = createServer((request, response) => {
      received.push(request.headers);
      if (request.url === '/hang') return;
      response.statusCode = request.url === '/missing' ? 404 : 200;
      response.end('answer');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  });
  beforeEach(() => {
    received = [];
    tracing.reset();
    undo = instrumentUndici();
  });
  afterEach(() => {
    undo();
  });
  afterAll(async () => {
    tracing.stop();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const fetchText = async (path: string, init?: RequestInit): Promise<string> =>
    (await fetch(origin + path, init)).text();

  it('gives a fetch a CLIENT span below the active one and sends the trace along', async () => {
    await trace.getTracer('test').startActiveSpan('caller', async (caller: Span) => {
      await fetchText('/things?token=secret');
      caller.end();
    });
    await waitUntil(() => tracing.spans().length === 2);
    const span = tracing.span('GET');
    expect(span.kind).toBe(SpanKind.CLIENT);
    expect(span.parentSpanContext?.spanId).toBe(tracing.span('caller').spanContext().spanId);
    expect(span.attributes).toMatchObject({
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'url.full': `${origin}/things`,
      'server.address': '127.0.0.1',
    });
    expect(received[0]?.traceparent).toBe(`00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`);
  });

  it('marks a 4xx answer as an error of the caller', async () => {
    await fetchText('/missing');
    await waitUntil(() => tracing.spans().length === 1);
    expect(tracing.span('GET').status.code).toBe(SpanStatusCode.ERROR);
    expect(tracing.span('GET').attributes['error.type']).toBe('404');
  });

  it('ends the span of an aborted request with its error', async () => {
    const controller = new AbortController();
    const hanging = fetchText('/hang', { signal: controller.signal });
    await waitUntil(() => received.length === 1);
    controller.abort();
    await expect(hanging).rejects.toThrow(/abort/i);
    await waitUntil(() => tracing.spans().length === 1);
    expect(tracing.span('GET').status.code).toBe(SpanStatusCode.ERROR);
  });

  it('ends the span of a refused connection with its error', async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    await expect(fetch(`http://127.0.0.1:${String(port)}/`)).rejects.toThrow();
    await waitUntil(() => tracing.spans().length === 1);
    expect(tracing.span('GET').status.code).toBe(SpanStatusCode.ERROR);
  });

  it('keeps a traceparent the application injected itself', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await fetchText('/', { headers: { Traceparent: traceparent } });
    expect(received[0]?.traceparent).toBe(traceparent);
  });

  it('takes over from a subscription that was left behind', async () => {
    instrumentUndici();
    undo = instrumentUndici();
    await fetchText('/');
    await waitUntil(() => tracing.spans().length > 0);
    expect(tracing.spans()).toHaveLength(1);
  });

  it('leaves requests alone where tracing is suppressed', async () => {
    await context.with(suppressTracing(context.active()), () => fetchText('/'));
    expect(tracing.spans()).toHaveLength(0);
    expect(received[0]?.traceparent).toBeUndefined();
  });

  it('does nothing once undone', async () => {
    undo();
    await fetchText('/');
    expect(received[0]?.traceparent).toBeUndefined();
  });
});
