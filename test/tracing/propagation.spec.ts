import { context, trace } from '@opentelemetry/api';

import {
  attachTraceContext,
  detachTraceContext,
  extractTraceContext,
  getCurrentTraceId,
  injectTraceContext,
  withTraceContext,
} from '../../lib/tracing/trace-context.js';
import { startTracing, type TestTracing } from '../support/start-tracing.js';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const TRACEPARENT = `00-${TRACE_ID}-b7ad6b7169203331-01`;

describe('trace context propagation', () => {
  let tracing: TestTracing;
  beforeAll(() => {
    tracing = startTracing();
  });
  afterAll(() => {
    tracing.stop();
  });

  it.each([
    [
      'a plain object',
      { 'content-type': 'application/json' },
      (carrier: unknown) => (carrier as Record<string, string>).traceparent,
    ],
    ['Headers', new Headers(), (carrier: unknown) => (carrier as Headers).get('traceparent')],
    [
      'a Map',
      new Map<string, string>(),
      (carrier: unknown) => (carrier as Map<string, string>).get('traceparent'),
    ],
  ])('injects traceparent into %s and returns the same object', (_name, carrier, read) => {
    trace.getTracer('test').startActiveSpan('outgoing', (span) => {
      expect(injectTraceContext(carrier)).toBe(carrier);
      expect(read(carrier)).toBe(`00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`);
      span.end();
    });
  });

  it.each([
    ['a plain object', { traceparent: TRACEPARENT }],
    ['headers in another case', { TraceParent: TRACEPARENT }],
    ['Headers', new Headers({ traceparent: TRACEPARENT })],
    ['a Map', new Map([['traceparent', TRACEPARENT]])],
    ['bytes, as message brokers deliver them', { traceparent: Buffer.from(TRACEPARENT) }],
  ])('extracts the caller from %s', (_name, carrier) => {
    expect(withTraceContext(extractTraceContext(carrier), getCurrentTraceId)).toBe(TRACE_ID);
  });

  it.each([[{}], [{ traceparent: 'rubbish' }], [{ traceparent: ['a', 'b'] }], [{ traceparent: 7 }]])(
    'extracts an empty context from %j',
    (carrier) => {
      expect(withTraceContext(extractTraceContext(carrier), getCurrentTraceId)).toBeUndefined();
    },
  );

  it('attaches a context until its token is detached, and detaching twice is harmless', async () => {
    await new Promise<void>((resolve) => {
      setImmediate(() => {
        const before = context.active();
        const token = attachTraceContext(extractTraceContext({ traceparent: TRACEPARENT }));
        expect(getCurrentTraceId()).toBe(TRACE_ID);
        detachTraceContext(token);
        detachTraceContext(token);
        expect(context.active()).toBe(before);
        resolve();
      });
    });
  });

  it('keeps an attached context through awaited work', async () => {
    const seen = await (async () => {
      await Promise.resolve();
      const token = attachTraceContext(extractTraceContext({ traceparent: TRACEPARENT }));
      try {
        await new Promise((resolve) => setTimeout(resolve, 1));
        return getCurrentTraceId();
      } finally {
        detachTraceContext(token);
      }
    })();
    expect(seen).toBe(TRACE_ID);
    expect(getCurrentTraceId()).toBeUndefined();
  });
});
