import { SpanStatusCode, trace } from '@opentelemetry/api';

import { TelemetrySpan } from '../../lib/tracing/telemetry-span.js';
import { getCurrentSpanId } from '../../lib/tracing/trace-context.js';
import { startTracing, type TestTracing } from '../support/start-tracing.js';

describe('TelemetrySpan', () => {
  let tracing: TestTracing;
  beforeAll(() => {
    tracing = startTracing();
  });
  beforeEach(() => {
    tracing.reset();
  });
  afterAll(() => {
    tracing.stop();
  });
  const start = (name: string): TelemetrySpan => new TelemetrySpan(trace.getTracer('test').startSpan(name));

  it('ends when the block that uses it is left, however it is left', () => {
    expect(() => {
      using span = start('import');
      span.setAttribute('rows', 3);
      throw new Error('left early');
    }).toThrow('left early');
    expect(tracing.span('import').attributes).toEqual({ rows: 3 });
  });

  it('ends only once', () => {
    const span = start('twice');
    span.end();
    span.end();
    span[Symbol.dispose]();
    expect(tracing.spans()).toHaveLength(1);
  });

  it('is active in run() and nowhere else', () => {
    using span = start('outer');
    expect(getCurrentSpanId()).toBeUndefined();
    expect(span.run(getCurrentSpanId)).toBe(span.spanContext().spanId);
  });

  it('is active from activate() to its end', () => {
    const span = start('active').activate();
    expect(getCurrentSpanId()).toBe(span.spanContext().spanId);
    span.end();
    expect(getCurrentSpanId()).toBeUndefined();
  });

  it('records the value that it fails with', () => {
    start('failing').fail(new RangeError('too far')).end();
    const { status, events, attributes } = tracing.span('failing');
    expect(status).toEqual({ code: SpanStatusCode.ERROR, message: 'too far' });
    expect(events.map(({ name }) => name)).toEqual(['exception']);
    expect(attributes['error.type']).toBe('RangeError');
  });

  it('passes on everything a span can do', () => {
    const link = { context: { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 } };
    start('first')
      .setAttributes({ a: 1 })
      .addEvent('happened', { b: 2 })
      .addLink(link)
      .addLinks([link])
      .setStatus({ code: SpanStatusCode.OK })
      .updateName('renamed')
      .end();
    const span = tracing.span('renamed');
    expect(span.attributes).toEqual({ a: 1 });
    expect(span.events.map(({ name }) => name)).toEqual(['happened']);
    expect(span.links).toHaveLength(2);
    expect(span.status.code).toBe(SpanStatusCode.OK);
  });
});
