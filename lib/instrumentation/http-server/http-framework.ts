import { type IncomingMessage } from 'node:http';

/** How a request reached a proxy that the framework trusts. */
export interface Forwarded {
  /** With the port when one was given. */
  readonly host: string | undefined;
  readonly scheme: 'http' | 'https';
  readonly client: string | undefined;
}

/** What Express and Fastify show of a request that a proxy passed on. */
export interface ForwardedRequest {
  readonly host?: string | undefined;
  readonly protocol?: string;
  readonly ip?: string | undefined;
}

export function readForwarded({ host, protocol, ip }: ForwardedRequest): Forwarded {
  return { host, scheme: protocol === 'https' ? 'https' : 'http', client: ip };
}

/** Reads what is recorded of a request. One object per application: nothing is made per request. */
export interface HttpFramework<Request = unknown, Response = unknown> {
  /** Whether its router answers some requests itself, before any hook. */
  readonly answersUnseen: boolean;
  /** With the query. */
  urlOf(request: Request): string;
  /** The pattern (`/orders/:id`) of a router that matches before the first hook; else undefined. */
  routeAtStart(request: Request): string | undefined;
  /** The pattern the router matched, once the response is over; undefined when none did. */
  routeAtEnd(request: Request, atStart: string | undefined): string | undefined;
  /** undefined unless the application trusts its proxy. */
  forwarded(request: Request): Forwarded | undefined;
  /** The `content-length` of the response, where it was set. */
  responseLength(response: Response): unknown;
}

/** Reads requests without a framework: upgrades, and what Fastify's router refuses. */
export const RAW_FRAMEWORK: HttpFramework<IncomingMessage> = {
  answersUnseen: false,
  urlOf: (request) => request.url ?? '/',
  routeAtStart: () => undefined,
  routeAtEnd: (_request, adopted) => adopted,
  forwarded: () => undefined,
  responseLength: () => undefined,
};
