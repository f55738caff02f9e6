import {
  type Attributes,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
} from '@opentelemetry/api';
import { TraceState } from '@opentelemetry/core';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import {
  AlwaysOnSampler,
  type ReadableSpan,
  type SpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';

import { encodeSpan } from '../../lib/engine/encoding/encode-span.js';
import { RequestBuilder } from '../../lib/engine/encoding/request-builder.js';
import { RecordingTracerProvider } from '../../lib/engine/recording-tracer-provider.js';
import { decodeOtlp } from '../exporters/otlp/decode-otlp.js';
import { resource } from '../exporters/support/trace-provider.js';

/** Keeps what ended, and what our encoder made of each span at that moment. */
class Encoded implements SpanProcessor {
  readonly spans: ReadableSpan[] = [];
  private readonly builder = new RequestBuilder();

  onStart(): void {
    // Only complete spans are of interest.
  }

  onEnd(span: ReadableSpan): void {
    this.spans.push(span);
    encodeSpan(this.builder.writerFor(span.instrumentationScope, span.resource), span);
    this.builder.added();
  }

  forceFlush = () => Promise.resolve();
  shutdown = () => Promise.resolve();

  /** What a receiver reads in our request, and in the one that OpenTelemetry's serializer makes of the same spans. */
  decoded(): { ours: unknown; standard: unknown } {
    const read = (body: Uint8Array) => withoutZeros(decodeOtlp('trace', Buffer.from(body)));
    return {
      ours: read(this.builder.build()),
      standard: read(ProtobufTraceSerializer.serializeRequest(this.spans)!),
    };
  }
}

/** A count of zero and an unset status say the same as nothing; OpenTelemetry's serializer writes them out. */
function withoutZeros(message: unknown): unknown {
  return JSON.parse(
    JSON.stringify(message, (key, value: unknown) => {
      if (/^dropped\w+Count$/.test(key) && value === 0) return undefined;
      return key === 'status' && (value as { code?: number }).code === 0 ? undefined : value;
    }),
  );
}

const engines = {
  ours: (processor: SpanProcessor) =>
    new RecordingTracerProvider({
      resource,
      sampler: new AlwaysOnSampler(),
      childrenFollowParent: true,
      limits: {},
      spanProcessors: [processor],
    }),
  'of the SDK': (processor: SpanProcessor) => new TracerProvider({ resource, spanProcessors: [processor] }),
};

const VALUES: readonly [string, Attributes[string]][] = [
  ['a text', 'hello'],
  ['no text', ''],
  ['a text beyond ASCII', 'naïve – 日本語 🚀'],
  ['a lone surrogate', 'broken \ud800 half'],
  ['a long text', 'x'.repeat(300)],
  ['a long text beyond ASCII', 'ü'.repeat(20_000)],
  ['a text of 127 characters', 'y'.repeat(127)],
  ['a text of 128 characters', 'y'.repeat(128)],
  ['a text of 100 characters beyond ASCII', 'ü'.repeat(100)],
  ['a text that ends beyond ASCII', 'y'.repeat(30) + 'é'],
  ['zero', 0],
  ['a small number', 42],
  ['a number of two bytes', 128],
  ['the largest number of 31 bits', 2 ** 31 - 1],
  ['a number of 32 bits', 2 ** 31],
  ['a number of five bytes', 2 ** 34],
  ['no number', Number.NaN],
  ['minus zero', -0],
  ['the largest safe integer', Number.MAX_SAFE_INTEGER],
  ['a negative integer', -7],
  ['an integer beyond the safe ones', 2 ** 60],
  ['an integer beyond int64', 2 ** 70],
  ['a fraction', 0.1],
  ['a negative fraction', -1.5e-7],
  ['infinity', Infinity],
  ['true', true],
  ['false', false],
  ['an array of texts', ['a', 'b', '']],
  ['an array of numbers', [1, 2.5, -3]],
  ['an empty array', []],
];

describe.each(Object.entries(engines))('encodeSpan() of spans %s', (_, createProvider) => {
  let encoded: Encoded;
  const start = (name: string, options = {}, parent = ROOT_CONTEXT): Span =>
    createProvider(encoded).getTracer('OrderService', '1.0.0').startSpan(name, options, parent);
  const expectTheSame = (): void => {
    const { ours, standard } = encoded.decoded();
    expect(encoded.spans.length).toBeGreaterThan(0);
    expect(ours).toEqual(standard);
  };
  beforeEach(() => (encoded = new Encoded()));

  it.each(VALUES)('writes %s as an attribute of a span, an event and a link', (_value, value) => {
    const linked = start('linked').spanContext();
    const span = start('span', {
      attributes: { value },
      links: [{ context: linked, attributes: { value } }],
    });
    span.setAttribute('later', value);
    span.addEvent('event', { value: value! });
    span.end();
    expectTheSame();
  });

  it.each([
    ['no name', ''],
    ['a name beyond ASCII', 'GET /größe/日本/🚀'],
  ])('writes %s, once and again', (_kind, name) => {
    for (let times = 0; times < 2; times += 1) {
      const span = start(name);
      span.addEvent(name);
      span.end();
    }
    expectTheSame();
  });

  it('writes as text what untyped code gives for a name or a key', () => {
    start(42 as unknown as string)
      .setAttribute(43 as unknown as string, 'x')
      .end();
    start('after').end();
    expect(JSON.stringify(encoded.decoded().ours)).toMatch(/"name":"42".*"name":"after"/);
  });

  it.each(['constructor', 'ключ', '\ud800', 'k'.repeat(100), 'ü'.repeat(100), 'k'.repeat(20_000)])(
    'writes the key %p with every kind of value',
    (key) => {
      for (const [, value] of VALUES) {
        const span = start('span');
        span.setAttribute(key, value);
        span.addEvent('event', { [`${key}!`]: value! });
        span.end();
      }
      expectTheSame();
    },
  );

  it.each([
    [0, 260],
    [16_200, 16_400],
  ])(
    'writes names, texts and keys of %d to %d characters, whatever the lengths around them take',
    (from, to) => {
      for (let length = from; length <= to; length += 1) {
        const text = 't'.repeat(length);
        start(text).end();
        const parent = trace.setSpan(ROOT_CONTEXT, start('parent'));
        start(text, {}, parent).end();
        start('attribute').setAttribute('key', text).end();
        start('key')
          .setAttribute(text || 'none', 1)
          .end();
        start('event').addEvent('log', { text }).end();
        start('message').setStatus({ code: SpanStatusCode.ERROR, message: text }).end();
      }
      expectTheSame();
    },
  );

  it('does not write what attributes inherit', () => {
    const attributes = Object.create({ inherited: 1 }, { own: { value: 2, enumerable: true } }) as Attributes;
    start('span', { attributes }).addEvent('event', attributes).end();
    expect(JSON.stringify(encoded.decoded().ours)).not.toContain('inherited');
  });

  it('writes a span without anything', () => {
    start('').end();
    expectTheSame();
  });

  it.each([SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER])(
    'writes the kind %d',
    (kind) => {
      start('span', { kind }).end();
      expectTheSame();
    },
  );

  it('keeps a kind that is none from spoiling what follows', () => {
    start('span', { kind: 254 }).end();
    start('after', { kind: SpanKind.SERVER }).end();
    expect(JSON.stringify(encoded.decoded().ours)).toMatch(/"name":"after","kind":2/);
  });

  it.each([
    { code: SpanStatusCode.OK },
    { code: SpanStatusCode.ERROR },
    { code: SpanStatusCode.ERROR, message: 'the database is gone: ünreachable' },
  ])('writes the status %j', (status) => {
    start('span').setStatus(status).end();
    expectTheSame();
  });

  it('writes local and remote parents with their trace state and flags', () => {
    const remote = trace.setSpanContext(ROOT_CONTEXT, {
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      traceFlags: TraceFlags.SAMPLED,
      isRemote: true,
      traceState: new TraceState('vendor=a,other=b'),
    });
    const provider = createProvider(encoded);
    const parent = provider.getTracer('http').startSpan('parent', {}, remote);
    const child = provider.getTracer('http').startSpan('child', {}, trace.setSpan(remote, parent));
    child.end();
    parent.end();
    expectTheSame();
    expect(encoded.spans[0]!.parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
  });

  it.each([
    ['epoch milliseconds', 1_700_000_000_123.25],
    ['a pair', [1_700_000_000, 999_999_999] as [number, number]],
    ['a Date', new Date(1_700_000_000_123)],
  ])('writes times given as %s', (_kind, startTime) => {
    const span = start('span', { startTime });
    span.addEvent('event', startTime);
    span.end();
    expectTheSame();
  });

  it('writes what was dropped', () => {
    const span = start('span');
    for (let index = 0; index < 140; index += 1) span.setAttribute(`key.${index}`, index);
    for (let index = 0; index < 140; index += 1) span.addEvent(`event ${index}`);
    span.end();
    expectTheSame();
    expect(encoded.spans[0]).toMatchObject({ droppedAttributesCount: 12, droppedEventsCount: 12 });
  });

  it('writes the spans of several scopes, and of a request after the first', () => {
    const provider = createProvider(encoded);
    for (let index = 0; index < 50; index += 1) {
      const span = provider.getTracer(`Service${index % 3}`).startSpan(`span ${index}`);
      span.setAttributes({ index, text: 'z'.repeat(index * 40) }).end();
    }
    expectTheSame();
    encoded.spans.length = 0;
    provider.getTracer('Service1').startSpan('again').end();
    expectTheSame();
  });

  it('writes frozen attributes that many spans share, also where one span overwrites them', () => {
    const shared = Object.freeze({ 'code.function.name': 'OrdersController.find', 'nestjs.type': 'http' });
    start('first', { attributes: shared }).end();
    start('second', { attributes: shared }).setAttribute('nestjs.type', 'rpc').setAttribute('more', 1).end();
    start('third', { attributes: shared }).end();
    expectTheSame();
    expect(shared).toEqual({ 'code.function.name': 'OrdersController.find', 'nestjs.type': 'http' });
  });

  it('keeps what was given when the caller changes it afterwards', () => {
    const attributes: Attributes = { list: ['a'], text: 'before' };
    const span = start('span', { attributes });
    attributes.text = 'after';
    (attributes.list as string[]).push('b');
    span.end();
    expect(encoded.spans[0]!.attributes).toEqual({ list: ['a'], text: 'before' });
    expectTheSame();
  });
});

// Last, because what is remembered is remembered for good.
describe('encodeSpan()', () => {
  it('writes more names and keys than it remembers', () => {
    const encoded = new Encoded();
    const tracer = engines.ours(encoded).getTracer('OrderService');
    for (let index = 0; index < 5_000; index += 1)
      tracer.startSpan(`name ${index}`).setAttribute(`key.${index}`, index).end();
    const { ours, standard } = encoded.decoded();
    expect(ours).toEqual(standard);
  });
});
