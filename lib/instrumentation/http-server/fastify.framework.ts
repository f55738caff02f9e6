import { type IncomingMessage, type ServerResponse } from 'node:http';

import {
  type Forwarded,
  type ForwardedRequest,
  type HttpFramework,
  readForwarded,
} from './http-framework.js';

/** Shape of Fastify's request as far as it is read; Fastify is never imported. */
export interface FastifyRequestLike extends ForwardedRequest {
  readonly raw: IncomingMessage;
  readonly is404?: boolean;
  readonly routeOptions?: { readonly url?: string | undefined };
}

export interface FastifyReplyLike {
  readonly raw: ServerResponse;
  getHeader?(name: string): unknown;
}

interface RouteContext {
  readonly config?: { readonly url?: string | undefined };
}

/** Reads Fastify's requests: its router has matched before the first hook runs. */
export class FastifyFramework implements HttpFramework<FastifyRequestLike, FastifyReplyLike> {
  readonly answersUnseen = true;
  private contextKey: symbol | undefined;

  urlOf(request: FastifyRequestLike): string {
    return request.raw.url ?? '/';
  }

  routeAtStart(request: FastifyRequestLike): string | undefined {
    const url = this.matchedUrl(request);
    // @fastify/cors answers every preflight on its own route, which is no route of the application.
    return url === '*' && request.raw.method === 'OPTIONS' ? undefined : url;
  }

  routeAtEnd(_request: FastifyRequestLike, atStart: string | undefined): string | undefined {
    return atStart;
  }

  forwarded(request: FastifyRequestLike): Forwarded | undefined {
    // Only the requests of an instance with `trustProxy` have it.
    return 'ips' in request ? readForwarded(request) : undefined;
  }

  responseLength(reply: FastifyReplyLike): unknown {
    return reply.getHeader?.('content-length');
  }

  /**
   * `request.routeOptions` makes an object of a dozen fields each time it is read, from what is
   * under a symbol of Fastify's own; a version without that takes the slower way.
   */
  private matchedUrl(request: FastifyRequestLike): string | undefined {
    const context = this.contextOf(request);
    if (context !== undefined) return context.config?.url;
    return request.is404 === true ? undefined : request.routeOptions?.url;
  }

  private contextOf(request: FastifyRequestLike): RouteContext | undefined {
    const fields = request as FastifyRequestLike & Record<symbol, RouteContext | undefined>;
    if (this.contextKey !== undefined) {
      const context = fields[this.contextKey];
      if (context !== undefined) return context;
    }
    this.contextKey = Object.getOwnPropertySymbols(request).find(
      (key) =>
        key.description === 'fastify.context' && fields[key]?.config?.url === request.routeOptions?.url,
    );
    return this.contextKey === undefined ? undefined : fields[this.contextKey];
  }
}
