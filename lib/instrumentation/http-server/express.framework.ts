import { type IncomingMessage, type ServerResponse } from 'node:http';

import { type ExpressAppLike, type ExpressRouteLike, ExpressRoutes } from './express-routes.js';
import { type Forwarded, type HttpFramework } from './http-framework.interface.js';
import { isMiddlewareRoute } from './middleware-routes.js';

/** Shape of an Express request as far as it is read here; Express is never imported. */
export interface ExpressRequestLike extends IncomingMessage {
  readonly app?: ExpressAppLike;
  readonly baseUrl?: string;
  readonly originalUrl?: string;
  readonly route?: ExpressRouteLike;
  readonly host?: string | undefined;
  readonly protocol?: string;
  readonly ip?: string | undefined;
}

const UNMATCHED = Symbol.for('nestjs-telemetry.unmatched-request');

/** Notes that NestJS answers the request with its 404: a route that it went through on its way did not take it. */
export function noteUnmatched(request: object): void {
  (request as { [UNMATCHED]?: boolean })[UNMATCHED] = true;
}

/** Reads Express requests: the route is known once a handler of it was reached, and stays on the request. */
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
