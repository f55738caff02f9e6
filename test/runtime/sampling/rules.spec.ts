import { randomBytes } from 'node:crypto';

import { type Attributes, ROOT_CONTEXT, SpanKind, trace, TraceFlags } from '@opentelemetry/api';
import {
  extractTraceContext,
  getTelemetry,
  type SamplingOptions,
  type SamplingRule,
  withTraceContext,
} from 'nestjs-telemetry';

import { compileRoute } from '../../../lib/runtime/route-template.js';
import { ExportedSpans, runTrace } from './exported-spans.js';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';

const callerWithFlags = (flags: string) =>
  extractTraceContext({ traceparent: `00-${TRACE_ID}-b7ad6b7169203331-${flags}` });

const request = (method: string, path: string, more: Attributes = {}) => ({
  name: method,
  kind: SpanKind.SERVER,
  attributes: { 'http.request.method': method, 'url.path': path, ...more },
});

const job = (name: string, attributes: Attributes = {}, kind = SpanKind.INTERNAL) => ({
  name,
  kind,
  attributes,
});

describe.each(['fast', 'sdk'] as const)('sampling.rules with the engine %s', (engine) => {
  let spans: ExportedSpans;

  beforeEach(() => {
    spans = new ExportedSpans(engine);
  });
  afterEach(async () => {
    await spans.stop();
  });

  const isSampled = ({ name, ...options }: ReturnType<typeof job>, sampling: SamplingOptions): boolean => {
    spans.start(sampling);
    const span = trace.getTracer('test').startSpan(name, options);
    span.end();
    return span.isRecording() || spans.names().length > 0;
  };

  it.each<[SamplingRule, ReturnType<typeof job>]>([
    [{ name: 'CleanupService.purge' }, job('CleanupService.purge')],
    [{ name: 'CleanupService.*' }, job('CleanupService.purge')],
    [{ name: /purge$/ }, job('CleanupService.purge')],
    [{ route: '/orders/:id' }, request('GET', '/orders/7')],
    [{ route: '/orders/:id', method: 'get' }, request('GET', '/orders/7')],
    [{ route: '/internal/*' }, request('GET', '/internal/a/b')],
    [{ route: /^\/orders/ }, request('GET', '/orders/7')],
    [{ route: '/orders/:id' }, job('GET /orders/:id', { 'http.route': '/orders/:id' }, SpanKind.SERVER)],
    [{ kind: 'consumer' }, job('orders process', {}, SpanKind.CONSUMER)],
    [{ attributes: { tenant: 'free' } }, job('a', { tenant: 'free' })],
    [{ attributes: { tenant: /^f/ } }, job('a', { tenant: 'free' })],
    [{ attributes: { size: 3, paid: false } }, job('a', { size: 3, paid: false })],
  ])('%j matches %j', (rule, root) => {
    expect(isSampled(root, { ratio: 0, rules: [{ ...rule, ratio: 1 }] })).toBe(true);
  });

  it.each<[SamplingRule, ReturnType<typeof job>]>([
    [{ name: 'CleanupService' }, job('CleanupService.purge')],
    [{ name: 'purge*' }, job('CleanupService.purge')],
    [{ route: '/orders/:id' }, request('GET', '/orders/7/items')],
    [{ route: '/orders/:id' }, job('/orders/7')],
    [{ route: '/orders/:id', method: 'POST' }, request('GET', '/orders/7')],
    [{ kind: 'server' }, job('orders process', {}, SpanKind.CONSUMER)],
    [{ attributes: { tenant: 'free' } }, job('a', { tenant: 'paid' })],
    [{ attributes: { tenant: /undefined/ } }, job('a')],
    [{ attributes: { size: 3, paid: true } }, job('a', { size: 3 })],
  ])('%j does not match %j', (rule, root) => {
    expect(isSampled(root, { ratio: 0, rules: [{ ...rule, ratio: 1 }] })).toBe(false);
  });

  it('lets the first rule that matches decide, and the ratio where none does', () => {
    spans.start({
      ratio: 1,
      rules: [
        { name: 'a.kept', ratio: 1 },
        { name: 'a.*', ratio: 0 },
        { name: 'a.too', ratio: 1 },
      ],
    });
    for (const name of ['a.kept', 'a.too', 'b']) runTrace(name);
    expect(spans.names()).toEqual(['a.kept.child', 'a.kept', 'b.child', 'b']);
  });

  it('stays right for each trace with a pattern that remembers its position', () => {
    spans.start({ ratio: 0, rules: [{ name: /job/g, ratio: 1 }] });
    for (let index = 0; index < 3; index += 1) getTelemetry('test').trace('job', () => 1);
    expect(spans.names()).toEqual(['job', 'job', 'job']);
  });

  it('decides where a trace starts only: spans below follow, whatever their names', () => {
    spans.start({
      sampler: 'parentbased_always_on',
      rules: [
        { name: 'quiet', ratio: 0 },
        { name: 'root.child', ratio: 0 },
      ],
    });
    runTrace('root');
    let recording: boolean | undefined;
    getTelemetry('test').trace('quiet', () => {
      getTelemetry('test').trace('child', (span) => (recording = span.isRecording()));
    });
    expect(recording).toBe(false);
    expect(spans.names()).toEqual(['root.child', 'root']);
  });

  it('leaves the decision to a caller who has made it', () => {
    spans.start({ ratio: 0, rules: [{ name: 'root', ratio: 1 }] });
    withTraceContext(callerWithFlags('00'), () => {
      runTrace('root');
    });
    withTraceContext(callerWithFlags('01'), () => {
      runTrace('other');
    });
    expect(spans.names()).toEqual(['other.child', 'other']);
  });

  it('overrules the caller where the sampler does not ask it, and spans below follow all the same', () => {
    spans.start({ sampler: 'always_off', rules: [{ name: 'root', ratio: 1 }] });
    withTraceContext(callerWithFlags('00'), () => {
      runTrace('root');
    });
    withTraceContext(callerWithFlags('01'), () => {
      runTrace('other');
    });
    expect(spans.names()).toEqual(['root.child', 'root']);
  });

  it('chooses by trace id, so that a smaller share is part of a larger one', () => {
    spans.start({ sampler: 'traceidratio', ratio: 0.5, rules: [{ name: 'rare', ratio: 0.2 }] });
    const tracer = trace.getTracer('test');
    for (let index = 0; index < 500; index += 1) {
      const traceId = randomBytes(16).toString('hex');
      withTraceContext(extractTraceContext({ traceparent: `00-${traceId}-b7ad6b7169203331-00` }), () => {
        for (const name of ['rare', 'frequent']) tracer.startSpan(name).end();
      });
    }
    const idsOf = (name: string) =>
      spans
        .all()
        .filter((span) => span.name === name)
        .map((span) => span.spanContext().traceId);
    const frequent = new Set(idsOf('frequent'));
    expect(idsOf('rare').length).toBeGreaterThan(50);
    expect(frequent.size).toBeGreaterThan(idsOf('rare').length);
    expect(idsOf('rare').filter((id) => !frequent.has(id))).toEqual([]);
  });
});

const matches = (template: string, path: string) => compileRoute(template).test(path);

describe('compileRoute()', () => {
  it.each([
    ['/', '/'],
    ['/orders', '/orders'],
    ['/orders', '/orders/'],
    ['/orders/:id', '/orders/7'],
    ['/orders/:id', '/orders/a%20b'],
    ['/orders/:id/items/:item', '/orders/7/items/8'],
    ['/orders/:id(\\d+)', '/orders/7'],
    ['/orders/:id(^[a-f0-9]{8}$)/items', '/orders/deadbeef/items'],
    ['/flights/:from-:to', '/flights/LAX-SFO'],
    ['/orders/:id?', '/orders'],
    ['/orders/:id?', '/orders/7'],
    ['/orders{/:id}', '/orders'],
    ['/orders{/:id}', '/orders/7'],
    ['/files/*', '/files/a/b.txt'],
    ['/files/*path', '/files/a/b.txt'],
    ['/files{/*path}', '/files'],
    ['/v1.0/orders', '/v1.0/orders'],
    ['/a+b', '/a+b'],
    ['*', '/anything/at/all'],
    ['/odd{', '/odd{'],
    ['/odd:/x', '/odd:/x'],
  ])('lets %s match %s', (template, path) => {
    expect(matches(template, path)).toBe(true);
  });

  it.each([
    ['/orders', '/orders/7'],
    ['/orders/:id', '/orders'],
    ['/orders/:id', '/orders/7/items'],
    ['/orders/:id', '/api/orders/7'],
    ['/orders/:id', '/orders/'],
    ['/files/*', '/filesystem'],
    ['/v1.0/orders', '/v1x0/orders'],
    ['/', '/orders'],
  ])('does not let %s match %s', (template, path) => {
    expect(matches(template, path)).toBe(false);
  });
});

const TRACES = 2_000;

/** The threshold of each ratio, as OpenTelemetry's specification has it. */
const THRESHOLDS = { 0: '', 0.01: 'fd70a', 0.5: '8', 0.999: '0042', 1: '0' } as const;

const remote = (traceFlags: number) =>
  trace.setSpanContext(ROOT_CONTEXT, {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    traceFlags,
    isRemote: true,
  });

describe.each(['fast', 'sdk'] as const)('traces that begin here (engine %s)', (engine) => {
  let exported: ExportedSpans;

  beforeEach(() => {
    exported = new ExportedSpans(engine);
  });

  afterEach(() => exported.stop());

  it.each([
    [{ sampler: 'parentbased_always_on' }, 1],
    [{ sampler: 'always_on' }, 1],
    [{ sampler: 'parentbased_always_off' }, 0],
    [{ sampler: 'always_off' }, 0],
    [{ ratio: 0 }, 0],
    [{ ratio: 0.01 }, 0.01],
    [{ sampler: 'traceidratio', ratio: 0.5 }, 0.5],
    [{ ratio: 0.999 }, 0.999],
    [{ ratio: 1 }, 1],
  ] as const)(
    'are recorded with %j exactly where the last 56 bits of the id are not below the threshold',
    (sampling, ratio) => {
      exported.start(sampling);
      const threshold = THRESHOLDS[ratio];
      const rejected = threshold === '' ? 2n ** 56n : BigInt(`0x${threshold.padEnd(14, '0')}`);
      const tracer = trace.getTracer('test');
      let recorded = 0;
      for (let index = 0; index < TRACES; index += 1) {
        const span = tracer.startSpan('root', {}, ROOT_CONTEXT);
        const { traceId, traceFlags, traceState } = span.spanContext();
        expect(span.isRecording()).toBe(BigInt(`0x${traceId.slice(18)}`) >= rejected);
        expect(traceState?.serialize()).toBe(
          span.isRecording() && threshold !== '0' ? `ot=th:${threshold}` : undefined,
        );
        expect(traceFlags).toBe(span.isRecording() ? TraceFlags.SAMPLED : TraceFlags.NONE);
        if (span.isRecording()) recorded += 1;
        span.end();
      }
      expect(Math.abs(recorded / TRACES - ratio)).toBeLessThan(0.06);
      expect(exported.all()).toHaveLength(recorded);
    },
  );

  it('leaves it to the caller whether the trace of a caller goes on', () => {
    exported.start({ ratio: 0 });
    const tracer = trace.getTracer('test');
    tracer.startSpan('asked', {}, remote(TraceFlags.SAMPLED)).end();
    tracer.startSpan('not asked', {}, remote(TraceFlags.NONE)).end();
    expect(exported.names()).toEqual(['asked']);
  });

  it('takes a span that asks for a trace of its own for one that begins here', () => {
    exported.start({ ratio: 0 });
    const tracer = trace.getTracer('test');
    tracer.startSpan('root', { root: true }, remote(TraceFlags.SAMPLED)).end();
    expect(exported.names()).toEqual([]);
  });
});
