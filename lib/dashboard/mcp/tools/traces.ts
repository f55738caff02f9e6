import { isoOf } from '../../panels/prompt/markdown.js';
import { askTracePrompt } from '../../panels/prompt/query.js';
import { sourcesFor } from '../../panels/prompt/route.js';
import { writeTree } from '../../panels/prompt/write-tree.js';
import { analyseTrace } from '../../panels/trace/analysis/analyse-trace.js';
import { placeSpans } from '../../panels/trace/analysis/place-spans.js';
import { askTraces } from '../../panels/traces/query.js';
import { type SpanAnswer, type TraceSummaryAnswer } from '../../reader/answers/traces.interface.js';
import { type Steps, TimeSlice } from '../../steps.js';
import { CONDITIONS, count, pages, PROCESSES, SERVICE, text, TIMES } from '../arguments.js';
import { ANSWER_BYTES, rounded, writePage } from '../fit-answer.js';
import { type McpTool } from '../mcp-tool.interface.js';
import { readOffset } from '../take-page.js';

export const searchTraces: McpTool = {
  name: 'search_traces',
  title: 'Traces',
  description:
    'Requests, messages and jobs by route, status, duration, attributes or text, newest first, of all that is stored unless times are given. get_trace shows one of them.',
  input: {
    ...TIMES,
    ...SERVICE,
    ...PROCESSES,
    route: text('Route by which a service was entered, such as /orders/:id.'),
    method: text('HTTP method.', { maxLength: 20 }),
    status: text('`error`, `ok`, or how the root ended: `404`, `5xx`.', { maxLength: 100 }),
    minMs: { type: 'number', minimum: 0, description: 'Took at least so long, in milliseconds.' },
    maxMs: { type: 'number', minimum: 0, description: 'Took at most so long, in milliseconds.' },
    where: CONDITIONS,
    spanService: text('The span or log line that `where` is about is of this service.'),
    text: text('Part of names, messages, attributes or log lines; or a trace id.'),
    ...pages(10, 20),
  },
  async answer(call) {
    const { items, next, total } = await askTraces(call, 10);
    return writePage('traces', items.map(briefTrace), { total, next });
  },
};

function briefTrace(trace: TraceSummaryAnswer) {
  const { traceId, name, service, route, status, start, durationMs, spanCount, errorCount, services, state } =
    trace;
  return {
    traceId,
    name,
    service,
    route: route === undefined || name.endsWith(route) ? undefined : route,
    status,
    start: isoOf(start),
    durationMs: rounded(durationMs),
    spans: spanCount,
    failedSpans: errorCount === 0 ? undefined : errorCount,
    services: services.length > 1 ? services : undefined,
    state,
  };
}

/** Lines of the tree on a page. */
const TREE_LINES = 80;
const MOST_TREE_LINES = 200;

export const getTrace: McpTool = {
  name: 'get_trace',
  title: 'A trace',
  description:
    'One trace: what failed and where in the source, its stack, self times beside the median of its route, queries, log lines, and its first spans as a tree. With a cursor: only the spans of the tree from there, `0` for all of them.',
  input: {
    traceId: text('32 hexadecimal digits.', { pattern: '^[0-9a-fA-F]{32}$' }),
    limit: count(`Lines of the tree on a page, default ${TREE_LINES}.`, 1, MOST_TREE_LINES),
    cursor: text('Where the tree begins: `0`, or the number that the page before names.', {
      pattern: '^[0-9]{1,6}$',
    }),
  },
  required: ['traceId'],
  async answer(call) {
    const { query, work } = call;
    const question = { ...call, params: { traceId: query.traceId('traceId') } };
    if (query.text('before') === undefined) {
      const answer = await askTracePrompt(question, sourcesFor(call), ANSWER_BYTES);
      return answer?.markdown ?? NO_TRACE;
    }
    const trace = await call.reader.trace(question.params.traceId, { signal: call.signal });
    if (trace === undefined) return NO_TRACE;
    const limit = query.integer('limit', 1, MOST_TREE_LINES, TREE_LINES);
    return work(writeTreePage(trace.spans, readOffset(query), limit));
  },
};

const NO_TRACE =
  'No span of this trace is stored. It may have been deleted to make room, or none has ended yet.';

/** Lines of the tree from `offset`, as many as `limit` and the size of an answer allow, and where it goes on. */
function* writeTreePage(spans: readonly SpanAnswer[], offset: number, limit: number): Steps<string> {
  const analysis = yield* analyseTrace(spans);
  const roots = placeSpans(spans);
  yield;
  const turn = new TimeSlice();
  const lines: string[] = [];
  let bytes = 0;
  let line = 0;
  for (const row of writeTree(roots, analysis)) {
    line += 1;
    if (line > offset) {
      bytes += Buffer.byteLength(row) + 1;
      if (lines.length >= limit || bytes > ANSWER_BYTES)
        return [...lines, `next cursor: ${line - 1}`].join('\n');
      lines.push(row);
    }
    if (turn.isOver()) yield* turn.pass();
  }
  return lines.length === 0 ? 'There are no more spans.' : lines.join('\n');
}
