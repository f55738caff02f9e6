import { isoOf } from '../../panels/prompt/markdown.js';
import { type MapEdgeAnswer, type MapNodeAnswer } from '../../reader/answers/service-map.interface.js';
import { writeCondition } from '../../reader/field-filter.js';
import { pages, PROCESSES, SERVICE, TIMES } from '../arguments.js';
import { rounded, writePage } from '../fit-answer.js';
import { type McpTool } from '../mcp-tool.interface.js';
import { readOffset, takePage } from '../take-page.js';

/** Edges through which an agent may turn the pages. */
const MAX_EDGES = 1_000;

export const serviceMap: McpTool = {
  name: 'service_map',
  title: 'What calls what',
  description:
    'Which service calls which service, database, queue or host, over the newest traces of a time: calls, calls per second, errors, p95, the trace of the longest call, most calls first; `covers` says of how many traces. An edge without `from` comes from outside. `where` finds the calls with search_traces. Default: the last hour, all services.',
  input: { ...TIMES, ...SERVICE, ...PROCESSES, ...pages(15, 20) },
  defaultSpanMs: 3_600_000,
  async answer({ reader, query, signal }) {
    const filter = {
      ...query.range(),
      ...query.processes(),
      service: query.text('service'),
      limit: MAX_EDGES,
    };
    const { nodes, edges, traces, spans, since, complete } = await reader.serviceMap(filter, { signal });
    const nodeOf = new Map(nodes.map((node) => [node.id, node]));
    const { items, next } = takePage(edges, readOffset(query), query.integer('limit', 1, 20, 15));
    const brief = items.map((edge) =>
      briefEdge(edge, edge.from === undefined ? undefined : nodeOf.get(edge.from), nodeOf.get(edge.to)),
    );
    return writePage('edges', brief, { covers: { traces, spans, since: isoOf(since), complete }, next });
  },
};

function briefEdge(
  { kind, count, perSecond, errors, p95, conditions, slowest, to: id }: MapEdgeAnswer,
  from: MapNodeAnswer | undefined,
  to: MapNodeAnswer | undefined,
) {
  return {
    from: from && nameOf(from),
    to: to === undefined ? id : nameOf(to),
    // What is not a service, if one side is not.
    type: from === undefined || from.kind === 'service' ? to?.kind : from.kind,
    isMessage: kind === 'message' ? true : undefined,
    calls: count,
    perSecond: rounded(perSecond),
    errors,
    p95Ms: rounded(p95),
    where: conditions.length > 0 ? conditions.map(writeCondition) : undefined,
    traceId: slowest.traceId,
  };
}

const nameOf = ({ system, name }: MapNodeAnswer): string =>
  system === undefined || system === name ? name : `${system} ${name}`;
