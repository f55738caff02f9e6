import { type IncomingMessage, type ServerResponse } from 'node:http';

/** How a framework answers what the span needs to know, whenever it knows it. */
export interface FrameworkRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The pattern the router matched (`/orders/:id`), undefined when none did or none is known yet. */
  route(): string | undefined;
}

/** Shape of Fastify's request and reply as far as they are read here; Fastify is never imported. */
export interface FastifyRequestLike {
  readonly raw: IncomingMessage;
  readonly is404?: boolean;
  readonly routeOptions?: { readonly url?: string | undefined };
}

export interface FastifyReplyLike {
  readonly raw: ServerResponse;
}

/** Shape of an Express request as far as it is read here. */
export interface ExpressRequestLike extends IncomingMessage {
  readonly baseUrl?: string;
  readonly originalUrl?: string;
  readonly route?: { readonly path?: string | RegExp | readonly (string | RegExp)[] };
}
