import { context, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';

import { instrumentUndici } from '../../../lib/instrumentation/clients/http/instrument-undici.js';
import { findRefusingPort, HttpUpstream } from '../../support/http-upstream.js';
import { startTracing, type TestTracing } from '../../support/start-tracing.js';
import { waitUntil } from '../../support/wait-until.js';

describe('instrumentUndici()', () => {
  let tracing: TestTracing;
  let upstream: HttpUpstream;
  let undo: () => void;

  beforeAll(async () => {
    tracing = startTracing();
    upstream = await HttpUpstream.start((request, response) => {
      if (request.url === '/hang') return;
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
    await waitUntil(() => tracing.spans().length === 2);
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
    await waitUntil(() => tracing.spans().length === 1);
    expect(tracing.span('GET').status.code).toBe(SpanStatusCode.ERROR);
    expect(tracing.span('GET').attributes['error.type']).toBe('404');
  });

  it('ends the span of an aborted request with its error', async () => {
    const controller = new AbortController();
    const hanging = fetchText('/hang', { signal: controller.signal });
    await waitUntil(() => upstream.received.length === 1);
    controller.abort();
    await expect(hanging).rejects.toThrow(/abort/i);
    await waitUntil(() => tracing.spans().length === 1);
    expect(tracing.span('GET').status.code).toBe(SpanStatusCode.ERROR);
  });

  it('ends the span of a refused connection with its error', async () => {
    const port = await findRefusingPort();
    await expect(fetch(`http://127.0.0.1:${String(port)}/`)).rejects.toThrow();
    await waitUntil(() => tracing.spans().length === 1);
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
    await waitUntil(() => tracing.spans().length > 0);
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
