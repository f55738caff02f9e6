import type { MapNodeAnswer } from '../../../reader/answers/service-map.interface.js';
import { formatDuration, formatExact, formatRate, formatShare } from '../../../ui/format.js';
import { type Column, Table } from '../../../ui/parts/table.js';
import { addressOf } from '../../../ui/state.js';
import { errorShareOf, isFailing, type MapEdge, nameOf, tracesOfEdge, tracesOfNode } from './map-graph.js';

const COLUMNS: readonly Column<MapEdge>[] = [
  {
    name: 'Call',
    sortBy: ({ from, to }) => `${nameOf(from)} ${to.name}`,
    cell: (edge) => (
      <a href={addressOf(['traces'], tracesOfEdge(edge))}>
        {nameOf(edge.from)} → {edge.to.name}
      </a>
    ),
  },
  {
    name: 'Kind',
    class: () => 'map-kind',
    sortBy: (edge) => kindOf(edge),
    cell: (edge) => kindOf(edge),
  },
  {
    name: 'Rate',
    number: true,
    sortBy: ({ perSecond }) => perSecond,
    cell: ({ perSecond }) => formatRate(perSecond),
  },
  { name: 'Calls', number: true, sortBy: ({ count }) => count, cell: ({ count }) => formatExact(count) },
  {
    name: 'Errors',
    number: true,
    sortBy: errorShareOf,
    class: (edge) => (isFailing(edge) ? 'bad' : ''),
    cell: (edge) =>
      edge.errors === 0 ? (
        '0'
      ) : (
        <a href={addressOf(['traces'], { ...tracesOfEdge(edge), status: 'error' })}>
          {formatExact(edge.errors)} ({formatShare(errorShareOf(edge))})
        </a>
      ),
  },
  { name: 'p95', number: true, sortBy: ({ p95 }) => p95, cell: ({ p95 }) => formatDuration(p95) },
  {
    name: 'Slowest',
    cell: ({ slowest: { traceId, spanId } }) => (
      <a href={addressOf(['trace', traceId], { span: spanId })}>Trace</a>
    ),
  },
];

/** The system of what is not a service: `postgresql`; of messages too: `message, kafka`. */
function kindOf({ from, to, kind }: MapEdge): string {
  const other = to.kind === 'service' ? from : to;
  const what = other === undefined || other.kind === 'service' ? 'service' : (other.system ?? other.kind);
  return kind === 'message' ? `message, ${what}` : what;
}

interface EdgeTableProps {
  readonly edges: readonly MapEdge[];
  readonly node: MapNodeAnswer | undefined;
  readonly onAll: () => void;
}

/** Every edge of the map, or those of one node, each a link to its traces. */
export function EdgeTable({ edges, node, onAll }: EdgeTableProps) {
  const shown = edges.filter(
    ({ from, to }) => node === undefined || from?.id === node.id || to.id === node.id,
  );
  const title = node === undefined ? 'Calls' : `Calls of ${node.name}`;
  return (
    <section class="card" aria-label={title}>
      <header>
        <h2>{title}</h2>
        {node !== undefined && (
          <>
            <a href={addressOf(['traces'], tracesOfNode(node))}>Traces</a>
            {node.kind === 'service' && (
              <a href={addressOf(['operations'], { service: node.name })}>Operations</a>
            )}
            <button type="button" onClick={onAll}>
              Show all calls
            </button>
          </>
        )}
      </header>
      {shown.length === 0 ? (
        <p class="hint pad">No calls of it, and none to it.</p>
      ) : (
        <div class="scroll-x" tabIndex={0} role="region" aria-label={`Table: ${title}`}>
          <Table class="map-edges" columns={COLUMNS} rows={shown} keyOf={({ key }) => key} sortedBy="Calls" />
        </div>
      )}
    </section>
  );
}
