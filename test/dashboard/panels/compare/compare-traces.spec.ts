import { compareTraces } from '../../../../lib/dashboard/panels/compare/query.js';
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
