import { context, type Span, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api';
import { type ReadableSpan, SamplingDecision, type SpanProcessor } from '@opentelemetry/sdk-trace';
import {
  extractTraceContext,
  getCurrentSpanId,
  getTelemetry,
  injectTraceContext,
  withTraceContext,
} from 'nestjs-telemetry';

import { resetWarnings, setWarningSink } from '../../../lib/errors/warnings.js';
import { samplingReport } from '../../../lib/runtime/sdk-runtime.js';
import { ExportedSpans, runTrace } from './exported-spans.js';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const callerWithFlags = (flags: string) =>
  extractTraceContext({ traceparent: `00-${TRACE_ID}-b7ad6b7169203331-${flags}` });
const fail = (span: Span) => span.setStatus({ code: SpanStatusCode.ERROR });
/** Puts the clock into the hand of the test: `jest.advanceTimersByTime()` is what makes time pass. */
const stopClock = () =>
  jest.useFakeTimers({ doNotFake: ['hrtime', 'nextTick', 'queueMicrotask', 'setImmediate'] });

describe.each(['fast', 'sdk'] as const)('sampling.keep with the engine %s', (engine) => {
  let spans: ExportedSpans;
  const telemetry = getTelemetry('sampling');

  beforeEach(() => {
    spans = new ExportedSpans(engine);
  });
  afterEach(async () => {
    jest.useRealTimers();
    await spans.stop();
  });

  describe('errors', () => {
    it('sends the whole local trace of a failed span, and no other, at ratio 0', () => {
      spans.start({ ratio: 0, keep: true });
      runTrace('fine');
      runTrace('broken', { fails: true });
      expect(spans.names()).toEqual(['broken.child', 'broken']);
      expect(spans.flags()).toEqual([TraceFlags.SAMPLED, TraceFlags.SAMPLED]);
    });

    it('sends what ended before the failure too, with everything it recorded', () => {
      spans.start({ ratio: 0, keep: true });
      telemetry.trace('root', { tenant: 'a' }, (root) => {
        telemetry.trace('before', (span) => span.addEvent('read', { rows: 3 }));
        telemetry.trace('failing', fail);
        root.addEvent('answered');
      });
      const [before, , root] = spans.all();
      expect(spans.names()).toEqual(['before', 'failing', 'root']);
      expect(before!.events).toMatchObject([{ name: 'read', attributes: { rows: 3 } }]);
      expect(root!.attributes).toEqual({ tenant: 'a' });
      expect(root!.events).toMatchObject([{ name: 'answered' }]);
      expect(before!.parentSpanContext?.spanId).toBe(root!.spanContext().spanId);
      expect(before!.resource.attributes['service.name']).toBe('sampling');
    });

    it('sends the trace when only its root failed', () => {
      spans.start({ ratio: 0, keep: true });
      telemetry.trace('root', (span) => {
        telemetry.trace('child', () => 1);
        fail(span);
      });
      expect(spans.names()).toEqual(['child', 'root']);
    });

    it('lets failed traces go where errors are no reason', () => {
      spans.start({ ratio: 0, keep: { errors: false, slowerThanMs: 60_000 } });
      runTrace('broken', { fails: true });
      expect(spans.names()).toEqual([]);
    });
  });

  describe('slowerThanMs', () => {
    it('sends the whole local trace of a root that took as long, and no shorter one', () => {
      spans.start({ ratio: 0, keep: { slowerThanMs: 1000 } });
      for (const [name, duration] of [
        ['short', 999],
        ['long', 1000],
      ] as const) {
        const startTime = Date.now();
        const tracer = trace.getTracer('test');
        const root = tracer.startSpan(name, { startTime });
        tracer
          .startSpan(`${name}.child`, { startTime }, trace.setSpan(context.active(), root))
          .end(startTime + 1);
        root.end(startTime + duration);
      }
      expect(spans.names()).toEqual(['long.child', 'long']);
    });

    it('sends at once what ends when the root is already slower', () => {
      spans.start({ ratio: 0, keep: { slowerThanMs: 1000 } });
      const root = trace.getTracer('test').startSpan('root', { startTime: Date.now() - 1500 });
      context.with(trace.setSpan(context.active(), root), () => telemetry.trace('child', () => 1));
      expect(spans.names()).toEqual(['child']);
      root.end();
      expect(spans.names()).toEqual(['child', 'root']);
    });

    it('may be another for what a rule matches', () => {
      spans.start({
        ratio: 0,
        rules: [{ name: 'Report.*', keep: { slowerThanMs: 10_000 } }],
        keep: { slowerThanMs: 1000 },
      });
      for (const name of ['Report.build', 'Order.find']) {
        const startTime = Date.now();
        trace
          .getTracer('test')
          .startSpan(name, { startTime })
          .end(startTime + 5000);
      }
      expect(spans.names()).toEqual(['Order.find']);
    });
  });

  describe('the background share', () => {
    it('is a tenth by default, chosen by trace id', () => {
      spans.start({ keep: true });
      for (let index = 0; index < 3000; index += 1) runTrace();
      const exported = spans.all().length / 2;
      expect(exported).toBeGreaterThan(200);
      expect(exported).toBeLessThan(400);
    });

    it('is the value of ratio', () => {
      spans.start({ ratio: 1, keep: true });
      runTrace();
      expect(spans.names()).toEqual(['root.child', 'root']);
    });

    it('is not held back', () => {
      spans.start({ ratio: 1, keep: true });
      telemetry.trace('root', () => {
        telemetry.trace('child', () => 1);
        expect(spans.names()).toEqual(['child']);
      });
    });

    it('is what a sampler of the application chooses, and the rest is kept when it matters', () => {
      spans.start({
        sampler: {
          shouldSample: (_context, _traceId, name) => ({
            decision: name.startsWith('vip')
              ? SamplingDecision.RECORD_AND_SAMPLED
              : SamplingDecision.NOT_RECORD,
          }),
          toString: () => 'Vip',
        },
        keep: true,
      });
      runTrace('vip');
      runTrace('fine');
      runTrace('broken', { fails: true });
      expect(spans.names()).toEqual(['vip.child', 'vip', 'broken.child', 'broken']);
    });
  });

  describe('what ends or starts after its root', () => {
    const traceWithLateWork = (fails: boolean) => {
      let late: Span | undefined;
      const root = telemetry.startSpan('root');
      root.run(() => {
        late = trace.getTracer('test').startSpan('late');
        if (fails) root.fail(new Error('boom'));
      });
      root.end();
      root.run(() => {
        telemetry.trace('later still', () => 1);
      });
      late?.end();
    };

    it('is sent when the trace was kept', () => {
      spans.start({ ratio: 0, keep: true });
      traceWithLateWork(true);
      expect(spans.names()).toEqual(['root', 'later still', 'late']);
      expect(spans.flags()).toEqual([1, 1, 1]);
    });

    it('is not sent when it was not, nor recorded when it starts after that', () => {
      spans.start({ ratio: 0, keep: true });
      traceWithLateWork(false);
      expect(spans.names()).toEqual([]);
      let recording: boolean | undefined;
      const root = telemetry.startSpan('root');
      root.end();
      root.run(() => telemetry.trace('child', (span) => (recording = span.isRecording())));
      expect(recording).toBe(false);
    });
  });

  describe('what other services get', () => {
    const propagated = (): string | undefined => {
      const carrier: { traceparent?: string } = {};
      injectTraceContext(carrier);
      return carrier.traceparent?.slice(-2);
    };

    it('is "not sampled" while the trace is undecided, and "sampled" from the span after the failure on', () => {
      spans.start({ ratio: 0, keep: true });
      const told: (string | undefined)[] = [];
      telemetry.trace('root', () => {
        telemetry.trace('first call', () => told.push(propagated()));
        telemetry.trace('failing', fail);
        telemetry.trace('second call', () => told.push(propagated()));
      });
      expect(told).toEqual(['00', '01']);
      expect(spans.names()).toEqual(['first call', 'failing', 'second call', 'root']);
      expect(spans.flags()).toEqual([1, 1, 1, 1]);
    });

    it('records below a caller that does not sample, keeps what failed there, and propagates no decision', () => {
      spans.start({ sampler: 'parentbased_always_on', keep: true });
      let told: string | undefined;
      withTraceContext(callerWithFlags('00'), () => {
        runTrace('fine');
        telemetry.trace('root', () => (told = propagated()));
        runTrace('broken', { fails: true });
      });
      expect(told).toBe('00');
      expect(spans.names()).toEqual(['broken.child', 'broken']);
      expect(spans.all()[1]!.spanContext().traceId).toBe(TRACE_ID);
      expect(spans.all()[1]!.parentSpanContext?.spanId).toBe('b7ad6b7169203331');
    });

    it('sends everything below a caller that samples, without waiting', () => {
      spans.start({ ratio: 0, keep: true });
      withTraceContext(callerWithFlags('01'), () => {
        runTrace('called');
      });
      expect(spans.names()).toEqual(['called.child', 'called']);
      expect(samplingReport()).toMatchObject({ dropped: 0, waitingTraces: 0 });
    });

    it('keeps further parts of a trace of which one was kept here', () => {
      spans.start({ ratio: 0, keep: true });
      withTraceContext(callerWithFlags('00'), () => {
        const open = telemetry.startSpan('open');
        runTrace('broken', { fails: true });
        runTrace('next');
        open.end();
      });
      expect(spans.names()).toEqual(['broken.child', 'broken', 'next.child', 'next', 'open']);
    });
  });

  describe('what a span stands for', () => {
    const TRACES = 1_000;
    const states = (name: string) =>
      new Set(
        spans
          .all()
          .filter((span) => span.name === name)
          .map((span) => span.spanContext().traceState?.serialize()),
      );
    const propagatedState = (): string | undefined => {
      const carrier: { tracestate?: string } = {};
      injectTraceContext(carrier);
      return carrier.tracestate;
    };

    it('is itself in a trace that failed, chosen or not, and others in one that was chosen', () => {
      spans.start({ ratio: 0.25, keep: true });
      for (let index = 0; index < TRACES; index += 1) {
        runTrace('fine');
        telemetry.trace('broken', () => {
          telemetry.trace('before', () => 1);
          telemetry.trace('failing', fail);
          telemetry.trace('after', () => 1);
        });
      }
      for (const name of ['fine', 'fine.child']) expect(states(name)).toEqual(new Set(['ot=th:c']));
      for (const name of ['before', 'failing', 'after', 'broken'])
        expect(states(name)).toEqual(new Set(['ot=th:0']));
      const count = (name: string) => spans.names().filter((each) => each === name).length;
      for (const name of ['before', 'failing', 'after', 'broken']) expect(count(name)).toBe(TRACES);
      // Eight standard deviations.
      expect(Math.abs(count('fine') * 4 - TRACES)).toBeLessThan(440);
      expect(count('fine.child')).toBe(count('fine'));
    });

    it('is itself in a slow trace, and in later parts of one that was kept', () => {
      spans.start({ ratio: 0.25, keep: { slowerThanMs: 1 } });
      for (let index = 0; index < 20; index += 1) {
        const root = telemetry.startSpan('slow', { startTime: Date.now() - 10 });
        root.run(() => telemetry.trace('child', () => 1));
        root.end();
        const { traceId, spanId } = root.spanContext();
        withTraceContext(extractTraceContext({ traceparent: `00-${traceId}-${spanId}-01` }), () => {
          telemetry.trace('later', () => 1);
        });
      }
      for (const name of ['slow', 'child', 'later']) expect(states(name)).toEqual(new Set(['ot=th:0']));
      expect(spans.names()).toHaveLength(60);
    });

    it('is not said to be itself where a rule keeps nothing', () => {
      spans.start({ ratio: 0.5, rules: [{ name: 'excluded', keep: false }], keep: true });
      for (let index = 0; index < 100; index += 1)
        telemetry.trace('excluded', (span) => {
          telemetry.trace('child', () => 1);
          fail(span);
        });
      expect(states('excluded')).toEqual(new Set(['ot=th:8']));
      expect(states('child')).toEqual(new Set(['ot=th:8']));
    });

    it('is propagated as the ratio until the trace fails, and as itself from then on', () => {
      spans.start({ ratio: 0.5, keep: true });
      const before = new Set<string | undefined>();
      const after = new Set<string | undefined>();
      for (let index = 0; index < 50; index += 1)
        telemetry.trace('root', () => {
          telemetry.trace('first call', () => before.add(propagatedState()));
          telemetry.trace('failing', fail);
          telemetry.trace('second call', () => after.add(propagatedState()));
        });
      expect(before).toEqual(new Set([undefined, 'ot=th:8']));
      expect(after).toEqual(new Set(['ot=th:0']));
    });

    it('is what the caller says, unless the part here failed; what else the caller says goes on', () => {
      spans.start({ ratio: 0, keep: true });
      // The randomness of the id is 48eb211c80319c.
      const caller = extractTraceContext({
        traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01`,
        tracestate: 'vendor=a,ot=th:4;x:y',
      });
      withTraceContext(caller, () => {
        runTrace('fine');
        runTrace('broken', { fails: true });
      });
      expect(states('fine')).toEqual(new Set(['vendor=a,ot=th:4;x:y']));
      expect(states('broken.child')).toEqual(new Set(['ot=x:y;th:0,vendor=a']));
    });

    it('does not keep what is sent anyway from a flush, nor from being sent for want of room', async () => {
      spans.start({ ratio: 0.999, keep: { maxSpans: 2 } });
      const root = telemetry.startSpan('root');
      root.run(() => telemetry.trace('child', () => 1));
      expect(spans.names()).toEqual([]);
      await spans.flush();
      expect(spans.names()).toEqual(['child']);
      root.fail(new Error('boom'));
      root.end();
      expect(states('child')).toEqual(new Set(['ot=th:0042']));
      expect(states('root')).toEqual(new Set(['ot=th:0']));

      const long = telemetry.startSpan('long');
      long.run(() => {
        for (let index = 0; index < 3; index += 1) telemetry.trace('part', () => 1);
      });
      expect(spans.names().slice(2)).toEqual(['part', 'part', 'part']);
      long.end();
      expect(spans.names()).toHaveLength(6);
      expect(samplingReport()).toMatchObject({ evictedTraces: 0, waitingTraces: 0, waitingSpans: 0 });
    });
  });

  it('leaves ids in log lines and metrics as they are, kept or not', () => {
    spans.start({ ratio: 0, keep: true });
    telemetry.trace('root', (span) => {
      expect(getCurrentSpanId()).toBe(span.spanContext().spanId);
    });
  });

  it('follows a span through what wraps it', () => {
    spans.start({ ratio: 0, keep: true });
    const root = telemetry.startSpan('root');
    context.with(trace.setSpan(context.active(), root), () => {
      runTrace('broken', { fails: true });
    });
    root.end();
    expect(spans.names()).toEqual(['broken.child', 'broken', 'root']);
  });

  it('gives a span of its own trace, started inside another, its own decision', () => {
    spans.start({ ratio: 0, keep: true });
    telemetry.trace('outer', () => {
      const own = trace.getTracer('test').startSpan('own', { root: true });
      fail(own);
      own.end();
    });
    expect(spans.names()).toEqual(['own']);
  });

  it('records nothing at all of what a rule excludes', () => {
    spans.start({ ratio: 1, rules: [{ name: 'Health.*', ratio: 0, keep: false }], keep: true });
    let recording: boolean | undefined;
    telemetry.trace('Health.check', (span) => {
      recording = span.isRecording();
      telemetry.trace('child', fail);
    });
    expect(recording).toBe(false);
    expect(spans.names()).toEqual([]);
  });

  describe('processors of the application', () => {
    class Watching implements SpanProcessor {
      readonly started: string[] = [];
      readonly ended: string[] = [];

      onStart({ name }: ReadableSpan): void {
        this.started.push(name);
      }

      onEnd(span: ReadableSpan): void {
        this.ended.push(`${span.name} ${span.spanContext().traceFlags}`);
      }

      forceFlush(): Promise<void> {
        return Promise.resolve();
      }

      shutdown(): Promise<void> {
        return Promise.resolve();
      }
    }

    it('get each span once, when it is decided, with the decision as its flag', () => {
      const watching = new Watching();
      spans.start({ ratio: 0, keep: true }, { spanProcessors: [watching] });
      telemetry.trace('fine', () => {
        telemetry.trace('fine.child', () => 1);
        expect(watching.ended).toEqual([]);
      });
      runTrace('broken', { fails: true });
      expect(watching.started).toEqual(['fine', 'fine.child', 'broken', 'broken.child']);
      expect(watching.ended).toEqual(['fine.child 0', 'fine 0', 'broken.child 1', 'broken 1']);
    });

    it('cannot keep a kept span from the exporters by throwing', () => {
      const throwing = Object.assign(new Watching(), {
        onEnd: () => {
          throw new Error('mine');
        },
      });
      const restore = setWarningSink(() => undefined);
      spans.start({ ratio: 0, keep: true }, { spanProcessors: [throwing] });
      expect(() => {
        runTrace('broken', { fails: true });
      }).not.toThrow();
      expect(spans.names()).toEqual(['broken.child', 'broken']);
      restore();
      resetWarnings();
    });
  });

  describe('bounds', () => {
    const warnings: string[] = [];
    let restore: () => void;
    beforeEach(() => {
      resetWarnings();
      warnings.length = 0;
      restore = setWarningSink((message) => warnings.push(message));
    });
    afterEach(() => {
      restore();
      resetWarnings();
    });

    it('holds no more traces and spans than its limits under 10,000 open traces, warns, and still keeps what fails', () => {
      spans.start({ ratio: 0, keep: { maxTraces: 500, maxSpans: 800 } });
      const roots = Array.from({ length: 10_000 }, (_, index) => {
        const root = telemetry.startSpan(`root ${index}`);
        root.run(() => {
          runTrace('work');
        });
        return root;
      });
      expect(samplingReport()).toMatchObject({ waitingTraces: 400, waitingSpans: 800 });
      expect(samplingReport()!.evictedTraces).toBe(9600);
      expect(samplingReport()!.evictedSpans).toBe(19_200);
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toContain('sampling.keep.maxTraces');

      roots[0]!.fail(new Error('boom'));
      roots[9_999]!.fail(new Error('boom'));
      for (const root of roots) root.end();
      expect(spans.names()).toEqual(['root 0', 'work.child', 'work', 'root 9999']);
      expect(samplingReport()).toMatchObject({ waitingTraces: 0, waitingSpans: 0, dropped: 9_998 });
    });

    it('holds no more traces than it may when none of them has an ended span', () => {
      spans.start({ ratio: 0, keep: { maxTraces: 2 } });
      const roots = ['a', 'b', 'c'].map((name) => telemetry.startSpan(name));
      expect(samplingReport()).toMatchObject({ waitingTraces: 2, evictedTraces: 1, evictedSpans: 0 });
      for (const root of roots) root.end();
    });

    it('gives up the spans of a root that does not end in time, and still keeps what fails later', () => {
      stopClock();
      spans.start({ ratio: 0, keep: { decisionTimeoutMs: 20 } });
      const root = telemetry.startSpan('root');
      root.run(() => {
        runTrace('early');
      });
      jest.advanceTimersByTime(19);
      expect(samplingReport()).toMatchObject({ timedOutTraces: 0, waitingTraces: 1, waitingSpans: 2 });
      jest.advanceTimersByTime(1);
      expect(samplingReport()).toMatchObject({ timedOutTraces: 1, waitingTraces: 0, waitingSpans: 0 });
      root.run(() => {
        runTrace('broken', { fails: true });
      });
      root.end();
      expect(spans.names()).toEqual(['broken.child', 'broken', 'root']);
    });

    it('sends a root that does not end in time when it is slow by then', () => {
      stopClock();
      spans.start({ ratio: 0, keep: { decisionTimeoutMs: 20, slowerThanMs: 10 } });
      const root = telemetry.startSpan('root');
      root.run(() => {
        runTrace('early');
      });
      jest.advanceTimersByTime(20);
      expect(spans.names()).toEqual(['early.child', 'early']);
      root.end();
      expect(spans.names()).toEqual(['early.child', 'early', 'root']);
    });

    it('times each trace out by itself', () => {
      stopClock();
      spans.start({ ratio: 0, keep: { decisionTimeoutMs: 1_000 } });
      const open = [telemetry.startSpan('a')];
      jest.advanceTimersByTime(700);
      open.push(telemetry.startSpan('b'));
      jest.advanceTimersByTime(300);
      expect(samplingReport()).toMatchObject({ timedOutTraces: 1, waitingTraces: 1 });
      jest.advanceTimersByTime(699);
      expect(samplingReport()).toMatchObject({ timedOutTraces: 1, waitingTraces: 1 });
      jest.advanceTimersByTime(1);
      expect(samplingReport()).toMatchObject({ timedOutTraces: 2, waitingTraces: 0 });
      for (const span of open) span.end();
    });
  });

  describe('flush and shutdown', () => {
    it('sends at a flush what is slow so far, and goes on waiting for the rest', async () => {
      spans.start({ ratio: 0, keep: { slowerThanMs: 1000 } });
      const tracer = trace.getTracer('test');
      const slow = tracer.startSpan('slow', { startTime: Date.now() - 500 });
      const quick = telemetry.startSpan('quick');
      quick.run(() => {
        runTrace('inner');
      });
      tracer
        .startSpan('slow.child', { startTime: Date.now() - 500 }, trace.setSpan(context.active(), slow))
        .end(Date.now() - 400);
      expect(spans.names()).toEqual([]);
      const later = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 600);
      await spans.flush();
      later.mockRestore();
      expect(spans.names()).toEqual(['slow.child']);
      quick.fail(new Error('boom')).end();
      slow.end();
      expect(spans.names()).toEqual(['slow.child', 'inner.child', 'inner', 'quick', 'slow']);
    });

    it('decides everything at shutdown: the slow are sent, the harmless are not', async () => {
      const told: string[] = [];
      spans.start(
        { ratio: 0, keep: { slowerThanMs: 1000 } },
        {
          spanProcessors: [
            {
              onStart: () => undefined,
              onEnd: (span) => told.push(`${span.name} ${span.spanContext().traceFlags}`),
              forceFlush: () => Promise.resolve(),
              shutdown: () => Promise.resolve(),
            },
          ],
        },
      );
      const tracer = trace.getTracer('test');
      const slow = tracer.startSpan('slow', { startTime: Date.now() - 2000 });
      const quick = tracer.startSpan('quick');
      for (const [name, root] of [
        ['slow', slow],
        ['quick', quick],
      ] as const) {
        const startTime = Date.now() - 1900;
        tracer
          .startSpan(`${name}.child`, { startTime }, trace.setSpan(context.active(), root))
          .end(startTime + 1);
      }
      await spans.stop();
      expect(told.sort()).toEqual(['quick.child 0', 'slow.child 1']);
    });
  });

  it('reports what became of the traces it judged, and nothing where it is off', async () => {
    spans.start({ ratio: 0, keep: { slowerThanMs: 1000 } });
    runTrace('fine');
    runTrace('broken', { fails: true });
    trace
      .getTracer('test')
      .startSpan('slow', { startTime: Date.now() - 2000 })
      .end();
    expect(samplingReport()).toEqual({
      keptForErrors: 1,
      keptForDuration: 1,
      keptWithTrace: 0,
      dropped: 1,
      waitingTraces: 0,
      waitingSpans: 0,
      evictedTraces: 0,
      evictedSpans: 0,
      timedOutTraces: 0,
    });
    await spans.stop();
    spans.start({ ratio: 0 });
    expect(samplingReport()).toBeUndefined();
  });
});
