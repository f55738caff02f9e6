import { analyseTrace } from '../../../../lib/dashboard/panels/trace/analysis/analyse-trace.js';
import { type AnalysedTrace } from '../../../../lib/dashboard/panels/trace/query.js';
import { roundTicks } from '../../../../lib/dashboard/panels/trace/view/ticks.js';
import {
  buildTree,
  findSpans,
  logsAround,
  spanWorthALook,
  visibleRows,
} from '../../../../lib/dashboard/panels/trace/view/trace-tree.js';
import { type SpanAnswer } from '../../../../lib/dashboard/reader/answers/traces.interface.js';
import { takeAllSteps } from '../../../../lib/dashboard/steps.js';
import { createRandom } from '../../../support/random.js';
import { placeOrder } from '../../ui/fixture/shop-traces.js';
import { TraceBuilder } from '../../ui/fixture/trace-builder.js';

const asTrace = ({ spans, logs }: Pick<TraceBuilder, 'spans' | 'logs'>): AnalysedTrace => ({
  // The tree asks for spans, logs and analysis only.
  summary: {} as AnalysedTrace['summary'],
  spans,
  logs,
  analysis: takeAllSteps(analyseTrace(spans)),
});
const names = (trace: AnalysedTrace): readonly string[] =>
  visibleRows(buildTree(trace), new Set()).map(({ span }) => span.name);
const failing = (): AnalysedTrace =>
  asTrace(placeOrder(createRandom(1), 1_000, { slowDatabase: true, failing: true }));

describe('the waterfall', () => {
  it('puts spans below their parents by their start, whatever order they came in', () => {
    const trace = failing();
    expect(names({ ...trace, spans: [...trace.spans].reverse() })).toEqual(names(trace));
    expect(names(trace).slice(0, 3)).toEqual([
      'POST /orders',
      'OrdersController.create',
      'OrderService.validate',
    ]);
  });

  it('leaves out what is below a collapsed span', () => {
    const tree = buildTree(failing());
    const root = tree.roots[0]!;
    expect(visibleRows(tree, new Set([root.span.spanId]))).toHaveLength(1);
    expect(root.below).toBe(tree.bySpanId.size - 1);
  });

  it('shows spans whose parent is missing, and those that are their own ancestors', () => {
    const trace = failing();
    const [root, ...others] = trace.spans as [SpanAnswer, ...SpanAnswer[]];
    expect(names({ ...trace, spans: others })).toHaveLength(others.length);
    const circle = { ...root, parentSpanId: others[0]!.spanId };
    expect(names({ ...trace, spans: [circle, ...others] })).toHaveLength(trace.spans.length);
  });

  it('finds spans by name, service and attributes, in the order of the rows', () => {
    const tree = buildTree(failing());
    const found = (text: string) => findSpans(tree, text).map(({ span }) => span.name);
    expect(found('orderservice.VALIDATE')).toEqual(['OrderService.validate']);
    expect(found('/orders')).toContain('POST /orders');
    expect(found('no such thing')).toEqual([]);
    expect(found(' ')).toEqual([]);
  });

  it.each([
    [0, 169, [0, 50, 100, 150]],
    [0, 1_000, [0, 200, 400, 600, 800, 1_000]],
    [33, 10, [34, 36, 38, 40, 42]],
    [0, 0.004, [0, 0.001, 0.002, 0.003, 0.004]],
  ])('has round marks from %p for %p ms', (offset, durationMs, ticks) => {
    expect(roundTicks(offset, durationMs).map((tick) => Number(tick.toFixed(6)))).toEqual(ticks);
  });

  it('shows a trace that is 20,000 spans deep', () => {
    const trace = failing();
    const [root] = trace.spans as [SpanAnswer];
    const spans = Array.from({ length: 20_000 }, (_, index) => ({
      ...root,
      spanId: String(index),
      parentSpanId: index === 0 ? undefined : String(index - 1),
    }));
    expect(visibleRows(buildTree({ ...trace, spans }), new Set())).toHaveLength(20_000);
  });

  it('opens at the span where the failure began', () => {
    const trace = failing();
    const tree = buildTree(trace);
    const chosen = tree.bySpanId.get(spanWorthALook(trace, tree, null)!)!;
    expect(chosen.span.name).toBe('UPDATE shop');
    // It wrote no log itself; the span around it did.
    expect(logsAround(chosen).flatMap(({ logs }) => logs.map(({ message }) => message))).toEqual([
      'Stock could not be reserved',
    ]);
  });

  it('finds the error log further out when the span around the failure wrote others', () => {
    const builder = new TraceBuilder(createRandom(1), 0);
    builder.span('request', {}, () => {
      builder.span('attempt', {}, () => {
        builder.log('warn', 'Client', 'It failed, once more');
        builder.span('call', {}, () => {
          builder.fail('Error', 'refused', 3);
        });
      });
      builder.log('error', 'Http', 'Request failed');
    });
    const tree = buildTree(asTrace(builder));
    const call = [...tree.bySpanId.values()].find(({ span }) => span.name === 'call')!;
    expect(logsAround(call).map(({ of, logs }) => [of.span.name, logs[0]!.message])).toEqual([
      ['attempt', 'It failed, once more'],
      ['request', 'Request failed'],
    ]);
  });

  it('opens where the most time went when nothing failed', () => {
    const trace = asTrace(placeOrder(createRandom(1), 1_000, { slowDatabase: true, failing: false }));
    const tree = buildTree(trace);
    expect(tree.bySpanId.get(spanWorthALook(trace, tree, null)!)!.span.name).toBe('UPDATE shop');
  });

  it('knows the stretches in which no child ran', () => {
    const builder = new TraceBuilder(createRandom(1), 0);
    builder.span('parent', {}, () => {
      builder.wait(2);
      builder.span('child', {}, () => {
        builder.wait(5);
      });
      builder.wait(3);
    });
    expect(buildTree(asTrace(builder)).roots[0]!.self).toEqual([
      [0, 2],
      [7, 10],
    ]);
  });
});
