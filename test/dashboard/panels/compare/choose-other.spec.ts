import { labelOthers } from '../../../../lib/dashboard/panels/compare/view/choose-other.js';
import { type TraceSummaryAnswer } from '../../../../lib/dashboard/reader/answers/traces.interface.js';

const traceOf = (
  traceId: string,
  durationMs: number,
  status = '200',
  errorCount = 0,
): TraceSummaryAnswer => ({
  traceId,
  name: 'GET /',
  service: 'orders',
  route: '/',
  status,
  start: 0,
  durationMs,
  spanCount: 3,
  errorCount,
  services: ['orders'],
  pinned: false,
});

const labelled = (traces: readonly TraceSummaryAnswer[]) =>
  labelOthers(traces).others.map(({ trace, labels }) => [trace.traceId, ...labels]);

describe('what a trace can be compared with', () => {
  it('is the typical one, the slowest and the fastest that did not fail, and the others by duration', () => {
    const traces = [
      traceOf('failed', 1, '500', 2),
      traceOf('b', 20),
      traceOf('a', 10),
      traceOf('d', 30),
      traceOf('c', 900),
      traceOf('e', 15),
    ];
    expect(labelled(traces)).toEqual([
      ['b', 'typical (median)'],
      ['c', 'slowest'],
      ['a', 'fastest ok'],
      ['d'],
      ['e'],
      ['failed'],
    ]);
    expect(labelOthers(traces).typical?.traceId).toBe('b');
  });

  it('has a typical one of those that failed where all did', () => {
    const traces = [traceOf('a', 10, '500', 1), traceOf('b', 20, '404'), traceOf('c', 30, '500', 1)];
    expect(labelOthers(traces).typical?.traceId).toBe('b');
  });

  it('is nothing where there is no other, and all at once where there is one', () => {
    expect(labelOthers([])).toEqual({ others: [], typical: undefined });
    expect(labelled([traceOf('a', 10)])).toEqual([['a', 'typical (median)', 'slowest', 'fastest ok']]);
  });
});
