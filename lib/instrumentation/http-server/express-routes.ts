/** A path of Express: a template, a regular expression, or several. */
type ExpressPath = string | RegExp | readonly (string | RegExp)[];

export interface ExpressRouteLike {
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

/** Where a route was found: the template of everything it is mounted below, undefined where Express keeps none. */
interface Place {
  readonly prefix: string | undefined;
}

/** Deeper is a router that is mounted in itself. */
const MAX_DEPTH = 16;

/**
 * Tells the complete template of an Express route, with those of the routers and applications it is mounted below.
 * `request.baseUrl` cannot: below `use('/tenants/:id', router)` it is `/tenants/42`. The routers are searched once per
 * route.
 */
export class ExpressRoutes {
  private readonly places = new WeakMap<ExpressRouteLike, readonly Place[]>();

  constructor(private readonly root: ExpressAppLike) {}

  /** undefined when the template is not known: the raw URL never stands in for it. */
  patternOf(route: ExpressRouteLike, baseUrl: string, app: ExpressAppLike | undefined): string | undefined {
    let places = this.places.get(route);
    if (places === undefined) {
      places = this.find(route, app);
      this.places.set(route, places);
    }
    const prefix = prefixAt(places, baseUrl);
    if (prefix === undefined) return undefined;
    const path = printPath(route.path ?? '');
    return path === '/' && prefix !== '' ? prefix : prefix + path;
  }

  private find(route: ExpressRouteLike, app: ExpressAppLike | undefined): Place[] {
    const found: Place[] = [];
    const router = routerOf(this.root);
    if (router !== undefined) collect({ route, apps: mountedAbove(app), found }, router, '', 0);
    return found;
  }
}

interface Search {
  readonly route: ExpressRouteLike;
  /** The applications from below the outermost down to the one that has the route; a mounted one cannot be seen from its layer. */
  readonly apps: readonly ExpressAppLike[];
  readonly found: Place[];
}

function collect(search: Search, router: RouterLike, prefix: string | undefined, depth: number): void {
  if (depth > MAX_DEPTH) return;
  for (const layer of router.stack) {
    if (layer.route === search.route) search.found.push({ prefix });
    if (layer.route !== undefined) continue;
    const below = nestedRouter(layer, search.apps);
    if (below !== undefined) collect(search, below, join(prefix, layer), depth + 1);
  }
}

function nestedRouter(
  { handle, name, rawPath }: LayerLike,
  apps: readonly ExpressAppLike[],
): RouterLike | undefined {
  if (isRouter(handle)) return handle;
  if (name === 'mounted_app') {
    const mounted = apps.find(
      ({ mountpath }) => rawPath === undefined || printPath(mountpath ?? '') === printPath(rawPath),
    );
    return mounted === undefined ? undefined : routerOf(mounted);
  }
  // An application that a router, not an application, was told to use.
  return typeof handle === 'function' && 'mountpath' in handle ? routerOf(handle) : undefined;
}

function join(prefix: string | undefined, { rawPath, slash }: LayerLike): string | undefined {
  if (slash === true) return prefix;
  if (prefix === undefined || rawPath === undefined) return undefined;
  const path = printPath(rawPath);
  return path === '/' ? prefix : prefix + path.replace(/\/$/, '');
}

function mountedAbove(app: ExpressAppLike | undefined): ExpressAppLike[] {
  const apps: ExpressAppLike[] = [];
  for (let each = app; each?.parent !== undefined && apps.length < MAX_DEPTH; each = each.parent)
    apps.unshift(each);
  return apps;
}

/** Of several places of one router, the one that this request came through. */
function prefixAt(places: readonly Place[], baseUrl: string): string | undefined {
  const [first] = places;
  // Not below a router, or in one that something of the application's own calls: then only the outermost is certain.
  if (first === undefined) return baseUrl === '' ? '' : undefined;
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

function isRouter(value: unknown): value is RouterLike {
  return typeof value === 'function' && 'stack' in value && Array.isArray(value.stack);
}
