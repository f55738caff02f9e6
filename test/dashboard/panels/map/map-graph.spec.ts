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
} from '../../../../lib/dashboard/reader/answers/service-map.interface.js';

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
