import { type ExpressRequestLike } from './express.framework.js';

type Middleware = (request: ExpressRequestLike, response: unknown, next: unknown) => unknown;
type MiddlewareFactory = (method: never) => RegisterMiddleware | Promise<RegisterMiddleware>;
type RegisterMiddleware = (path: string, callback: Middleware) => unknown;

export interface MiddlewareRegistrar {
  createMiddlewareFactory?: MiddlewareFactory;
}

/** Express routes that only carry NestJS middleware; a request that reached no other has no route. */
const middlewareRoutes = new WeakSet<object>();

export function isMiddlewareRoute(route: object): boolean {
  return middlewareRoutes.has(route);
}

/**
 * Notices which Express routes are NestJS middleware: Nest registers `forRoutes('*')` as a route like any other, and
 * without a note its wildcard would be the route of every unmatched request. Returns the undo.
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
