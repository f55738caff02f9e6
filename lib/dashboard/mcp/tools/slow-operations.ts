import { isoOf } from '../../panels/prompt/markdown.js';
import { OPERATION_KINDS, type OperationAnswer } from '../../reader/answers/operations.interface.js';
import { OPERATION_ORDERS } from '../../reader/telemetry-reader.interface.js';
import { pages, PROCESSES, SERVICE, text, TIMES } from '../arguments.js';
import { rounded, writePage } from '../fit-answer.js';
import { type McpTool } from '../mcp-tool.interface.js';
import { readOffset, takePage } from '../take-page.js';

/** Operations through which an agent may turn the pages. */
const MAX_OPERATIONS = 1_000;

export const slowOperations: McpTool = {
  name: 'slow_operations',
  title: 'Operations that take the time',
  description:
    'Statements, outgoing calls, methods, messages, jobs and requests by their self time over all traces of the time, with count, errors, p95 and calls per trace; `covers` says of how many. A statement that is called often per trace may be an N+1. Default: the last hour, all kinds.',
  input: {
    ...TIMES,
    ...SERVICE,
    ...PROCESSES,
    kind: text('Only of this kind.', { enum: OPERATION_KINDS }),
    order: text('Default `selfMs`.', { enum: OPERATION_ORDERS }),
    ...pages(15, 25),
  },
  defaultSpanMs: 3_600_000,
  async answer({ reader, query, signal }) {
    const filter = {
      ...query.range(),
      ...query.processes(),
      service: query.text('service'),
      kind: query.choice('kind', OPERATION_KINDS),
      order: query.choice('order', OPERATION_ORDERS),
      limit: MAX_OPERATIONS,
    };
    const { operations, traces, spans, since, complete } = await reader.operations(filter, { signal });
    const { items, next } = takePage(operations, readOffset(query), query.integer('limit', 1, 25, 15));
    return writePage('operations', items.map(briefOperation), {
      covers: { traces, spans, since: isoOf(since), complete },
      next,
    });
  },
};

function briefOperation({ attribute, selfMs, totalMs, p95, perTrace, ...operation }: OperationAnswer) {
  return {
    ...operation,
    selfMs: rounded(selfMs),
    totalMs: rounded(totalMs),
    p95Ms: rounded(p95),
    perTrace: rounded(perTrace),
    where: attribute && `${attribute.key}=${attribute.value}`,
  };
}
