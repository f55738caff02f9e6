import { isoOf } from '../../panels/prompt/markdown.js';
import { type ErrorAnswer } from '../../reader/answers/errors.interface.js';
import { ERROR_ORDERS, ERROR_STATES } from '../../reader/telemetry-reader.interface.js';
import { pages, PROCESSES, SERVICE, text, TIMES } from '../arguments.js';
import { writePage } from '../fit-answer.js';
import { type McpTool } from '../mcp-tool.interface.js';
import { readOffset, takePage } from '../take-page.js';

/** Errors through which an agent may turn the pages. */
const MAX_ERRORS = 1_000;

export const listErrors: McpTool = {
  name: 'list_errors',
  title: 'Errors',
  description:
    'Errors of the services by fingerprint: how often, since when and since which version, whether new, back, known or gone, the route that fails most, and a sample trace for get_trace. Default: the last hour, new ones first.',
  input: {
    ...TIMES,
    ...SERVICE,
    ...PROCESSES,
    state: text('Only of this state.', { enum: ERROR_STATES }),
    order: text('Default `state`: new, back, known, gone.', { enum: ERROR_ORDERS }),
    text: text('Part of the type, the message or the fingerprint.'),
    ...pages(10, 15),
  },
  defaultSpanMs: 3_600_000,
  async answer({ reader, query, signal }) {
    const filter = {
      ...query.range(),
      ...query.processes(),
      service: query.text('service'),
      state: query.choice('state', ERROR_STATES),
      order: query.choice('order', ERROR_ORDERS) ?? 'state',
      text: query.search('text'),
      buckets: 1,
      limit: MAX_ERRORS,
    };
    const { errors, states } = await reader.errors(filter, { signal });
    const { items, next } = takePage(errors, readOffset(query), query.integer('limit', 1, 15, 10));
    return writePage('errors', items.map(briefError), { states, next });
  },
};

function briefError(error: ErrorAnswer) {
  const { service, fingerprint, type, message, state, count, total, firstSeen, lastSeen } = error;
  return {
    service,
    fingerprint,
    type,
    message,
    state,
    count,
    total,
    firstSeen: isoOf(firstSeen),
    lastSeen: isoOf(lastSeen),
    firstVersion: error.firstVersion === '' ? undefined : error.firstVersion,
    lastVersion: error.lastVersion === '' ? undefined : error.lastVersion,
    route: error.route,
    affectedUsers: error.users === 0 ? undefined : error.users,
    traceId: error.sample?.traceId,
    spanId: error.sample?.spanId,
  };
}
