import { type IncomingMessage } from 'node:http';

/** What a proxy that the framework trusts said of the request it passed on. */
export interface Forwarded {
  /** With the port when one was given. */
  readonly host: string | undefined;
  readonly scheme: 'http' | 'https';
  readonly client: string | undefined;
}

/**
 * How a framework answers what is recorded of a request. One object per instrumented application:
 * nothing is made per request.
 */
export interface HttpFramework<Request = unknown, Response = unknown> {
  /** Whether its router answers some requests itself, before any hook. */
  readonly answersUnseen: boolean;
  /** What was asked for, with the query. */
  urlOf(request: Request): string;
  /**
   * The pattern the router matched (`/orders/:id`) where it matches before the first hook runs;
   * else undefined.
   */
  routeAtStart(request: Request): string | undefined;
  /** The pattern the router matched, once the response is over; undefined when none did. */
  routeAtEnd(request: Request, atStart: string | undefined): string | undefined;
  /** undefined unless the application trusts its proxy. */
  forwarded(request: Request): Forwarded | undefined;
  /** The `content-length` of the response, where it was set. */
  responseLength(response: Response): unknown;
}

/**
 * Reads requests that no framework has seen, or none yet: upgrades, and what Fastify's router
 * refuses before any hook.
 */
export const RAW_FRAMEWORK: HttpFramework<IncomingMessage> = {
  answersUnseen: false,
  urlOf: (request) => request.url ?? '/',
  routeAtStart: () => undefined,
  routeAtEnd: (_request, adopted) => adopted,
  forwarded: () => undefined,
  responseLength: () => undefined,
};
