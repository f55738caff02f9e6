import { compareTraces } from '../../../../lib/dashboard/panels/compare/query.js';
import { labelOthers } from '../../../../lib/dashboard/panels/compare/view/choose-other.js';
import { type TraceSummaryAnswer } from '../../../../lib/dashboard/reader/answers/traces.interface.js';
import { takeAllSteps } from '../../../../lib/dashboard/steps.js';
import { spanOf } from '../trace/span-of.js';

describe('compareTraces()', () => {
  it('adds up what is at the same place, and shows what only one has', () => {
    const a = [
      spanOf('GET /', 0, 100),
      spanOf('q1', 0, 10, { parent: 'GET /', name: 'query' }),
      spanOf('q2', 10, 30, { parent: 'GET /', name: 'query' }),
    ];
    const b = [
      spanOf('GET /', 0, 50),
      spanOf('q', 0, 5, { parent: 'GET /', name: 'query' }),
      spanOf('c', 5, 9, { parent: 'GET /', name: 'cache' }),
    ];
    expect(takeAllSteps(compareTraces(a, b))).toEqual([
      { service: 'orders', path: 'GET /', countA: 1, countB: 1, msA: 100, msB: 50 },
      { service: 'orders', path: 'GET / › query', countA: 2, countB: 1, msA: 30, msB: 5 },
      { service: 'orders', path: 'GET / › cache', countA: 0, countB: 1, msA: 0, msB: 4 },
    ]);
  });

  it('sets calls of different hosts apart, and names the service of each', () => {
    const call = (host: string) =>
      spanOf(host, 0, 1, {
        name: 'GET',
        kind: 'client',
        parent: 'root',
        attributes: { 'server.address': host },
      });
    const root = spanOf('root', 0, 9, { service: 'gateway' });
    const rows = takeAllSteps(compareTraces([root, call('users'), call('stock')], [root, call('users')]));
    expect(rows.map(({ path, service, countA, countB }) => [path, service, countA, countB])).toEqual([
      ['root', 'gateway', 1, 1],
      ['root › GET users', 'orders', 1, 1],
      ['root › GET stock', 'orders', 1, 0],
    ]);
  });

  it('keeps paths short however deep a trace is', () => {
    const chain = Array.from({ length: 2_000 }, (_, index) =>
      spanOf(`s${index}`, 0, 1, index === 0 ? {} : { parent: `s${index - 1}` }),
    );
    const rows = takeAllSteps(compareTraces(chain, []));
    expect(rows).toHaveLength(101);
    expect(rows.at(-1)?.countA).toBe(1_900);
  });
});

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
