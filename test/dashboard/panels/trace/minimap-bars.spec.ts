import { LANES, minimapBars, stretchOf } from '../../../../lib/dashboard/panels/trace/view/minimap-bars.js';
import { buildTree } from '../../../../lib/dashboard/panels/trace/view/trace-tree.js';
import { createRandom } from '../../../support/random.js';
import { longTrace } from '../../ui/fixture/edge-traces.js';
import { spanOf } from './span-of.js';
import { traceOf } from './trace-of.js';

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
