import { askLogs } from '../../panels/logs/query.js';
import { isoOf } from '../../panels/prompt/markdown.js';
import { LOG_LEVELS } from '../../reader/telemetry-reader.interface.js';
import { CONDITIONS, pages, PROCESSES, SERVICE, text, TIMES } from '../arguments.js';
import { writePage } from '../fit-answer.js';
import { type McpTool } from '../mcp-tool.interface.js';

export const searchLogs: McpTool = {
  name: 'search_logs',
  title: 'Log lines',
  description:
    'Log lines by level, words, class, fields or trace, newest first, of all that is stored unless times are given. Each with the trace in which it was written.',
  input: {
    ...TIMES,
    ...SERVICE,
    ...PROCESSES,
    level: text('This level and above.', { enum: Object.keys(LOG_LEVELS) }),
    text: text('Words that are all in the message, the class or the fields.'),
    context: text('The class that logged.'),
    where: CONDITIONS,
    traceId: text('Lines of this trace.', { pattern: '^[0-9a-fA-F]{32}$' }),
    spanId: text('Lines of this span.', { pattern: '^[0-9a-fA-F]{16}$' }),
    ...pages(10, 20),
  },
  async answer(call) {
    const { items, next, total } = await askLogs(call, 10);
    const lines = items.map(({ time, level, service, context, message, traceId, spanId, attributes }) => ({
      time: isoOf(time),
      level,
      service,
      context,
      message,
      traceId,
      spanId,
      fields: Object.keys(attributes).length === 0 ? undefined : attributes,
    }));
    return writePage('logs', lines, { total, next });
  },
};
