import { ROOT_CONTEXT, trace, type TracerProvider as ApiTracerProvider } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AlwaysOnSampler, type Span, TracerProvider } from '@opentelemetry/sdk-trace';

import { RunningTraces } from '../../../lib/dashboard/feed/running-traces.js';
import { RecordingTracerProvider } from '../../../lib/engine/recording-tracer-provider.js';

const PARTS = { resource: resourceFromAttributes({}), sampler: new AlwaysOnSampler(), spanProcessors: [] };
const ENGINES: [string, ApiTracerProvider][] = [
  ['the fast engine', new RecordingTracerProvider({ ...PARTS, childrenFollowParent: true, limits: {} })],
  ['the SDK', new TracerProvider(PARTS)],
];

describe.each(ENGINES)('traces that run, of %s', (_, provider) => {
  const tracer = provider.getTracer('test');
  const start = (name: string, parent = ROOT_CONTEXT): Span => tracer.startSpan(name, {}, parent) as Span;
  const namesOf = (running: RunningTraces): string[] => running.list('orders').map(({ name }) => name);

  it('are those whose root has started and not ended, the longest first', () => {
    const running = new RunningTraces();
    const [first, second] = [start('first'), start('second')];
    for (const span of [first, second, start('inner', trace.setSpan(ROOT_CONTEXT, first))]) running.add(span);
    expect(namesOf(running)).toEqual(['first', 'second']);
    const [{ elapsedMs, service, traceId } = {}] = running.list('orders', Date.now() + 1_000);
    expect([service, traceId]).toEqual(['orders', first.spanContext().traceId]);
    expect(elapsedMs).toBeGreaterThanOrEqual(990);
    first.end();
    running.remove(first);
    expect(namesOf(running)).toEqual(['second']);
  });

  it('include what another process began, by the span that entered this one', () => {
    const running = new RunningTraces();
    const parent = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1, isRemote: true };
    running.add(start('entered', trace.setSpanContext(ROOT_CONTEXT, parent)));
    expect(running.list('orders')).toMatchObject([{ name: 'entered', traceId: parent.traceId }]);
  });

  it('do not include those that ended without a word, which tail sampling leaves out', () => {
    const running = new RunningTraces();
    for (let count = 0; count < 5_000; count += 1) {
      const span = start(`request ${count}`);
      running.add(span);
      span.end();
    }
    expect(namesOf(running)).toEqual([]);
  });

  it('are 10,000 at most', () => {
    const running = new RunningTraces();
    for (let count = 0; count < 10_500; count += 1) running.add(start(`request ${count}`));
    expect(namesOf(running)).toHaveLength(10_000);
  });
});
