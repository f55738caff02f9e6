import { badRequest } from '../../http/dashboard-error.js';
import { isoOf } from '../../panels/prompt/markdown.js';
import { type RouteAnswer } from '../../reader/answers.interface.js';
import { pages, SERVICE, text, TIMES } from '../arguments.js';
import { findRegressions, type RouteRegression } from '../find-regressions.js';
import { rounded, writePage } from '../fit-answer.js';
import { type McpTool } from '../mcp-tool.interface.js';
import { readOffset, takePage } from '../take-page.js';

const HOUR = 3_600_000;

export const findRegressionsTool: McpTool = {
  name: 'find_regressions',
  title: 'Regressions of routes',
  description:
    'Routes that are slower (p95) or fail more often than in the time before, worst first. Default: the last hour against the hour before it. After a deploy, set `from` to its time.',
  input: {
    ...TIMES,
    baselineFrom: text(
      'Begin of the time before, which ends at `from`; default as long before it as `to` is after it.',
      {
        maxLength: 40,
      },
    ),
    ...SERVICE,
    ...pages(10, 15),
  },
  defaultSpanMs: HOUR,
  async answer({ reader, query, signal }) {
    const now = query.range();
    const from = query.number('baselineFrom', 0) ?? Math.max(0, now.from - (now.to - now.from));
    if (from >= now.from) throw badRequest('baselineFrom must be before from.');
    const before = { from, to: now.from };
    const service = query.text('service');
    const [routes, former] = await Promise.all([
      reader.routes({ ...now, service }, { signal }),
      reader.routes({ ...before, service }, { signal }),
    ]);
    const found = findRegressions(routes, former);
    const { items, next } = takePage(found, readOffset(query), query.integer('limit', 1, 15, 10));
    return writePage('regressions', items.map(briefRegression), {
      time: { from: isoOf(now.from), to: isoOf(now.to) },
      baseline: { from: isoOf(before.from), to: isoOf(before.to) },
      compared: routes.filter(({ count }) => count > 0).length,
      next,
    });
  },
};

function briefRegression({ now, before, slower, failing }: RouteRegression) {
  const { service, method, route, handler, source } = now;
  return {
    service,
    method,
    route,
    handler,
    source: source && `${source.file}:${source.line}`,
    slower,
    failing,
    now: figuresOf(now),
    before: figuresOf(before),
  };
}

function figuresOf({ count, p50, p95, errorShare }: RouteAnswer) {
  return {
    count,
    p50Ms: p50 === null ? undefined : rounded(p50),
    p95Ms: p95 === null ? undefined : rounded(p95),
    errorShare: rounded(errorShare),
  };
}
