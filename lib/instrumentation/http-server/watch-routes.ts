import { patch } from '../../invocation/patch.js';

/** One route that an application registers. */
export interface RegisteredRoute {
  /** HTTP method, or `ALL`. */
  readonly method: string;
  /** As the router has it, with prefixes and versions. */
  readonly path: string;
  readonly handler: unknown;
}

/** The adapter's methods that register routes. */
const VERBS = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options', 'all', 'search'];

/** Routes as they are registered, until it is stopped. */
export interface RouteWatch {
  readonly routes: readonly RegisteredRoute[];
  /** Leaves the adapter as it was. */
  stop(): void;
}

/** Notes each route that is registered on an adapter from now on. */
export function watchRoutes(adapter: object): RouteWatch {
  const routes: RegisteredRoute[] = [];
  const stop = patch(
    adapter,
    VERBS,
    (original, _patched, verb) =>
      function (...args) {
        const [path] = args;
        if (typeof path === 'string') routes.push({ method: verb.toUpperCase(), path, handler: args.at(-1) });
        return original.apply(this, args);
      },
  );
  return { routes, stop };
}
