import { findRegressions, type Regression } from '../../panels/overview/regressions.js';
import { isoOf } from '../../panels/prompt/markdown.js';
import { pages, PROCESSES, SERVICE, TIMES } from '../arguments.js';
import { rounded, writePage } from '../fit-answer.js';
import { type McpTool } from '../mcp-tool.interface.js';
import { readOffset, takePage } from '../take-page.js';

export const findRegressionsTool: McpTool = {
  name: 'find_regressions',
  title: 'Regressions of routes',
  description:
    'Routes that are slower (p95) or fail more often than with the version before, else than in the time before, worst first; of routes with 30 requests on both sides. Default: the last hour. After a deploy, set `from` to its time.',
  input: { ...TIMES, ...SERVICE, ...PROCESSES, ...pages(10, 15) },
  defaultSpanMs: 3_600_000,
  async answer({ reader, query, signal }) {
    const range = query.range();
    const filter = { ...range, ...query.processes(), service: query.text('service') };
    const found = await findRegressions(reader, filter, { signal });
    const { items, next } = takePage(found, readOffset(query), query.integer('limit', 1, 15, 10));
    return writePage('regressions', items.map(briefRegression), {
      time: { from: isoOf(range.from), to: isoOf(range.to) },
      next,
    });
  },
};

function briefRegression({ kind, service, method, route, baseline, before, now }: Regression) {
  return {
    kind,
    service,
    method,
    route,
    baseline:
      baseline.kind === 'version'
        ? { version: baseline.version, now: baseline.now, since: isoOf(baseline.since) }
        : { from: isoOf(baseline.from), to: isoOf(baseline.to) },
    before: figuresOf(before),
    now: figuresOf(now),
  };
}

function figuresOf({ count, errorShare, p95 }: Regression['now']) {
  return { count, errorShare: rounded(errorShare), p95Ms: rounded(p95) };
}
