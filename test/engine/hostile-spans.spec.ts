import { context, type Span, SpanKind } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AlwaysOnSampler, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';

import { RecordingTracerProvider } from '../../lib/engine/recording-tracer-provider.js';
import { setWarningSink } from '../../lib/errors/warnings.js';
import { HOSTILE_VALUES } from '../support/hostile-values.js';

const exporter = new InMemorySpanExporter();
const tracer = new RecordingTracerProvider({
  resource: resourceFromAttributes({}),
  sampler: new AlwaysOnSampler(),
  childrenFollowParent: true,
  limits: {},
  spanProcessors: [new SimpleSpanProcessor({ exporter })],
}).getTracer('hostile');

/** Each method of a span, with the value in each of its places. */
const METHODS: Record<string, (span: Span, value: never) => unknown> = {
  setAttribute: (span, value) => span.setAttribute('key', value).setAttribute(value, 'text'),
  setAttributes: (span, value) => span.setAttributes(value).setAttributes({ key: value, after: 'kept' }),
  addEvent: (span, value) =>
    span.addEvent(value, value, value).addEvent('event', { key: value }, value).addEvent('event', value),
  addLink: (span, value) =>
    span
      .addLink(value)
      .addLink({ context: value })
      .addLink({ context: span.spanContext(), attributes: value }),
  addLinks: (span, value) => span.addLinks(value).addLinks([value]),
  setStatus: (span, value) => span.setStatus(value).setStatus({ code: value, message: value }),
  updateName: (span, value) => span.updateName(value),
  recordException: (span, value) => {
    span.recordException(value, value);
  },
  end: (span, value) => {
    span.end(value);
  },
};

describe('a span given values that no attribute can be', () => {
  let restoreSink: () => void;
  beforeAll(() => {
    restoreSink = setWarningSink(() => undefined);
  });
  afterAll(() => {
    restoreSink();
  });
  beforeEach(() => {
    exporter.reset();
  });

  it.each(HOSTILE_VALUES)('takes or skips $name in every method, and is exported', ({ make }) => {
    for (const call of Object.values(METHODS)) {
      const span = tracer.startSpan('hostile');
      call(span, make() as never);
      span.end();
    }

    const spans = exporter.getFinishedSpans();
    expect(spans).toHaveLength(Object.keys(METHODS).length);
    for (const { name, attributes, events, links, status, startTime, endTime } of spans) {
      expect(typeof name).toBe('string');
      // What any exporter does with it.
      const text = JSON.stringify({ attributes, events, links, status, startTime, endTime });
      expect(text.length).toBeLessThan(20_000_000);
    }
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it.each(HOSTILE_VALUES)('is started with $name in each place', ({ make }) => {
    const value = make() as never;
    const spans = [
      tracer.startSpan(value),
      tracer.startSpan('hostile', value),
      tracer.startSpan('hostile', { attributes: value }),
      tracer.startSpan('hostile', { attributes: { key: value, after: 'kept' } }),
      tracer.startSpan('hostile', { kind: value, links: value, root: value, startTime: value }),
      tracer.startSpan('hostile', { links: [value] }),
      tracer.startSpan('hostile', {}, value),
    ];
    for (const span of spans) span.end();

    expect(spans.every((span) => span.spanContext().traceId.length === 32)).toBe(true);
    expect(exporter.getFinishedSpans()).toHaveLength(spans.length);
    expect(exporter.getFinishedSpans().every(({ kind }) => kind in SpanKind)).toBe(true);
  });

  it.each(HOSTILE_VALUES)('runs the function of startActiveSpan() once, given $name', ({ make }) => {
    const value = make() as never;
    const fn = jest.fn((span: Span) => {
      span.end();
      return value;
    });

    expect(tracer.startActiveSpan(value, fn)).toBe(value);
    expect(tracer.startActiveSpan('hostile', value, fn)).toBe(value);
    expect(tracer.startActiveSpan('hostile', {}, value, fn)).toBe(value);
    expect(fn).toHaveBeenCalledTimes(3);
  });

  it('keeps what can be read beside a getter that throws, and turns values into texts', () => {
    const span = tracer.startSpan('hostile', {}, context.active());
    span.setAttributes({
      before: 1,
      get bad(): string {
        throw new Error('refused');
      },
      after: 'kept',
      id: 5n,
      kind: Symbol('order'),
      at: new Date(0),
      tags: new Set(['a', 1n]),
      total: { toJSON: () => '9.99' },
    });
    span.end();

    expect(exporter.getFinishedSpans()[0]?.attributes).toEqual({
      before: 1,
      bad: '[Threw]',
      after: 'kept',
      id: '5',
      kind: 'Symbol(order)',
      at: '1970-01-01T00:00:00.000Z',
      tags: ['a', '1'],
      total: '9.99',
    });
  });
});
