import { type DeclaredRoute } from '../sqlite/rows.interface.js';
import { type HandlerMethod, joinPaths } from './find-handlers.js';

/** A route that an application has registered. */
export interface RegisteredRoute {
  /** HTTP method, or `ALL`. */
  readonly method: string;
  /** The path in the router, with prefixes and versions. */
  readonly path: string;
  readonly handler: unknown;
}

/**
 * The routes of an application with the handler of each: the one whose own path ends the route, the longest where there are several.
 * Nobody tells which handler a registered function belongs to, save NestJS 12, which names it.
 */
export function describeRoutes(
  registered: readonly RegisteredRoute[],
  handlers: readonly HandlerMethod[],
): readonly DeclaredRoute[] {
  const described = new Map<string, DeclaredRoute>();
  for (const route of registered) {
    const key = `${route.method} ${route.path}`;
    const handler = nameOf(route, handlers);
    // Several versions of a route may share its path: who answers is decided by a header.
    const known = described.get(key)?.handler;
    const names = [...new Set([known, handler].filter((name) => name !== undefined))];
    described.set(key, {
      method: route.method,
      route: route.path,
      ...(names.length > 0 && { handler: names.join(', ') }),
    });
  }
  return [...described.values()];
}

function nameOf(
  { method, path, handler }: RegisteredRoute,
  handlers: readonly HandlerMethod[],
): string | undefined {
  const given = typeof handler === 'function' ? handler.name : '';
  if (handlers.some(({ name }) => name === given)) return given;
  const plain = joinPaths(path);
  let best: { readonly name: string; readonly score: number } | undefined;
  for (const candidate of handlers) {
    if (candidate.method !== method || !endsWith(plain, candidate.path)) continue;
    const before = candidate.path === '/' ? plain : plain.slice(0, plain.length - candidate.path.length);
    const fits = candidate.versions.some((version) =>
      before.split('/').some((part) => part.endsWith(version)),
    );
    const score = candidate.path.length * 2 + (fits ? 1 : 0);
    if (best === undefined || score > best.score) best = { name: candidate.name, score };
  }
  return best?.name;
}

/** A wildcard may be written otherwise by the router than by the controller. */
function endsWith(path: string, end: string): boolean {
  if (end === '/') return true;
  const of = (text: string): string => text.replace(/[{}]/g, '').replace(/\*\w*/g, '*');
  return of(path).endsWith(of(end));
}
