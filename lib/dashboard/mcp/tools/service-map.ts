import {
  ATTR_DB_NAMESPACE,
  ATTR_DB_SYSTEM_NAME,
  ATTR_MESSAGING_DESTINATION_NAME,
  ATTR_MESSAGING_SYSTEM,
} from '../../../config/semantic-conventions.constants.js';
import { getOrAdd } from '../../get-or-add.js';
import { type PlacedSpan } from '../../panels/trace/analysis/place-spans.js';
import { hostOf, textOf } from '../../reader/host-of.js';
import { pages, TIMES } from '../arguments.js';
import { rounded, writePage } from '../fit-answer.js';
import { type McpTool } from '../mcp-tool.interface.js';
import { CallSum, visitSpans } from '../sample-traces.js';
import { readOffset, takePage } from '../take-page.js';

interface Edge {
  readonly from: string;
  readonly to: string;
  readonly type: 'service' | 'database' | 'messaging' | 'host';
}

export const serviceMap: McpTool = {
  name: 'service_map',
  title: 'What calls what',
  description:
    'Which service calls which service, database, queue or host in the newest traces of a time (at most 500 traces, 20,000 spans): calls, errors, p95, the trace of the longest call, most calls first. Default: the last hour.',
  input: { ...TIMES, ...pages(15, 20) },
  defaultSpanMs: 3_600_000,
  async answer(call) {
    const { query } = call;
    const sums = new Map<string, { readonly edge: Edge; readonly sum: CallSum }>();
    const sample = await visitSpans(call, query.range(), (node) => {
      const edge = edgeOf(node);
      if (edge === undefined) return;
      const key = JSON.stringify([edge.from, edge.to, edge.type]);
      getOrAdd(sums, key, () => ({ edge, sum: new CallSum() })).sum.add(node.span);
    });
    const sorted = [...sums.values()].sort((a, b) => b.sum.count - a.sum.count);
    const { items, next } = takePage(sorted, readOffset(query), query.integer('limit', 1, 20, 15));
    const edges = items.map(({ edge, sum }) => ({
      ...edge,
      calls: sum.count,
      errors: sum.errors,
      p95Ms: rounded(sum.p95),
      traceId: sum.traceId,
    }));
    return writePage('edges', edges, { sample, next });
  },
};

/** What a span says about who calls whom: a service that was entered from another, or a call whose other side has no spans. */
function edgeOf({ span, parent, children }: PlacedSpan): Edge | undefined {
  const { service, attributes, kind } = span;
  if (parent !== undefined && parent.span.service !== service)
    return { from: parent.span.service, to: service, type: 'service' };
  const isEntered = children.some((child) => child.span.service !== service);
  if ((kind !== 'client' && kind !== 'producer') || isEntered) return undefined;
  const database = textOf(attributes, ATTR_DB_SYSTEM_NAME, 'db.system');
  if (database !== undefined)
    return {
      from: service,
      to: named(database, textOf(attributes, ATTR_DB_NAMESPACE, 'db.name')),
      type: 'database',
    };
  const queue = textOf(attributes, ATTR_MESSAGING_SYSTEM, 'messaging.system');
  if (queue !== undefined)
    return {
      from: service,
      to: named(queue, textOf(attributes, ATTR_MESSAGING_DESTINATION_NAME)),
      type: 'messaging',
    };
  const host = hostOf(span);
  return host === undefined ? undefined : { from: service, to: host, type: 'host' };
}

const named = (system: string, name: string | undefined): string =>
  name === undefined ? system : `${system} ${name}`;
