import {
  type GraphEdge,
  LABEL,
  type Layout,
  layOut,
  NODE_HEIGHT,
  NODE_WIDTH,
  nodeBeside,
  placeLabels,
} from '../../../../lib/dashboard/panels/map/view/layout.js';
import {
  graphOf,
  isFailing,
  type MapEdge,
  rankEdges,
  sumOfCalls,
  tracesOfEdge,
  tracesOfNode,
} from '../../../../lib/dashboard/panels/map/view/map-graph.js';
import {
  type MapEdgeAnswer,
  type MapNodeAnswer,
  type ServiceMapAnswer,
} from '../../../../lib/dashboard/reader/answers/service-map.interface.js';
import { SPAN_KIND } from '../../../../lib/dashboard/sqlite/rows.interface.js';
import { processCpuMs } from '../../../support/cpu-time.js';
import { createRandom } from '../../../support/random.js';
import { serveDashboard, type ServedDashboard } from '../../serve-dashboard.js';
import { cleanUp, openTestStore } from '../../sqlite/open-test-store.js';
import { spanOf } from '../../sqlite/sample-rows.js';

describe('GET map', () => {
  let served: ServedDashboard;
  beforeEach(async () => {
    const store = openTestStore();
    const root = spanOf();
    const call = {
      traceId: root.traceId,
      parentHigh: root.idHigh,
      parentLow: root.idLow,
      kind: SPAN_KIND.client,
    };
    for (const address of ['users', 'stock'])
      store.addSpan(spanOf({ ...call, route: undefined, attributes: `{"server.address":"${address}"}` }));
    store.addSpan(root);
    await store.flush();
    served = await serveDashboard(store);
  });
  afterEach(async () => {
    await served.close();
    await cleanUp();
  });

  it('is the map of the last 15 minutes, or of one service with the edges that have the most calls', async () => {
    const { status, body } = await served.api('map');
    expect(status).toBe(200);
    expect(body).toMatchObject({ total: 3, traces: 1, spans: 3, complete: true });
    const least = (await served.api('map?service=orders&limit=1')).body as ServiceMapAnswer;
    expect(least.edges).toHaveLength(1);
    expect(least.total).toBe(3);
    expect((await served.api('map?service=other')).body).toMatchObject({ nodes: [], edges: [], total: 0 });
    expect((await served.api('map?from=1000&to=2000')).body).toMatchObject({ nodes: [], traces: 0 });
  });

  it.each(['limit=0', 'limit=1001', 'limit=x', 'from=2&to=1', 'from=x', `service=${'x'.repeat(1_001)}`])(
    'refuses %.20s with the reason',
    async (query) => {
      const { status, body } = await served.api(`map?${query}`);
      expect(status).toBe(400);
      expect(JSON.stringify(body)).toContain(query.slice(0, query.indexOf('=')));
    },
  );
});

const nodeOf = (kind: MapNodeAnswer['kind'], name: string): MapNodeAnswer => ({
  id: `${kind}:${name}`,
  kind,
  name,
  system: undefined,
  address: undefined,
  conditions: kind === 'service' ? [] : [{ key: 'server.address', value: name }],
});

const edgeOf = (from: string | undefined, to: string, more: Partial<MapEdgeAnswer> = {}): MapEdgeAnswer => ({
  from,
  to,
  kind: 'call',
  count: 10,
  perSecond: 1,
  errors: 0,
  p95: 5,
  conditions: [],
  slowest: { traceId: 'a', spanId: 'b' },
  ...more,
});

const nodes = [
  nodeOf('service', 'users'),
  nodeOf('service', 'orders'),
  nodeOf('host', 'api'),
  nodeOf('queue', 'q'),
];

const only = (...edges: readonly MapEdgeAnswer[]): MapEdge => graphOf({ nodes, edges }).edges[0]!;

describe('the graph of the map', () => {
  it('is in one order whatever the numbers, and leaves out edges to nowhere', () => {
    const edges = [
      edgeOf('service:orders', 'service:users'),
      edgeOf(undefined, 'service:orders'),
      edgeOf('x', 'y'),
    ];
    const { nodes: sorted, edges: joined } = graphOf({ nodes, edges });
    expect(sorted.map(({ name }) => name)).toEqual(['api', 'q', 'orders', 'users']);
    expect(joined.map(({ from, to }) => [from?.name, to.name])).toEqual([
      [undefined, 'orders'],
      ['orders', 'users'],
    ]);
    expect(graphOf({ nodes: [...nodes].reverse(), edges: [...edges].reverse() })).toEqual({
      nodes: sorted,
      edges: joined,
    });
  });

  it('adds up what calls a node', () => {
    const { edges } = graphOf({
      nodes,
      edges: [
        edgeOf(undefined, 'service:users', { errors: 2 }),
        edgeOf('service:orders', 'service:users', { count: 5, perSecond: 0.5, errors: 1 }),
        edgeOf('service:users', 'host:api'),
      ],
    });
    expect(sumOfCalls(edges, 'service:users')).toEqual({ perSecond: 1.5, count: 15, errors: 3 });
    expect(sumOfCalls(edges, 'queue:q')).toEqual({ perSecond: 0, count: 0, errors: 0 });
  });

  it('labels the edges of the active node first, then those that fail, then the busiest', () => {
    const { edges } = graphOf({
      nodes,
      edges: [
        edgeOf('service:orders', 'host:api', { count: 1_000, errors: 5 }),
        edgeOf('service:orders', 'queue:q', { count: 10, errors: 5 }),
        edgeOf('service:users', 'host:api', { count: 1 }),
      ],
    });
    expect(edges.map(isFailing)).toEqual([false, true, false]);
    const order = rankEdges(edges, ({ from }) => from?.name === 'users');
    expect(order.map((index) => edges[index]!.count)).toEqual([1, 10, 1_000]);
  });
});

describe('the traces of the map', () => {
  it('are found by what the spans of the caller have, or of what processes the messages of a queue', () => {
    const conditions = [
      { key: 'server.address', value: 'api' },
      { key: 'server.port', value: '8080' },
    ];
    expect(tracesOfEdge(only(edgeOf('service:orders', 'host:api', { conditions })))).toEqual({
      spanService: 'orders',
      where: ['server.address=api', 'server.port=8080'],
    });
    const queue = [{ key: 'messaging.destination.name', value: 'q' }];
    expect(tracesOfEdge(only(edgeOf('queue:q', 'service:users', { conditions: queue })))).toEqual({
      spanService: 'users',
      where: ['messaging.destination.name=q'],
    });
  });

  it('are those in which both services took part where their calls have nothing in common', () => {
    expect(tracesOfEdge(only(edgeOf('service:orders', 'service:users')))).toEqual({
      spanService: 'orders',
      service: 'users',
    });
    expect(tracesOfEdge(only(edgeOf(undefined, 'service:users')))).toEqual({ service: 'users' });
    expect(tracesOfEdge(only(edgeOf('service:users', 'service:users')))).toEqual({ service: 'users' });
  });

  it('of a node are those of the service, or of what calls it', () => {
    expect(tracesOfNode(nodes[0]!)).toEqual({ service: 'users' });
    expect(tracesOfNode(nodes[2]!)).toEqual({ where: ['server.address=api'] });
  });
});

const edge = (text: string): GraphEdge => {
  const [from = '', to = ''] = text.split('>');
  return { from, to };
};

const layersOf = (ids: readonly string[], ...texts: readonly string[]): Readonly<Record<string, number>> =>
  Object.fromEntries(layOut(ids, texts.map(edge)).nodes.map(({ id, layer }) => [id, layer]));

function overlapping({ nodes }: Layout): readonly string[] {
  return nodes.flatMap((a, index) =>
    nodes
      .slice(index + 1)
      .filter((b) => Math.abs(a.x - b.x) < NODE_WIDTH && Math.abs(a.y - b.y) < NODE_HEIGHT)
      .map((b) => `${a.id} ${b.id}`),
  );
}

function makeGraph(nodes: number, edges: number): readonly [string[], GraphEdge[]] {
  const random = createRandom(nodes);
  const ids = Array.from({ length: nodes }, (_, index) => `n${index}`);
  return [ids, Array.from({ length: edges }, () => ({ from: random.pick(ids), to: random.pick(ids) }))];
}

describe('the layout of the map', () => {
  it('puts each node right of those that call it, and what nothing calls beside what it calls', () => {
    expect(
      layersOf(
        ['api', 'users', 'db', 'cron', 'mail'],
        'api>users',
        'users>db',
        'api>db',
        'cron>mail',
        'users>mail',
      ),
    ).toEqual({ api: 0, users: 1, db: 2, mail: 2, cron: 1 });
  });

  it('lays out nodes that call each other or themselves from where calls begin', () => {
    expect(layersOf(['b', 'a', 'in'], 'a>b', 'b>a', 'in>a', 'b>b')).toEqual({ in: 0, a: 1, b: 2 });
    expect(layersOf(['a', 'b', 'c'], 'a>b', 'b>c', 'c>a')).toEqual({ a: 0, b: 1, c: 2 });
  });

  it('draws an edge against the order with its arrow at the left, and one around a node above it', () => {
    const { nodes, edges } = layOut(['a', 'b'], ['a>b', 'b>a', 'a>a'].map(edge));
    const [a, b] = nodes;
    const tips = edges.map(({ arrow }) => Number(/^M([\d.]+)/.exec(arrow)?.[1]));
    expect(tips.slice(0, 2)).toEqual([b!.x, a!.x + NODE_WIDTH]);
    expect(edges[0]!.path).not.toBe(edges[1]!.path);
    expect(edges[2]!.spots[0]!.y).toBeLessThan(a!.y);
    expect(edges[2]!.spots[0]!.y).toBeGreaterThan(0);
  });

  it.each([
    [5, 6],
    [30, 60],
    [100, 300],
  ])(
    'keeps %i nodes with %i edges, of which many make circles, apart and within its size',
    (nodes, edges) => {
      const [ids, pairs] = makeGraph(nodes, edges);
      const layout = layOut(ids, pairs);
      expect(layout.nodes.map(({ id }) => id).sort()).toEqual([...ids].sort());
      expect(overlapping(layout)).toEqual([]);
      for (const { x, y } of layout.nodes) {
        expect(x).toBeGreaterThanOrEqual(0);
        expect(y).toBeGreaterThanOrEqual(0);
        expect(x + NODE_WIDTH).toBeLessThanOrEqual(layout.width);
        expect(y + NODE_HEIGHT).toBeLessThanOrEqual(layout.height);
      }
      expect(layout.edges).toHaveLength(edges);
      expect(layout.edges.every(({ path, spots }) => /^M[\d.]+ [\d.]+/.test(path) && spots.length > 0)).toBe(
        true,
      );
      expect(layOut(ids, pairs)).toEqual(layout);
    },
  );

  it('leads no edge through a node', () => {
    const [ids, pairs] = makeGraph(40, 80);
    const { nodes, edges } = layOut(ids, pairs);
    const crossed = edges.flatMap(({ path }, index) => {
      // Within a layer an edge is a straight line: from the end of a curve to `H`.
      const lanes = [...path.matchAll(/ ([\d.]+) ([\d.]+)H([\d.]+)/g)].map((match) =>
        match.slice(1).map(Number),
      );
      return lanes.flatMap(([x = 0, y = 0]) =>
        nodes
          .filter((node) => node.x === x && y > node.y && y < node.y + NODE_HEIGHT)
          .map(({ id }) => `${index} ${id}`),
      );
    });
    expect(crossed).toEqual([]);
  });

  it('is empty without nodes, and has nodes without edges', () => {
    expect(layOut([], [])).toMatchObject({ nodes: [], edges: [] });
    const lonely = layOut(['a', 'b', 'c'], []);
    expect(lonely.nodes).toHaveLength(3);
    expect(overlapping(lonely)).toEqual([]);
  });

  it('takes less than 50 ms of the processor for 100 nodes with 300 edges', () => {
    const [ids, pairs] = makeGraph(100, 300);
    layOut(ids, pairs);
    const times = Array.from({ length: 5 }, () => {
      const before = processCpuMs();
      layOut(ids, pairs);
      return processCpuMs() - before;
    });
    const best = Math.min(...times);
    expect(best).toBeLessThan(50);
  });
});

describe('labels of edges', () => {
  it('never overlap, and those asked for first have theirs', () => {
    const [ids, pairs] = makeGraph(60, 150);
    const layout = layOut(ids, pairs);
    const wanted = pairs.map((_, index) => pairs.length - 1 - index);
    const labels = placeLabels(layout, wanted);
    expect(labels.size).toBeGreaterThan(20);
    expect(labels.has(pairs.length - 1)).toBe(true);
    const spots = [...labels.values()];
    const close = spots.filter((a, index) =>
      spots.some(
        (b, at) => at !== index && Math.abs(a.x - b.x) < LABEL.width && Math.abs(a.y - b.y) < LABEL.height,
      ),
    );
    expect(close).toEqual([]);
  });
});

describe('the arrow keys of the map', () => {
  it('lead up and down in a layer, and to the nearest of the next one', () => {
    const { nodes } = layOut(['a', 'b', 'c', 'd'], ['a>b', 'a>c', 'c>d'].map(edge));
    const at = (id: string) => nodes.find((node) => node.id === id)!;
    const beside = (id: string, key: string) => nodeBeside(nodes, at(id), key)?.id;
    const [upper, lower] = at('b').y < at('c').y ? ['b', 'c'] : ['c', 'b'];
    expect(beside(upper, 'ArrowDown')).toBe(lower);
    expect(beside(lower, 'ArrowUp')).toBe(upper);
    expect(beside(upper, 'ArrowUp')).toBeUndefined();
    expect(beside('b', 'ArrowLeft')).toBe('a');
    expect(beside('b', 'ArrowRight')).toBe('d');
    expect(beside('d', 'ArrowLeft')).toBe('c');
    expect(beside('d', 'ArrowRight')).toBeUndefined();
    expect(beside('a', 'Enter')).toBeUndefined();
  });
});
