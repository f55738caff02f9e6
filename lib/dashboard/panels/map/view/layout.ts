/** Where the nodes of a graph stand, from left to right in the order in which they call each other. Pixels. */

export const NODE_WIDTH = 164;
export const NODE_HEIGHT = 46;
/** Between two layers: the labels of edges stand there. */
const GAP_X = 132;
/** Up to so many edges, each has room for its label. */
export const MOST_LABELS = 30;
/** Between two of a layer, and what an edge takes that passes it. */
const ROOMY = { gap: 28, lane: 34 };
const DENSE = { gap: 18, lane: 8 };
type Spacing = typeof ROOMY;
/** Above a node that calls itself. */
const LOOP_HEIGHT = 38;
const MARGIN = 12;
const ROUNDS = 8;

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A node by its corner. */
export interface LaidNode extends Point {
  readonly id: string;
  /** From 0, the leftmost. */
  readonly layer: number;
}

export interface LaidEdge {
  /** The line and its arrow, as paths of SVG. */
  readonly path: string;
  readonly arrow: string;
  /** Where the middle of its label may be, the best first. */
  readonly spots: readonly Point[];
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Column by column, each from the top. */
  readonly nodes: readonly LaidNode[];
  /** In the order of the edges that were given. */
  readonly edges: readonly LaidEdge[];
}

/** A node, or an edge on its way through a layer, at its place in the layer. */
interface Cell {
  readonly id: string | undefined;
  readonly layer: number;
  readonly height: number;
  /** Those it is connected with, in the layer before and in the one after. */
  readonly before: Cell[];
  readonly after: Cell[];
  /** Its middle. */
  y: number;
}

/** Lays out a graph; edges whose ends are not among the nodes are not allowed. The same graph is laid out the same way. */
export function layOut(ids: readonly string[], edges: readonly GraphEdge[]): Layout {
  const { order, backward } = findCycles(ids, edges);
  const spacing = edges.length <= MOST_LABELS ? ROOMY : DENSE;
  /** Without loops, and against the direction of those that would close a circle. */
  const arcs = edges
    .map(({ from, to }, index) => (backward.has(index) ? { from: to, to: from, index } : { from, to, index }))
    .filter(({ from, to }) => from !== to);
  const layerOf = chooseLayers(order, arcs);
  const looped = new Set(edges.filter(({ from, to }) => from === to).map(({ from }) => from));
  const cells = new Map<string, Cell>();
  const layers: Cell[][] = [];
  const add = (id: string | undefined, layer: number, height: number): Cell => {
    const cell = { id, layer, height, before: [], after: [], y: 0 };
    (layers[layer] ??= []).push(cell);
    return cell;
  };
  for (const id of order)
    cells.set(id, add(id, layerOf.get(id) ?? 0, NODE_HEIGHT + (looped.has(id) ? LOOP_HEIGHT : 0)));
  /** The cells of each edge, from left to right. */
  const ways = new Map<number, readonly Cell[]>();
  for (const { from, to, index } of arcs) {
    const [first, last] = [cells.get(from), cells.get(to)];
    if (first === undefined || last === undefined) continue;
    const way = [first];
    for (let layer = first.layer + 1; layer < last.layer; layer += 1)
      way.push(add(undefined, layer, spacing.lane));
    way.push(last);
    ways.set(index, way);
    for (const [at, cell] of way.entries()) {
      const next = way[at + 1];
      if (next === undefined) break;
      cell.after.push(next);
      next.before.push(cell);
    }
  }
  arrange(layers, spacing);
  const ports = placePorts(ways);
  const height = layers.flat().reduce((most, cell) => Math.max(most, cell.y + cell.height / 2), 0) + MARGIN;
  return {
    width: Math.max(0, layers.length * (NODE_WIDTH + GAP_X) - GAP_X) + 2 * MARGIN,
    height,
    nodes: layers.flatMap((layer) =>
      layer.flatMap((cell) =>
        cell.id === undefined
          ? []
          : [{ id: cell.id, layer: cell.layer, x: leftOf(cell), y: middleOf(cell) - NODE_HEIGHT / 2 }],
      ),
    ),
    edges: edges.map(({ from }, index) => {
      const way = ways.get(index);
      const own = cells.get(from);
      if (way !== undefined) return drawEdge(way, ports.get(index) ?? [0, 0], backward.has(index));
      return own === undefined ? { path: '', arrow: '', spots: [] } : drawLoop(own);
    }),
  };
}

const leftOf = ({ layer }: Cell): number => MARGIN + layer * (NODE_WIDTH + GAP_X);

/** Of the node itself, below its loop. */
const middleOf = ({ y, height, id }: Cell): number => (id === undefined ? y : y + (height - NODE_HEIGHT) / 2);

/**
 * The nodes, each after those that call it, and the edges that lead back, by their number. Where each of the rest is called by another of
 * them, the one that is fewest calls away from where calls begin comes first.
 */
function findCycles(ids: readonly string[], edges: readonly GraphEdge[]) {
  const outgoing = new Map<string, string[]>(ids.map((id) => [id, []]));
  const waiting = new Map<string, number>(ids.map((id) => [id, 0]));
  for (const { from, to } of edges) {
    if (from === to) continue;
    outgoing.get(from)?.push(to);
    waiting.set(to, (waiting.get(to) ?? 0) + 1);
  }
  const balance = (id: string): number => (outgoing.get(id)?.length ?? 0) - (waiting.get(id) ?? 0);
  const byBalance = [...ids].sort((a, b) => balance(b) - balance(a));
  const distance = new Map<string, number>();
  const walk = (begins: readonly string[]): void => {
    const queue = begins.filter((id) => !distance.has(id));
    for (const id of queue) if (!distance.has(id)) distance.set(id, 0);
    for (const id of queue)
      for (const to of outgoing.get(id) ?? []) {
        if (distance.has(to)) continue;
        distance.set(to, (distance.get(id) ?? 0) + 1);
        queue.push(to);
      }
  };
  const begins = ids.filter((id) => waiting.get(id) === 0);
  walk(begins);
  for (const id of byBalance) walk([id]);

  const order: string[] = [];
  const place = new Map<string, number>();
  const ready = [...begins];
  const rest = new Set(byBalance);
  while (rest.size > 0) {
    const next =
      ready.shift() ?? [...rest].reduce((a, b) => ((distance.get(b) ?? 0) < (distance.get(a) ?? 0) ? b : a));
    if (!rest.delete(next)) continue;
    place.set(next, order.length);
    order.push(next);
    for (const to of outgoing.get(next) ?? []) {
      const left = (waiting.get(to) ?? 0) - 1;
      waiting.set(to, left);
      if (left === 0) ready.push(to);
    }
  }
  const isBackward = ({ from, to }: GraphEdge): boolean => (place.get(from) ?? 0) > (place.get(to) ?? 0);
  const backward = new Set(edges.flatMap((edge, index) => (isBackward(edge) ? [index] : [])));
  return { order, backward };
}

/** Each node right of all that call it; those that nothing calls stand close to what they call. */
function chooseLayers(ids: readonly string[], arcs: readonly GraphEdge[]): ReadonlyMap<string, number> {
  const layerOf = new Map(ids.map((id) => [id, 0]));
  const left = new Map(ids.map((id) => [id, 0]));
  const outgoing = new Map<string, string[]>(ids.map((id) => [id, []]));
  for (const { from, to } of arcs) {
    left.set(to, (left.get(to) ?? 0) + 1);
    outgoing.get(from)?.push(to);
  }
  const begins = ids.filter((id) => left.get(id) === 0);
  const ready = [...begins];
  for (const id of ready)
    for (const to of outgoing.get(id) ?? []) {
      layerOf.set(to, Math.max(layerOf.get(to) ?? 0, (layerOf.get(id) ?? 0) + 1));
      const missing = (left.get(to) ?? 0) - 1;
      left.set(to, missing);
      if (missing === 0) ready.push(to);
    }
  for (const id of begins) {
    const nearest = Math.min(...(outgoing.get(id) ?? []).map((to) => layerOf.get(to) ?? 0));
    if (Number.isFinite(nearest)) layerOf.set(id, nearest - 1);
  }
  return layerOf;
}

const addMiddles = (cells: readonly Cell[], begin = 0): number =>
  cells.reduce((sum, { y }) => sum + y, begin);

/** Orders each layer so that few edges cross, and then moves its cells to where their edges are straight. */
function arrange(layers: readonly Cell[][], spacing: Spacing): void {
  for (const layer of layers) spread(layer, spacing, (cell) => cell.y);
  for (let round = 0; round < ROUNDS; round += 1) {
    const forward = round % 2 === 0;
    for (const layer of forward ? layers : layers.toReversed()) {
      const wish = new Map(
        layer.map((cell) => {
          const beside = forward ? cell.before : cell.after;
          return [cell, beside.length > 0 ? addMiddles(beside) / beside.length : cell.y];
        }),
      );
      layer.sort((a, b) => (wish.get(a) ?? 0) - (wish.get(b) ?? 0));
      spread(layer, spacing, (cell) => wish.get(cell) ?? 0);
    }
  }
  for (let round = 0; round < ROUNDS; round += 1)
    for (const layer of round % 2 === 0 ? layers.toReversed() : layers)
      spread(layer, spacing, (cell) => {
        const count = cell.before.length + cell.after.length;
        return count > 0 ? addMiddles(cell.after, addMiddles(cell.before)) / count : cell.y;
      });
  const top = Math.min(...layers.flat().map(({ y, height }) => y - height / 2));
  for (const cell of layers.flat()) cell.y += MARGIN - top;
}

/** Puts the cells of a layer, in their order and without overlap, as near to where they wish to be as all together can. */
function spread(
  layer: readonly Cell[],
  { gap: between, lane }: Spacing,
  wishOf: (cell: Cell) => number,
): void {
  // Without the room between them they only have to stay in order: neighbours that would not, move together.
  // Numbers in lists and no objects, for this runs for each layer in each round.
  const sums: number[] = [];
  const sizes: number[] = [];
  const offsets: number[] = [];
  let offset = 0;
  let above: Cell | undefined;
  for (const cell of layer) {
    if (above !== undefined) {
      const gap = above.id === undefined && cell.id === undefined ? lane : between;
      offset += (above.height + cell.height) / 2 + gap;
    }
    above = cell;
    offsets.push(offset);
    let sum = wishOf(cell) - offset;
    let size = 1;
    while (sums.length > 0 && (sums.at(-1) ?? 0) / (sizes.at(-1) ?? 1) > sum / size) {
      sum += sums.pop() ?? 0;
      size += sizes.pop() ?? 0;
    }
    sums.push(sum);
    sizes.push(size);
  }
  let block = 0;
  let end = sizes[0] ?? 0;
  for (const [at, cell] of layer.entries()) {
    if (at === end) {
      block += 1;
      end += sizes[block] ?? 0;
    }
    cell.y = (sums[block] ?? 0) / (sizes[block] ?? 1) + (offsets[at] ?? 0);
  }
}

/** How far from the middle of its two nodes each edge begins and ends: those of one side are spread over it. */
function placePorts(
  ways: ReadonlyMap<number, readonly Cell[]>,
): ReadonlyMap<number, readonly [left: number, right: number]> {
  const ports = new Map<number, [number, number]>();
  for (const index of ways.keys()) ports.set(index, [0, 0]);
  for (const side of [0, 1] as const) {
    const byNode = new Map<Cell, { index: number; beside: Cell }[]>();
    for (const [index, way] of ways) {
      const [node, beside] = side === 0 ? [way[0], way[1]] : [way.at(-1), way.at(-2)];
      if (node === undefined || beside === undefined) continue;
      const ends = byNode.get(node) ?? [];
      byNode.set(node, ends);
      ends.push({ index, beside });
    }
    for (const ends of byNode.values()) {
      ends.sort((a, b) => a.beside.y - b.beside.y || a.index - b.index);
      const step = Math.min(9, (NODE_HEIGHT - 12) / Math.max(1, ends.length - 1));
      for (const [at, { index }] of ends.entries()) {
        const pair = ports.get(index);
        if (pair !== undefined) pair[side] = (at - (ends.length - 1) / 2) * step;
      }
    }
  }
  return ports;
}

const round = (value: number): number => Math.round(value * 10) / 10;

function drawEdge(
  way: readonly Cell[],
  [left, right]: readonly [left: number, right: number],
  isBackward: boolean,
): LaidEdge {
  const last = way.length - 1;
  const heights = way.map((cell, at) => round(middleOf(cell) + (at === 0 ? left : at === last ? right : 0)));
  const spots: Point[] = [];
  let path = '';
  for (const [at, cell] of way.entries()) {
    const next = way[at + 1];
    if (next === undefined) break;
    const [y1 = 0, y2 = 0] = [heights[at], heights[at + 1]];
    const [x1, x2] = [leftOf(cell) + NODE_WIDTH, leftOf(next)];
    const middle = (x1 + x2) / 2;
    path += `${at === 0 ? `M${x1} ${y1}` : `H${x1}`}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
    for (const t of [0.5, 0.4, 0.6])
      spots.push({
        x: x1 + (x2 - x1) * (1.5 * t * (1 - t) + t ** 3),
        y: y1 + (y2 - y1) * (3 * t ** 2 - 2 * t ** 3),
      });
  }
  const [first, end] = [way[0], way[last]];
  const [tip, sign, y] = isBackward
    ? [first === undefined ? 0 : leftOf(first) + NODE_WIDTH, 1, heights[0] ?? 0]
    : [end === undefined ? 0 : leftOf(end), -1, heights[last] ?? 0];
  return { path, arrow: `M${tip} ${y}l${sign * 8} -4v8z`, spots };
}

/** Out of the top of a node and back into it. */
function drawLoop(cell: Cell): LaidEdge {
  const top = round(middleOf(cell) - NODE_HEIGHT / 2);
  const x = leftOf(cell) + NODE_WIDTH - 18;
  return {
    path: `M${x - 32} ${top}v-10q0 -10 10 -10h12q10 0 10 10v10`,
    arrow: `M${x} ${top}l-4 -8h8z`,
    spots: [{ x: leftOf(cell) + LABEL.width / 2, y: top - LABEL.height / 2 - 3 }],
  };
}

/** What a label takes, around its middle. */
export const LABEL = { width: 112, height: 34 };

/** Places for labels, those of the first edges first: no two overlap. An edge without a free place has none. */
export function placeLabels({ edges }: Layout, wanted: readonly number[]): ReadonlyMap<number, Point> {
  const placed = new Map<number, Point>();
  const overlaps = (a: Point, b: Point): boolean =>
    Math.abs(a.x - b.x) < LABEL.width && Math.abs(a.y - b.y) < LABEL.height;
  for (const index of wanted) {
    const spot = edges[index]?.spots.find(
      (each) => ![...placed.values()].some((other) => overlaps(each, other)),
    );
    if (spot !== undefined) placed.set(index, spot);
  }
  return placed;
}

/** The node that an arrow key leads to: up and down in a layer, left and right to the one of the next layer whose height is nearest. */
export function nodeBeside(
  nodes: readonly LaidNode[],
  { id, layer, y }: LaidNode,
  key: string,
): LaidNode | undefined {
  const step = key === 'ArrowRight' || key === 'ArrowDown' ? 1 : -1;
  const others = nodes.filter((each) => each.id !== id);
  if (key === 'ArrowUp' || key === 'ArrowDown')
    return nearest(
      others.filter((each) => each.layer === layer && (each.y - y) * step > 0),
      y,
    );
  if (key !== 'ArrowLeft' && key !== 'ArrowRight') return undefined;
  const beyond = others.filter((each) => (each.layer - layer) * step > 0);
  const next = Math.min(...beyond.map((each) => Math.abs(each.layer - layer)));
  return nearest(
    beyond.filter((each) => Math.abs(each.layer - layer) === next),
    y,
  );
}

function nearest(nodes: readonly LaidNode[], y: number): LaidNode | undefined {
  return [...nodes].sort((a, b) => Math.abs(a.y - y) - Math.abs(b.y - y))[0];
}
