import { type DeclaredRoute } from '../sqlite/rows.interface.js';

/** A route that an application has registered. */
export interface RegisteredRoute {
  /** HTTP method, or `ALL`. */
  readonly method: string;
  /** The path in the router, with prefixes and versions. */
  readonly path: string;
  readonly handler: unknown;
}

/**
 * The routes of an application, each with its handler: the one whose own path ends the route, the longest of several. Only NestJS 12
 * names the handler that a registered function belongs to.
 */
export function describeRoutes(
  registered: readonly RegisteredRoute[],
  handlers: readonly HandlerMethod[],
): readonly DeclaredRoute[] {
  const described = new Map<string, DeclaredRoute>();
  for (const route of registered) {
    const key = `${route.method} ${route.path}`;
    const handler = nameOf(route, handlers);
    // Versions of a route may share its path: a header decides which one answers.
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
  let best = { name: undefined as string | undefined, score: -1 };
  for (const candidate of handlers) {
    if (candidate.method !== method || !endsWith(plain, candidate.path)) continue;
    const before = candidate.path === '/' ? plain : plain.slice(0, plain.length - candidate.path.length);
    const fits = candidate.versions.some((version) =>
      before.split('/').some((part) => part.endsWith(version)),
    );
    const score = candidate.path.length * 2 + (fits ? 1 : 0);
    if (score > best.score) best = { name: candidate.name, score };
  }
  return best.name;
}

/** Router and controller may write a wildcard in different ways. */
function endsWith(path: string, end: string): boolean {
  if (end === '/') return true;
  const of = (text: string): string => text.replace(/[{}]/g, '').replace(/\*\w*/g, '*');
  return of(path).endsWith(of(end));
}

/** The part of NestJS's `ModulesContainer` that is used here. */
export interface ModulesLike {
  readonly applicationId?: string;
  values(): Iterable<{
    readonly metatype: unknown;
    readonly controllers: ReadonlyMap<unknown, { readonly metatype: unknown }>;
  }>;
}

/** A method of a controller that answers requests. */
interface HandlerMethod {
  /** `Class.method`. */
  readonly name: string;
  /** HTTP method, or `ALL`. */
  readonly method: string;
  /** Path of module, controller and method, without what is before it: prefixes and versions. */
  readonly path: string;
  /** In the order in which they win: the method's own, else its controller's. */
  readonly versions: readonly string[];
}

/** NestJS's names of what decorators leave behind. */
const METADATA = {
  path: 'path',
  method: 'method',
  version: '__version__',
  modulePath: '__module_path__',
} as const;

/** `RequestMethod` of NestJS, by its numbers. */
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'ALL', 'OPTIONS', 'HEAD', 'SEARCH'] as const;

interface ControllerClass {
  readonly name: string;
  readonly prototype: unknown;
}

/** Every handler of every controller of an application. */
export function findHandlers(modules: ModulesLike): readonly HandlerMethod[] {
  const found: HandlerMethod[] = [];
  for (const { metatype: module, controllers } of modules.values()) {
    const modulePath = readModulePath(module, modules.applicationId);
    for (const { metatype } of controllers.values()) {
      if (typeof metatype === 'function') found.push(...handlersOf(metatype, modulePath));
    }
  }
  return found;
}

function handlersOf(controller: ControllerClass, modulePath: string): HandlerMethod[] {
  const handlers: HandlerMethod[] = [];
  const seen = new Set<string>();
  const controllerVersions = readTexts(METADATA.version, controller);
  let prototype = controller.prototype as object | null;
  while (prototype !== null && prototype !== Object.prototype) {
    for (const key of Object.getOwnPropertyNames(prototype)) {
      const method: unknown = Object.getOwnPropertyDescriptor(prototype, key)?.value;
      if (seen.has(key) || key === 'constructor' || typeof method !== 'function') continue;
      seen.add(key);
      const verb = METHODS[read(METADATA.method, method) as number];
      if (verb === undefined) continue;
      const versions = readTexts(METADATA.version, method);
      for (const ofController of readTexts(METADATA.path, controller))
        for (const ofMethod of readTexts(METADATA.path, method))
          handlers.push({
            name: `${controller.name}.${key}`,
            method: verb,
            path: joinPaths(modulePath, ofController, ofMethod),
            versions: versions.length > 0 ? versions : controllerVersions,
          });
    }
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
  return handlers;
}

function readModulePath(module: unknown, applicationId: string | undefined): string {
  if (typeof module !== 'function') return '';
  const path = read(METADATA.modulePath + (applicationId ?? ''), module) ?? read(METADATA.modulePath, module);
  return typeof path === 'string' ? path : '';
}

/** Texts of one or several values. A handler of every version has a symbol instead of a version. */
function readTexts(key: string, target: object): string[] {
  return [read(key, target)].flat().filter((each) => typeof each === 'string');
}

function read(key: string, target: object): unknown {
  return Reflect.getMetadata(key, target) as unknown;
}

/** One path with one slash between its parts, and none at the end. */
function joinPaths(...parts: readonly string[]): string {
  const segments = parts.flatMap((part) => part.split('/')).filter((segment) => segment !== '');
  return `/${segments.join('/')}`;
}
