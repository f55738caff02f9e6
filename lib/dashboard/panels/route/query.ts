import { type Question } from '../../api/question.js';
import { badRequest } from '../../http/dashboard-error.js';
import { type ExemplarAnswer } from '../../reader/answers/answer-parts.interface.js';
import { type SpanAnswer } from '../../reader/answers/traces.interface.js';
import { findRegressions, isChosen } from '../overview/regressions.js';
import { analyseSample } from './analyse-sample.js';
import { type RouteName } from './entry-of.js';
import { type RoutePageAnswer, type RouteSampleAnswer } from './route-api.interface.js';

const MAX_BARS = 60;
const MAX_VERSIONS = 10;

function readName({ query }: Question): RouteName {
  const [service, route] = ['service', 'route'].map((name) => {
    const text = query.text(name);
    if (text === undefined)
      throw badRequest(`${name} must be given: the page is about one route of one service.`);
    return text;
  }) as [string, string]; // as many as names
  return { service, route, method: query.text('method') };
}

export async function askRoute(question: Question): Promise<RoutePageAnswer> {
  const { reader, query, signal } = question;
  const name = readName(question);
  const filter = { ...query.range(), ...query.processes(), ...name };
  const options = { signal };
  const [routes, durations, versions] = await Promise.all([
    reader.routes(filter, options),
    reader.durations({ ...filter, bars: MAX_BARS }, options),
    reader.routeVersions({ service: name.service }, options),
  ]);
  return {
    routes,
    durations,
    versions: versions.filter(({ route, method }) => isChosen(name, route, method)).slice(0, MAX_VERSIONS),
    regressions: await findRegressions(reader, filter, options, routes),
  };
}

/** The newest requests that are looked at, the slowest, and the spans of all their traces: the page waits. */
const NEWEST = 60;
const SLOWEST = 10;
const MAX_SPANS = 4_000;
const BUCKETS = 60;
const SHOWN = 5;

export async function askRouteSample(question: Question): Promise<RouteSampleAnswer> {
  const { reader, query, work, signal } = question;
  const name = readName(question);
  const filter = { ...query.range(), ...query.processes(), ...name };
  const options = { signal };
  const [latest, { exemplars }] = await Promise.all([
    reader.traces({ ...filter, limit: NEWEST }, options),
    // Of each moment the slowest that succeeded and the slowest that failed, also where very many entered.
    reader.overview({ ...filter, buckets: BUCKETS }, options),
  ]);
  const slowest = distinctTraces([...exemplars].sort((a, b) => b.value - a.value));
  const failed = distinctTraces(exemplars.filter(({ error }) => error).sort((a, b) => b.time - a.time));
  const slowIds = slowest.slice(0, SLOWEST).map(({ traceId }) => traceId);
  const sizes = await reader.summaries(slowIds, options);
  const budget = new SpanBudget();
  const slow = slowIds.filter((id) => budget.fits(sizes.get(id)?.spanCount ?? 0));
  const newest = latest.items.filter(({ spanCount }) => budget.fits(spanCount)).map(({ traceId }) => traceId);
  const spans = await reader.spans([...new Set([...newest, ...slow])], options);
  const spansOf = (ids: readonly string[]): (readonly SpanAnswer[])[] =>
    ids.flatMap((id) => {
      const found = spans.get(id);
      return found === undefined ? [] : [found];
    });
  const analysis = await work(analyseSample({ newest: spansOf(newest), slow: spansOf(slow) }, name));
  return { ...analysis, slowest: slowest.slice(0, SHOWN), failed: failed.slice(0, SHOWN) };
}

/** Larger traces than what is left are passed over, so that one does not push out all others. */
class SpanBudget {
  private left = MAX_SPANS;

  fits(spans: number): boolean {
    if (spans > this.left) return false;
    this.left -= spans;
    return true;
  }
}

/** The first of each trace. */
function distinctTraces(exemplars: readonly ExemplarAnswer[]): readonly ExemplarAnswer[] {
  const seen = new Set<string>();
  return exemplars.filter(({ traceId }) => !seen.has(traceId) && seen.add(traceId));
}
