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
import { processCpuMs } from '../../../support/cpu-time.js';
import { createRandom } from '../../../support/random.js';

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
