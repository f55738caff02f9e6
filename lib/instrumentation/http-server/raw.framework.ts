import { type IncomingMessage } from 'node:http';

import { type HttpFramework } from './http-framework.interface.js';

/** Reads requests that no framework has seen, or none yet: upgrades, and what Fastify's router refuses before any hook. */
export const RAW_FRAMEWORK: HttpFramework<IncomingMessage> = {
  answersUnseen: false,
  urlOf: (request) => request.url ?? '/',
  routeAtStart: () => undefined,
  routeAtEnd: (_request, adopted) => adopted,
  forwarded: () => undefined,
  responseLength: () => undefined,
};
