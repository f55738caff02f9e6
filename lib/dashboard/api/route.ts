import { type DashboardContext } from '../dashboard-context.interface.js';
import { type HttpRequest } from '../http/http-exchange.interface.js';
import { type OtherProcesses } from '../profiling/other-processes.js';
import { type Profiling } from '../profiling/profiling.js';
import { type Question } from './question.js';

/** One call of the API. */
export interface ApiCall extends Question {
  readonly context: DashboardContext;
  readonly request: HttpRequest;
  /** CPU profiles and heap snapshots of this process. */
  readonly profiling: Profiling;
  /** CPU profiles of processes that have the same store open; undefined where another database is behind the page. */
  readonly others: OtherProcesses | undefined;
}

interface RouteDefinition<Answer> {
  /** Parameters, as the docs show them behind the path. */
  readonly parameters?: string;
  /** The answer, as the docs describe it: one line of Markdown. */
  readonly doc: string;
  /** Answers the call; undefined is answered with 404. */
  handle(call: ApiCall): Answer | undefined | Promise<Answer | undefined>;
}

/** An address below `<path>/api/v1/`. */
export interface ApiRoute extends RouteDefinition<unknown> {
  readonly method: string;
  /** Parts of the path; one that begins with `:` stands for any text, and names it in `params`. */
  readonly segments: readonly string[];
}

/**
 * The routes of a panel, typed by its addresses: `defineRoutes<LogsApi>({ 'GET logs': { doc, handle } })`. The page's client takes
 * the same type.
 */
export function defineRoutes<Api extends object>(routes: {
  readonly [Address in keyof Api & string]: RouteDefinition<Api[Address]>;
}): readonly ApiRoute[] {
  return Object.entries<RouteDefinition<unknown>>(routes).map(([address, route]) => {
    const [method = '', path = ''] = address.split(' ', 2);
    return { ...route, method, segments: path.split('/') };
  });
}

/** The texts of a path in place of the `:names` of a route; undefined when it is another path. */
export function matchSegments(
  pattern: readonly string[],
  segments: readonly string[],
): Readonly<Record<string, string>> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] ?? '';
    if (part.startsWith(':')) params[part.slice(1)] = segment;
    else if (part !== segment) return undefined;
  }
  return params;
}
