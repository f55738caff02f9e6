import { type ServerResponse } from 'node:http';

import {
  type ExpressRequestLike,
  type FastifyReplyLike,
  type FastifyRequestLike,
  type FrameworkRequest,
} from './http-request.interface.js';
import { isMiddlewareRoute } from './middleware-routes.js';

/** Reads a Fastify request: its router has matched before the first hook runs. */
export function readFastifyRequest(request: FastifyRequestLike, reply: FastifyReplyLike): FrameworkRequest {
  return {
    request: request.raw,
    response: reply.raw,
    route: () => (request.is404 === true ? undefined : request.routeOptions?.url),
  };
}

/** Reads an Express request: its route is known once a handler of it was reached, and stays on the request. */
export function readExpressRequest(request: ExpressRequestLike, response: ServerResponse): FrameworkRequest {
  return { request, response, route: () => expressRoute(request) };
}

function expressRoute({ route, baseUrl }: ExpressRequestLike): string | undefined {
  const path = route?.path;
  if (route === undefined || path === undefined || isMiddlewareRoute(route)) return undefined;
  // Several patterns or a regular expression read as Express prints them.
  const pattern = typeof path === 'string' ? path : String(path);
  return `${baseUrl ?? ''}${pattern}`;
}
