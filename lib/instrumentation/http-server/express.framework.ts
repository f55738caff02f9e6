import { type IncomingMessage, type ServerResponse } from 'node:http';

import { type Forwarded, type HttpFramework } from './http-framework.js';

/** Shape of an Express request as far as it is read here; Express is never imported. */
interface ExpressRequestLike extends IncomingMessage {
  readonly app?: ExpressAppLike;
  readonly baseUrl?: string;
  readonly originalUrl?: string;
  readonly route?: ExpressRouteLike;
  readonly host?: string | undefined;
  readonly protocol?: string;
  readonly ip?: string | undefined;
}

const UNMATCHED = Symbol.for('nestjs-telemetry.unmatched-request');

/**
 * Notes that NestJS answers the request with its 404: a route that it went through on its way did
 * not take it.
 */
export function noteUnmatched(request: object): void {
  (request as { [UNMATCHED]?: boolean })[UNMATCHED] = true;
}

/**
 * Reads Express requests: the route is known once a handler of it was reached, and stays on the
 * request.
 */
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

  routeAtEnd(request: ExpressRequestLike & { [UNMATCHED]?: boolean }, adopted?: string): string | undefined {
    const { route } = request;
    if (request[UNMATCHED] === true) return undefined;
    // Middleware that answers by itself, as GraphQL's does, has no route of the router's.
    if (route === undefined || isMiddlewareRoute(route)) return adopted;
    return this.routes.patternOf(route, request.baseUrl ?? '', request.app);
  }

  forwarded(request: ExpressRequestLike): Forwarded | undefined {
    const trust = request.app?.settings?.['trust proxy'];
    if (trust === undefined || trust === false) return undefined;
    return {
      host: request.host,
      scheme: request.protocol === 'https' ? 'https' : 'http',
      client: request.ip,
    };
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

/**
 * Where a route was found: the template of everything it is mounted below, undefined where Express
 * keeps none.
 */
interface Place {
  readonly prefix: string | undefined;
}

/** Deeper is a router that is mounted in itself. */
const MAX_DEPTH = 16;

/**
 * Tells the complete template of an Express route, with those of the routers and applications it is
 * mounted below. `request.baseUrl` cannot: below `use('/tenants/:id', router)` it is `/tenants/42`.
 * The routers are searched once per route.
 */
class ExpressRoutes {
  private readonly places = new WeakMap<ExpressRouteLike, readonly Place[]>();
  /**
   * Applications that are mounted below, as far as requests have been through them: nothing else
   * lists them.
   */
  private readonly apps = new Set<ExpressAppLike>();

  constructor(private readonly root: ExpressAppLike) {}

  /** undefined when the template is not known: the raw URL never stands in for it. */
  patternOf(route: ExpressRouteLike, baseUrl: string, app: ExpressAppLike | undefined): string | undefined {
    const places = this.places.get(route) ?? this.find(route, app);
    const prefix = prefixAt(places, baseUrl);
    if (prefix === undefined) return undefined;
    const path = printPath(route.path ?? '');
    return path === '/' && prefix !== '' ? prefix : prefix + path;
  }

  private find(route: ExpressRouteLike, app: ExpressAppLike | undefined): readonly Place[] {
    for (let each = app; each?.parent !== undefined && !this.apps.has(each); each = each.parent)
      this.apps.add(each);
    const router = routerOf(this.root);
    const found: Place[] = [];
    if (router !== undefined) collect({ route, apps: this.apps, found }, router, '', 0);
    if (found.length > 0) this.places.set(route, found);
    return found;
  }
}

interface Search {
  readonly route: ExpressRouteLike;
  /** A mounted application cannot be seen from its layer, but it knows where it is mounted. */
  readonly apps: ReadonlySet<ExpressAppLike>;
  readonly found: Place[];
}

function collect(search: Search, router: RouterLike, prefix: string | undefined, depth: number): void {
  if (depth > MAX_DEPTH) return;
  for (const layer of router.stack) {
    if (layer.route === search.route) search.found.push({ prefix });
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

function join(prefix: string | undefined, { rawPath, slash }: LayerLike): string | undefined {
  if (slash === true) return prefix;
  if (prefix === undefined || rawPath === undefined) return undefined;
  const path = printPath(rawPath);
  return path === '/' ? prefix : prefix + path.replace(/\/$/, '');
}

/** Of several places of one router, the one that this request came through. */
function prefixAt(places: readonly Place[], baseUrl: string): string | undefined {
  const [first] = places;
  // In something that cannot be looked into: what it is mounted below is not known either.
  if (first === undefined) return undefined;
  if (places.length === 1) return first.prefix;
  return (places.find(({ prefix }) => covers(prefix, baseUrl)) ?? first).prefix;
}

function covers(prefix: string | undefined, baseUrl: string): boolean {
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
type MiddlewareFactory = (method: never) => RegisterMiddleware | Promise<RegisterMiddleware>;
type RegisterMiddleware = (path: string, callback: Middleware) => unknown;

export interface MiddlewareRegistrar {
  createMiddlewareFactory?: MiddlewareFactory;
}

/**
 * Express routes that only carry NestJS middleware; a request that reached no other has no route.
 */
const middlewareRoutes = new WeakSet<object>();

function isMiddlewareRoute(route: object): boolean {
  return middlewareRoutes.has(route);
}

/**
 * Notices which Express routes are NestJS middleware: Nest registers `forRoutes('*')` as a route
 * like any other, and without a note its wildcard would be the route of every unmatched request.
 * Returns the undo.
 */
export function noticeMiddlewareRoutes(adapter: MiddlewareRegistrar): () => void {
  const original = adapter.createMiddlewareFactory;
  if (original === undefined) return () => undefined;
  adapter.createMiddlewareFactory = async (method) => {
    const register = await original.call(adapter, method);
    return (path, callback) => {
      let noted: object | undefined;
      return register(path, (request, response, next) => {
        const { route } = request;
        if (route !== undefined && route !== noted) {
          middlewareRoutes.add(route);
          noted = route;
        }
        return callback(request, response, next);
      });
    };
  };
  return () => {
    delete adapter.createMiddlewareFactory;
  };
}
