import type {
  MapEdgeAnswer,
  MapNodeAnswer,
  ServiceMapAnswer,
} from '../../../reader/answers/service-map.interface.js';
import { type FieldFilter, writeCondition } from '../../../reader/field-filter.js';
import type { QueryChange } from '../../../ui/state.js';

/** What stands for callers that are not recorded; no node has this id. */
export const OUTSIDE = '';

/** An edge with its nodes. */
export interface MapEdge extends Omit<MapEdgeAnswer, 'from' | 'to'> {
  readonly key: string;
  /** Undefined: outside. */
  readonly from: MapNodeAnswer | undefined;
  readonly to: MapNodeAnswer;
}

export interface MapGraph {
  /** In an order that does not change with the numbers of calls. */
  readonly nodes: readonly MapNodeAnswer[];
  readonly edges: readonly MapEdge[];
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The nodes and edges of an answer, put together and in order. */
export function graphOf({ nodes, edges }: Pick<ServiceMapAnswer, 'nodes' | 'edges'>): MapGraph {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const joined = edges.flatMap((edge): MapEdge[] => {
    const to = byId.get(edge.to);
    const key = `${edge.from ?? OUTSIDE} ${edge.kind} ${edge.to}`;
    if (to === undefined) return [];
    return [{ ...edge, key, from: edge.from === undefined ? undefined : byId.get(edge.from), to }];
  });
  return {
    nodes: [...nodes].sort((a, b) => compare(a.id, b.id)),
    edges: joined.sort((a, b) => compare(a.key, b.key)),
  };
}

export const fromId = ({ from }: MapEdge): string => from?.id ?? OUTSIDE;
export const nameOf = (node: MapNodeAnswer | undefined): string => node?.name ?? 'Outside';

/** Share from which an edge counts as failing: single failures among many calls do not colour the map. */
export const FAILING_SHARE = 0.01;
export const errorShareOf = ({ errors, count }: Pick<MapEdge, 'errors' | 'count'>): number =>
  count === 0 ? 0 : errors / count;
export const isFailing = (edge: MapEdge): boolean => errorShareOf(edge) >= FAILING_SHARE;

export interface NodeSum {
  readonly perSecond: number;
  readonly count: number;
  readonly errors: number;
}

/** What calls a node, added up. */
export function sumOfCalls(edges: readonly MapEdge[], id: string): NodeSum {
  const own = edges.filter(({ to }) => to.id === id);
  const sum = (of: (edge: MapEdge) => number): number => own.reduce((total, edge) => total + of(edge), 0);
  return {
    perSecond: sum((edge) => edge.perSecond),
    count: sum((edge) => edge.count),
    errors: sum((edge) => edge.errors),
  };
}

const conditionsOf = (conditions: readonly FieldFilter[]): QueryChange => ({
  where: conditions.map(writeCondition),
});

/** The filters of the traces that have the calls of an edge. */
export function tracesOfEdge({ from, to, conditions }: MapEdge): QueryChange {
  const caller = from?.kind === 'service' ? from.name : undefined;
  if (conditions.length > 0) return { spanService: caller ?? to.name, ...conditionsOf(conditions) };
  return { spanService: caller === to.name ? undefined : caller, service: to.name };
}

/** The filters of the traces in which a node took part. */
export const tracesOfNode = ({ kind, name, conditions }: MapNodeAnswer): QueryChange =>
  kind === 'service' ? { service: name } : conditionsOf(conditions);

/** Edges that get their label first: those of the active node, then the ones that fail most, then the busiest. */
export function rankEdges(
  edges: readonly MapEdge[],
  isActive: (edge: MapEdge) => boolean,
): readonly number[] {
  const ranked = edges.map((edge, index) => ({ edge, index, active: Number(isActive(edge)) }));
  const failed = (edge: MapEdge): number => (isFailing(edge) ? edge.errors : 0);
  ranked.sort(
    (a, b) => b.active - a.active || failed(b.edge) - failed(a.edge) || b.edge.count - a.edge.count,
  );
  return ranked.map(({ index }) => index);
}
