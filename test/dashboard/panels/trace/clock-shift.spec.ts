import { describeOverrun, describeShift } from '../../../../lib/dashboard/panels/trace/view/clock-shift.js';
import { buildTree } from '../../../../lib/dashboard/panels/trace/view/trace-tree.js';
import { spanOf } from './span-of.js';
import { traceOf } from './trace-of.js';

describe('a span beside its parent', () => {
  const tree = buildTree(
    traceOf([
      spanOf('call', 100, 200, { kind: 'client' }),
      spanOf('server', 40, 120, { parent: 'call', service: 'stock', kind: 'server' }),
      spanOf('query', 50, 60, { parent: 'server', service: 'stock' }),
      spanOf('receipt', 190, 260, { parent: 'call' }),
    ]),
  );
  const node = (id: string) => tree.bySpanId.get(id)!;

  it('says that it was moved where clocks differ, but not for what moved along with it', () => {
    expect(node('server').start).toBe(110);
    expect(describeShift(node('server'))).toMatch(/clock of stock.*drawn 70 ms later/);
    expect(describeShift(node('query'))).toBeUndefined();
    expect(describeShift(node('call'))).toBeUndefined();
  });

  it('says that it ended after its parent, and the trace is as long as it', () => {
    expect(describeOverrun(node('receipt'))).toMatch(/60(\.0)? ms after its parent/);
    expect(describeOverrun(node('server'))).toBeUndefined();
    expect(tree.durationMs).toBe(160);
  });

  it('never has a bar that begins before the trace or ends before it begins', () => {
    for (const { start, end } of tree.bySpanId.values()) {
      expect(start).toBeGreaterThanOrEqual(tree.start);
      expect(end).toBeGreaterThanOrEqual(start);
    }
  });
});
