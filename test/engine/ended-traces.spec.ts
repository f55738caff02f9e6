import { context, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api';
import {
  configureTelemetry,
  getCurrentTraceId,
  injectTraceContext,
  type TelemetryHandle,
  type TelemetryOptions,
} from 'nestjs-telemetry';
import { createTelemetryProbe, type TelemetryProbe } from 'nestjs-telemetry/testing';

import { processCpuMs } from '../support/cpu-time.js';
import { eventually } from '../support/eventually.js';

/** Resolves when the turn of the event loop is over in which a span may have ended. */
const nextTurns = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setTimeout(resolve, 2));
};

describe.each(['fast', 'sdk'] as const)('spans of a trace that has ended, engine %s', (engine) => {
  let probe: TelemetryProbe;
  let telemetry: TelemetryHandle;
  const tracer = () => trace.getTracer('test');
  const below = (span: Span) => trace.setSpan(ROOT_CONTEXT, span);
  const start = (options: TelemetryOptions = {}): void => {
    probe = createTelemetryProbe();
    telemetry = configureTelemetry({ ...probe.options, engine, instrumentation: false, ...options });
  };
  afterEach(() => telemetry.shutdown());

  it('start a trace with a link to the local root', async () => {
    start();
    const root = tracer().startSpan('root');
    const child = tracer().startSpan('child', {}, below(root));
    child.end();
    root.end();
    await nextTurns();
    const linked = { context: tracer().startSpan('other').spanContext() };
    tracer()
      .startSpan('late', { links: [linked] }, below(child))
      .end();
    const late = probe.span('late');
    expect(late.parentSpanContext).toBeUndefined();
    expect(late.spanContext().traceId).not.toBe(root.spanContext().traceId);
    expect(late.links.map((link) => link.context.spanId)).toEqual([
      linked.context.spanId,
      root.spanContext().spanId,
    ]);
  });

  it('are children while any span above them is open, and in the turn in which the last one ended', async () => {
    start();
    const root = tracer().startSpan('root');
    const open = tracer().startSpan('open', {}, below(root));
    const child = tracer().startSpan('child', {}, below(open));
    child.end();
    root.end();
    await nextTurns();
    tracer().startSpan('while open', {}, below(child)).end();
    open.end();
    tracer().startSpan('in the turn', {}, below(child)).end();
    await new Promise((resolve) => setImmediate(resolve));
    tracer().startSpan('put off', {}, below(child)).end();
    await nextTurns();
    tracer().startSpan('late', {}, below(child)).end();
    const parents = ['while open', 'in the turn', 'put off'].map(
      (name) => probe.span(name).parentSpanContext?.spanId,
    );
    expect(new Set(parents)).toEqual(new Set([child.spanContext().spanId]));
    expect(probe.span('late').links[0]?.context.spanId).toBe(root.spanContext().spanId);
  });

  it('are children when they began before the end and are recorded afterwards', async () => {
    start();
    const root = tracer().startSpan('root');
    const startTime = Date.now();
    await nextTurns();
    root.end();
    await nextTurns();
    tracer().startSpan('waited', { startTime }, below(root)).end();
    expect(probe.span('waited').parentSpanContext?.spanId).toBe(root.spanContext().spanId);
  });

  it('are sampled by themselves below a trace that was not, and know that it has ended', async () => {
    start({ sampling: { ratio: 1, rules: [{ name: 'never', ratio: 0 }] } });
    const root = tracer().startSpan('never');
    tracer().startSpan('child', {}, below(root)).end();
    root.end();
    await nextTurns();
    tracer().startSpan('late', {}, below(root)).end();
    expect(probe.spans().map(({ name }) => name)).toEqual(['late']);
    expect(probe.span('late').links[0]?.context.traceId).toBe(root.spanContext().traceId);
  });

  it('are found through long chains of ended spans in the time of short ones', async () => {
    start();
    const root = tracer().startSpan('root');
    let last = root;
    for (let index = 0; index < 20_000; index += 1) {
      last = tracer().startSpan('link', {}, below(last));
      last.end();
      if (index % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await nextTurns();
    const steps = 2_000;
    const time = (from: Span): number => {
      const before = processCpuMs();
      for (let index = 0; index < steps; index += 1) tracer().startSpan('leaf', {}, below(from)).end();
      return processCpuMs() - before;
    };
    time(root);
    // Walked in full, each start would take 20,000 steps.
    expect(time(last) / time(root)).toBeLessThan(50);
  });

  it('keep the ids of their trace for a minute, then have none', async () => {
    start();
    const now = performance.now();
    const clock = jest.spyOn(performance, 'now');
    try {
      const root = tracer().startSpan('root');
      root.end();
      await nextTurns();
      const { traceId } = root.spanContext();
      context.with(below(root), () => {
        expect(getCurrentTraceId()).toBe(traceId);
        expect(injectTraceContext({})).toHaveProperty('traceparent');
      });
      clock.mockImplementation(() => now + 90_000);
      context.with(below(root), () => {
        expect(getCurrentTraceId()).toBeUndefined();
        expect(injectTraceContext({})).toEqual({});
      });
    } finally {
      clock.mockRestore();
    }
    await eventually(() => probe.spans().length === 1);
  });
});
