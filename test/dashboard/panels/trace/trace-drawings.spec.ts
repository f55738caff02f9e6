import { type Frame, mergeFrames } from '../../../../lib/dashboard/panels/trace/view/flame-frames.js';
import { LANES, minimapBars, stretchOf } from '../../../../lib/dashboard/panels/trace/view/minimap-bars.js';
import { buildTree } from '../../../../lib/dashboard/panels/trace/view/trace-tree.js';
import { type SpanAnswer } from '../../../../lib/dashboard/reader/answers/traces.interface.js';
import { frameBeside, placeFrames, rankFrames } from '../../../../lib/dashboard/ui/parts/flame-layout.js';
import { createRandom } from '../../../support/random.js';
import { longTrace } from '../../ui/fixture/edge-traces.js';
import { spanOf } from './span-of.js';
import { traceOf } from './trace-of.js';

const framesOf = (spans: readonly SpanAnswer[]): readonly Frame[] => {
  const trace = traceOf(spans);
  return mergeFrames(buildTree(trace), trace.analysis.selfTimeMs);
};

describe('the flame graph', () => {
  const spans = [
    spanOf('GET /orders', 0, 100),
    ...[10, 30, 50].flatMap((start, index) => [
      spanOf('find', start, start + 20, { parent: 'GET /orders', spanId: `find${index}` }),
      spanOf('SELECT', start + 5, start + 15, { parent: `find${index}`, spanId: `select${index}` }),
    ]),
    spanOf('publish', 90, 130, { parent: 'GET /orders', status: 'error' }),
  ];

  it('adds up the spans of one name and path, with the slowest of them', () => {
    const [root] = framesOf(spans);
    const find = root!.children.find(({ name }) => name === 'find');
    expect(find).toMatchObject({ count: 3, failed: 0, selfMs: 30, totalMs: 60 });
    expect(find!.children).toMatchObject([{ name: 'SELECT', count: 3, selfMs: 30, totalMs: 30 }]);
    expect(find!.parent).toBe(root);
    expect(root!.children.find(({ name }) => name === 'publish')).toMatchObject({
      failed: 1,
      slowest: { span: { spanId: 'publish' } },
    });
  });

  it('is as wide as its self times, so that what runs side by side or after the end fits', () => {
    const [root] = framesOf(spans);
    // 100 ms without the three calls and what overlaps with publish, 60 ms of calls, 40 ms of publish.
    expect(root).toMatchObject({ selfMs: 30, totalMs: 130 });
    for (const { children, totalMs, selfMs } of rankFrames([root!]))
      expect(selfMs + children.reduce((sum, child) => sum + child.totalMs, 0)).toBeCloseTo(totalMs);
  });

  it('places each frame within its parent, the widest first, and leaves out what cannot be seen', () => {
    const placed = placeFrames(framesOf(spans), 0);
    expect(placed).toHaveLength(4);
    for (const { frame, left, width } of placed) {
      const parent = placed.find((each) => each.frame === frame.parent);
      if (!parent) continue;
      expect(left).toBeGreaterThanOrEqual(parent.left);
      expect(left + width).toBeLessThanOrEqual(parent.left + parent.width + 1e-9);
    }
    expect(placeFrames(framesOf(spans), 0.4).map(({ frame }) => frame.name)).toEqual(['GET /orders', 'find']);
  });

  it('is moved through by arrow keys', () => {
    const roots = framesOf(spans);
    const [root] = roots;
    const find = frameBeside(root!, 'ArrowDown', roots);
    expect(find?.name).toBe('find');
    expect(frameBeside(find!, 'ArrowRight', roots)?.name).toBe('publish');
    expect(frameBeside(find!, 'ArrowLeft', roots)).toBeUndefined();
    expect(frameBeside(find!, 'ArrowUp', roots)).toBe(root);
    expect(frameBeside(root!, 'ArrowUp', roots)).toBeUndefined();
    expect(frameBeside(root!, 'x', roots)).toBeUndefined();
  });

  it('keeps apart what has one name in two services', () => {
    const [root] = framesOf([
      spanOf('root', 0, 10),
      spanOf('work', 1, 3, { parent: 'root', spanId: 'a' }),
      spanOf('work', 4, 6, { parent: 'root', spanId: 'b', service: 'stock' }),
    ]);
    expect(root!.children.map(({ service }) => service).sort()).toEqual(['orders', 'stock']);
  });

  it('has few frames for 5,000 spans, and every span is in one', () => {
    const frames = rankFrames(framesOf(longTrace(createRandom(3), 0, 5_000).spans));
    expect(frames.length).toBeLessThan(10);
    expect(frames.reduce((sum, { count }) => sum + count, 0)).toBe(5_000);
  });

  it('takes a trace as deep as it has spans', () => {
    const deep = Array.from({ length: 5_000 }, (_, depth) =>
      spanOf(`s${depth}`, depth, 20_000 - depth, depth === 0 ? {} : { parent: `s${depth - 1}` }),
    );
    expect(rankFrames(framesOf(deep))).toHaveLength(5_000);
    expect(placeFrames(framesOf(deep), 0).length).toBeLessThan(300);
  });
});

describe('the minimap', () => {
  it('shows spans in lanes by depth, over the whole trace', () => {
    const bars = minimapBars(
      buildTree(
        traceOf([
          spanOf('root', 0, 80),
          spanOf('first', 0, 20, { parent: 'root' }),
          spanOf('late', 60, 100, { parent: 'root', status: 'error' }),
        ]),
      ),
    );
    expect(bars).toEqual([
      { lane: 0, from: 0, to: 0.8, service: 'orders', failed: false },
      { lane: 1, from: 0, to: 0.2, service: 'orders', failed: false },
      { lane: 1, from: 0.6, to: 1, service: 'orders', failed: true },
    ]);
  });

  it('has a bounded number of bars for 5,000 spans', () => {
    const bars = minimapBars(buildTree(traceOf(longTrace(createRandom(3), 0, 5_000).spans)));
    expect(bars.length).toBeLessThan(LANES * 400);
    for (const { from, to, lane } of bars) {
      expect(from).toBeGreaterThanOrEqual(0);
      expect(to).toBeGreaterThanOrEqual(from);
      expect(to).toBeLessThanOrEqual(1);
      expect(lane).toBeLessThan(LANES);
    }
  });

  it('selects a stretch in either direction within the trace, and none by a click', () => {
    expect(stretchOf(0.25, 0.5, 200)).toEqual({ offset: 50, durationMs: 50 });
    expect(stretchOf(1.4, 0.5, 200)).toEqual({ offset: 100, durationMs: 100 });
    expect(stretchOf(0.3, 0.301, 200)).toBeUndefined();
  });
});
