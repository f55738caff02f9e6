import { analyseTrace } from '../../../../lib/dashboard/panels/trace/analysis/analyse-trace.js';
import { placeSpans } from '../../../../lib/dashboard/panels/trace/analysis/place-spans.js';
import { type TimeKind } from '../../../../lib/dashboard/panels/trace/analysis/time-kinds.js';
import { medianTimeByKind, timeKindOf } from '../../../../lib/dashboard/panels/trace/analysis/time-kinds.js';
import { type SpanAnswer } from '../../../../lib/dashboard/reader/answers/traces.interface.js';
import { takeAllSteps } from '../../../../lib/dashboard/steps.js';
import { spanOf } from './span-of.js';

const analyse = (...given: Parameters<typeof analyseTrace>) => takeAllSteps(analyseTrace(...given));
const mediansOf = (...given: Parameters<typeof medianTimeByKind>) => takeAllSteps(medianTimeByKind(...given));

const postgres = { 'db.system.name': 'postgresql' };
const query = (
  name: string,
  start: number,
  text: string,
  parent = 'handler',
  more: Partial<SpanAnswer> = {},
) =>
  spanOf(name, start, start + 5, {
    parent,
    kind: 'client',
    attributes: { ...postgres, 'db.query.text': text },
    ...more,
  });

const request = (): SpanAnswer[] => [
  spanOf('GET /orders', 0, 100, { kind: 'server' }),
  spanOf('handler', 5, 95, {
    parent: 'GET /orders',
    attributes: { 'code.function.name': 'OrdersController.list' },
  }),
];

describe('timeKindOf()', () => {
  const kindOf = (span: SpanAnswer, ...others: SpanAnswer[]): TimeKind => {
    const roots = placeSpans([span, ...others]);
    return timeKindOf(roots[0]!);
  };
  const clientWith = (attributes: SpanAnswer['attributes'], name = 'x') =>
    spanOf(name, 0, 10, { kind: 'client', attributes });

  it.each([
    ['database', clientWith(postgres)],
    ['database', clientWith({ 'db.system': 'mongodb' })],
    ['cache', clientWith({ 'db.system.name': 'redis' })],
    ['waiting', clientWith({ ...postgres, 'db.client.connection.pool.name': 'orders' }, 'pg.pool.connect')],
    ['http', clientWith({ 'http.request.method': 'GET' })],
    ['http', clientWith({ 'http.method': 'GET' })],
    ['messaging', spanOf('send', 0, 1, { kind: 'producer' })],
    ['handler', spanOf('process', 0, 1, { kind: 'consumer', attributes: { 'messaging.system': 'kafka' } })],
    ['handler', spanOf('GET /', 0, 1, { kind: 'server' })],
    ['handler', spanOf('work', 0, 1)],
  ])('is %s', (expected, span) => {
    expect(kindOf(span)).toBe(expected);
  });

  it('is waiting for a call whose other side is seen', () => {
    const call = clientWith({ 'http.request.method': 'GET' }, 'call');
    expect(kindOf(call, spanOf('server', 2, 8, { parent: 'call', kind: 'server', service: 'b' }))).toBe(
      'waiting',
    );
  });
});

describe('analyseTrace()', () => {
  it('adds self time up by kind, and sets it beside the median of the route', () => {
    const medians = { handler: 80, database: 5, http: 0, cache: 0, messaging: 0, waiting: 1 };
    const { byKind } = analyse([...request(), query('q', 10, 'SELECT 1')], medians);
    expect(byKind).toMatchObject([
      { kind: 'handler', ms: 95, medianMs: 80, slowest: { spanId: 'handler', ms: 85 } },
      { kind: 'database', ms: 5, medianMs: 5, slowest: { spanId: 'q', ms: 5 } },
      { kind: 'waiting', ms: 0, medianMs: 1, slowest: undefined },
    ]);
  });

  it('leaves medians out that are not known', () => {
    expect(analyse(request()).byKind).toMatchObject([{ kind: 'handler', ms: 100, medianMs: undefined }]);
  });

  it('names the span on which most of the time of a kind went, and the host it asked', () => {
    const call = (name: string, start: number, end: number, host: string) =>
      spanOf(name, start, end, {
        parent: 'handler',
        kind: 'client',
        attributes: { 'http.request.method': 'GET', 'server.address': host, 'server.port': 5001 },
      });
    const { byKind } = analyse([...request(), call('a', 10, 20, 'fast'), call('b', 30, 80, 'slow')]);
    expect(byKind.find(({ kind }) => kind === 'http')?.slowest).toEqual({
      spanId: 'b',
      name: 'b',
      host: 'slow:5001',
      ms: 50,
    });
  });

  it('returns the critical path and the self time of each span by its id', () => {
    const analysis = analyse([...request(), query('q', 10, 'SELECT 1')]);
    expect(analysis.criticalPath).toEqual(['GET /orders', 'handler', 'q']);
    expect(analysis.selfTimeMs).toEqual({ 'GET /orders': 10, handler: 85, q: 5 });
  });

  it('finds a query in a loop, and the method that issued it', () => {
    const { repeated } = analyse([
      ...request(),
      query('q1', 10, 'SELECT * FROM items WHERE id = 1'),
      query('q2', 20, 'SELECT *  FROM items WHERE id = 22'),
      query('q3', 30, "SELECT * FROM items WHERE id = 'x'"),
      query('other', 40, 'SELECT * FROM users WHERE id = $1'),
    ]);
    expect(repeated).toEqual([
      {
        statement: 'SELECT * FROM items WHERE id = ?',
        count: 3,
        totalMs: 15,
        spanIds: ['q1', 'q2', 'q3'],
        issuedBy: 'OrdersController.list',
      },
    ]);
  });

  it('looks through spans of clients for the issuer', () => {
    const pool = [1, 2, 3].flatMap((n) => [
      spanOf(`orm${n}`, n * 10, n * 10 + 8, { parent: 'handler', kind: 'client' }),
      query(`q${n}`, n * 10, 'SELECT 1', `orm${n}`),
    ]);
    expect(analyse([...request(), ...pool]).repeated).toMatchObject([
      { count: 3, issuedBy: 'OrdersController.list' },
    ]);
  });

  it('finds a query in a loop that goes through a method with a span of its own', () => {
    const loop = [1, 2, 3, 4].flatMap((n) => [
      spanOf(`find${n}`, n * 10, n * 10 + 8, {
        parent: 'handler',
        attributes: { 'code.function.name': 'ProductRepository.findById' },
      }),
      spanOf(`base${n}`, n * 10, n * 10 + 7, { parent: `find${n}`, name: 'BaseRepository.query' }),
      query(`q${n}`, n * 10, `SELECT * FROM products WHERE id = ${n}`, `base${n}`),
    ]);
    expect(analyse([...request(), ...loop]).repeated).toEqual([
      {
        statement: 'SELECT * FROM products WHERE id = ?',
        count: 4,
        totalMs: 20,
        spanIds: ['q1', 'q2', 'q3', 'q4'],
        issuedBy: 'OrdersController.list',
        through: 'BaseRepository.query',
      },
    ]);
  });

  it('does not add up what different methods ask, nor begin and end of transactions', () => {
    const methods = ['a', 'b', 'c'].flatMap((name, index) => [
      spanOf(name, index * 20, index * 20 + 15, { parent: 'handler' }),
      query(`q-${name}`, index * 20, 'SELECT 1', name),
    ]);
    const control = [1, 2, 3].map((n) => query(`begin${n}`, n, 'BEGIN'));
    expect(analyse([...request(), ...methods, ...control]).repeated).toEqual([]);
  });

  it('says nothing about no spans', () => {
    expect(analyse([])).toEqual({ criticalPath: [], selfTimeMs: {}, byKind: [], repeated: [] });
  });
});

describe('medianTimeByKind()', () => {
  const traceOf = (ms: number) => [spanOf('root', 0, ms)];

  it('is the middle of an odd number of traces, and between the two middles of an even one', () => {
    expect(mediansOf([10, 30, 20, 1000, 15].map(traceOf))?.handler).toBe(20);
    expect(mediansOf([10, 30, 20, 1000, 15, 24].map(traceOf))?.handler).toBe(22);
  });

  it('weighs traces by how many they stand for', () => {
    const weights = [1, 1, 1, 8, 1];
    const traces = [400, 500, 600, 10, 700].map(traceOf);
    const weighted = traces.map((spans, index) => spans.map((span) => ({ ...span, weight: weights[index] })));
    expect(mediansOf(traces)?.handler).toBe(500);
    expect(mediansOf(weighted)?.handler).toBe(10);
  });

  it('is not known of fewer than five', () => {
    expect(mediansOf([1, 2, 3, 4].map(traceOf))).toBeUndefined();
  });
});
