import { patch } from '../../invocation/patch.js';
import { undoAll } from '../../process/undo-all.js';

/** One route that an application registers. */
export interface RegisteredRoute {
  /** HTTP method, or `ALL`. */
  readonly method: string;
  /** As the router has it, with prefixes and versions. */
  readonly path: string;
  readonly handler: unknown;
}

/** The adapter's methods by which routes are registered, by the HTTP method. */
const VERBS = {
  GET: 'get',
  POST: 'post',
  PUT: 'put',
  PATCH: 'patch',
  DELETE: 'delete',
  HEAD: 'head',
  OPTIONS: 'options',
  ALL: 'all',
  SEARCH: 'search',
} as const;

/** Routes as they are registered, until it is stopped. */
export interface RouteWatch {
  readonly routes: readonly RegisteredRoute[];
  /** Leaves the adapter as it was. */
  stop(): void;
}

/**
 * Notes each route that is registered on an adapter from now on: what the router has is what
 * requests are recorded by.
 */
export function watchRoutes(adapter: object): RouteWatch {
  const routes: RegisteredRoute[] = [];
  const undo = Object.entries(VERBS).map(([method, name]) =>
    patch(
      adapter,
      name,
      (original) =>
        function (...args) {
          const [path] = args;
          if (typeof path === 'string') routes.push({ method, path, handler: args.at(-1) });
          return original.apply(this, args);
        },
    ),
  );
  return {
    routes,
    stop: undoAll(undo),
  };
}
