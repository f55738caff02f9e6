import { type IncomingMessage, type ServerResponse } from 'node:http';

import { patch } from '../../invocation/patch.js';
import { type Undo } from '../../process/undo-all.js';
import {
  type Forwarded,
  type ForwardedRequest,
  type HttpFramework,
  readForwarded,
} from './http-framework.js';

/** Set on requests that NestJS answers with its 404, after any route that they went through. */
const UNMATCHED = Symbol.for('nestjs-telemetry.unmatched-request');

/** Shape of an Express request as far as it is read; Express is never imported. */
interface ExpressRequestLike extends IncomingMessage, ForwardedRequest {
  readonly app?: ExpressAppLike;
  readonly baseUrl?: string;
  readonly originalUrl?: string;
  readonly route?: ExpressRouteLike;
  [UNMATCHED]?: boolean;
}

/** Reads Express requests, which have their route from its first handler on. */
export class ExpressFramework implements HttpFramework<ExpressRequestLike, ServerResponse> {
  readonly answersUnseen = false;
  private readonly routes: ExpressRoutes;

  constructor(app: ExpressAppLike) {
    this.routes = new ExpressRoutes(app);
  }

  urlOf(request: ExpressRequestLike): string {
    return request.originalUrl ?? request.url ?? '/';
  }

  routeAtStart(): undefined {
    return undefined;
  }

  routeAtEnd(request: ExpressRequestLike, adopted?: string): string | undefined {
    const { route } = request;
    if (request[UNMATCHED] === true) return undefined;
    // Middleware that answers by itself, as GraphQL's does, has no route of the router's.
    if (route === undefined || middlewareRoutes.has(route)) return adopted;
    return this.routes.patternOf(route, request.baseUrl ?? '', request.app);
  }

  forwarded(request: ExpressRequestLike): Forwarded | undefined {
    const trust = request.app?.settings?.['trust proxy'];
    return trust === undefined || trust === false ? undefined : readForwarded(request);
  }

  responseLength(response: ServerResponse): unknown {
    return response.getHeader('content-length');
  }
}

/** A path of Express: a template, a regular expression, or several. */
type ExpressPath = string | RegExp | readonly (string | RegExp)[];

interface ExpressRouteLike {
  readonly path?: ExpressPath;
}

interface RouterLike {
  readonly stack: readonly LayerLike[];
}

interface LayerLike {
  readonly route?: ExpressRouteLike | undefined;
  readonly name?: string;
  readonly handle?: unknown;
  readonly slash?: boolean;
  /** As it was given to `use()`; versions before 2.3 of Express's router do not keep it. */
  readonly rawPath?: ExpressPath;
}

/** What is used of an Express application. */
export interface ExpressAppLike {
  readonly router?: unknown;
  readonly parent?: ExpressAppLike;
  readonly mountpath?: string | readonly string[];
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** The template of all that a route is mounted below; undefined where Express keeps none. */
type Prefix = string | undefined;

/** Deeper is a router that is mounted in itself. */
const MAX_DEPTH = 16;

/**
 * Finds the complete template of an Express route, with those of the routers and applications it is
 * mounted below; `request.baseUrl` has `/tenants/42` for `use('/tenants/:id', router)`. The routers
 * are searched once per route.
 */
class ExpressRoutes {
  private readonly prefixes = new WeakMap<ExpressRouteLike, readonly Prefix[]>();
  /** Mounted applications that requests have been through: they are listed nowhere else. */
  private readonly apps = new Set<ExpressAppLike>();

  constructor(private readonly root: ExpressAppLike) {}

  /** undefined when the template is not known: the raw URL never stands in for it. */
  patternOf(route: ExpressRouteLike, baseUrl: string, app: ExpressAppLike | undefined): string | undefined {
    const prefix = prefixAt(this.prefixes.get(route) ?? this.find(route, app), baseUrl);
    if (prefix === undefined) return undefined;
    const path = printPath(route.path ?? '');
    return path === '/' && prefix !== '' ? prefix : prefix + path;
  }

  private find(route: ExpressRouteLike, app: ExpressAppLike | undefined): readonly Prefix[] {
    for (let each = app; each?.parent !== undefined && !this.apps.has(each); each = each.parent)
      this.apps.add(each);
    const router = routerOf(this.root);
    const found: Prefix[] = [];
    if (router !== undefined) collect({ route, apps: this.apps, found }, router, '', 0);
    if (found.length > 0) this.prefixes.set(route, found);
    return found;
  }
}

interface Search {
  readonly route: ExpressRouteLike;
  /** A mounted application cannot be seen from its layer, but it knows where it is mounted. */
  readonly apps: ReadonlySet<ExpressAppLike>;
  readonly found: Prefix[];
}

function collect(search: Search, router: RouterLike, prefix: Prefix, depth: number): void {
  if (depth > MAX_DEPTH) return;
  for (const layer of router.stack) {
    if (layer.route === search.route) search.found.push(prefix);
    if (layer.route !== undefined) continue;
    for (const below of nestedRouters(layer, search.apps))
      collect(search, below, join(prefix, layer), depth + 1);
  }
}

function nestedRouters(
  { handle, name, rawPath }: LayerLike,
  apps: ReadonlySet<ExpressAppLike>,
): RouterLike[] {
  if (isRouter(handle)) return [handle];
  // An application that is mounted on a router, not on an application.
  if (typeof handle === 'function' && 'mountpath' in handle) return routersOf([handle]);
  if (name !== 'mounted_app' || rawPath === undefined) return [];
  const path = printPath(rawPath);
  return routersOf([...apps].filter(({ mountpath }) => printPath(mountpath ?? '') === path));
}

function join(prefix: Prefix, { rawPath, slash }: LayerLike): Prefix {
  if (slash === true) return prefix;
  if (prefix === undefined || rawPath === undefined) return undefined;
  const path = printPath(rawPath);
  return path === '/' ? prefix : prefix + path.replace(/\/$/, '');
}

/** Of several places of one router, the one that this request came through. */
function prefixAt(prefixes: readonly Prefix[], baseUrl: string): Prefix {
  if (prefixes.length < 2) return prefixes[0];
  return prefixes.find((prefix) => covers(prefix, baseUrl)) ?? prefixes[0];
}

function covers(prefix: Prefix, baseUrl: string): boolean {
  if (prefix === undefined) return false;
  const [templates, segments] = [prefix.split('/'), baseUrl.split('/')];
  return (
    templates.length === segments.length &&
    templates.every((template, index) => /[:*{]/.test(template) || template === segments[index])
  );
}

/** Several patterns or a regular expression read as JavaScript prints them. */
function printPath(path: ExpressPath): string {
  return typeof path === 'string' ? path : String(path);
}

/** `app.router` is made when it is first read; an application that was asked has one. */
function routerOf(app: object): RouterLike | undefined {
  const { router } = app as ExpressAppLike;
  return isRouter(router) ? router : undefined;
}

function routersOf(apps: readonly object[]): RouterLike[] {
  return apps.map(routerOf).filter((router) => router !== undefined);
}

function isRouter(value: unknown): value is RouterLike {
  return typeof value === 'function' && 'stack' in value && Array.isArray(value.stack);
}

type Middleware = (request: ExpressRequestLike, response: unknown, next: unknown) => unknown;
type RegisterMiddleware = (path: string, callback: Middleware) => unknown;

/** Express routes of NestJS middleware: a request that reached no other has no route. */
const middlewareRoutes = new WeakSet<object>();

/**
 * Notes which requests of an adapter have no route: Nest registers `forRoutes('*')` as a route like
 * any other, whose wildcard would be the route of every unmatched request, and its 404 as a handler
 * on its own route below a prefix. Returns the undo.
 */
export function noteExpressRoutes(adapter: object): Undo[] {
  return [
    patch(
      adapter,
      'createMiddlewareFactory',
      (original) =>
        async function (...args) {
          const register = (await original.apply(this, args)) as RegisterMiddleware;
          return (path: string, callback: Middleware) => register(path, notingRoute(callback));
        },
    ),
    patch(
      adapter,
      'setNotFoundHandler',
      (original) =>
        function (handler, ...rest) {
          const noting: Middleware = (request, response, next) => {
            request[UNMATCHED] = true;
            return (handler as Middleware)(request, response, next);
          };
          return original.call(this, noting, ...rest);
        },
    ),
  ];
}

function notingRoute(callback: Middleware): Middleware {
  let noted: object | undefined;
  return (request, response, next) => {
    const { route } = request;
    if (route !== undefined && route !== noted) {
      middlewareRoutes.add(route);
      noted = route;
    }
    return callback(request, response, next);
  };
}
