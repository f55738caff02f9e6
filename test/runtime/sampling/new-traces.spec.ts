import { ROOT_CONTEXT, trace, TraceFlags } from '@opentelemetry/api';

import { ExportedSpans } from './exported-spans.js';

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
