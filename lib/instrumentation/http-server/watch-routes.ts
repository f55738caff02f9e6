/** One route that an application registers. */
export interface RegisteredRoute {
  /** HTTP method, or `ALL`. */
  readonly method: string;
  /** As the router has it, with prefixes and versions. */
  readonly path: string;
  readonly handler: unknown;
}

/** What is used of NestJS's `AbstractHttpAdapter`. */
type RouteRegistrar = Record<string, unknown>;

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

/** Notes each route that is registered on an adapter from now on: what the router has is what requests are recorded by. */
export function watchRoutes(adapter: object): RouteWatch {
  const routes: RegisteredRoute[] = [];
  const registrar = adapter as RouteRegistrar;
  const undo: (() => void)[] = [];
  for (const [method, name] of Object.entries(VERBS)) {
    const original = registrar[name];
    if (typeof original !== 'function') continue;
    const isOwn = Object.hasOwn(registrar, name);
    const noting = function (this: unknown, ...args: unknown[]): unknown {
      const [path] = args;
      if (typeof path === 'string') routes.push({ method, path, handler: args.at(-1) });
      return (original as (...given: unknown[]) => unknown).apply(this, args);
    };
    registrar[name] = noting;
    undo.push(() => {
      if (registrar[name] !== noting) return;
      if (isOwn) registrar[name] = original;
      else Reflect.deleteProperty(registrar, name);
    });
  }
  return {
    routes,
    stop: () => {
      for (const restore of undo) restore();
    },
  };
}
