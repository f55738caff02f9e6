import { type IncomingMessage, type ServerResponse } from 'node:http';

import { type RequestHook } from './attach-http-server.js';

/** Shape of Fastify's request and reply as far as it is read. */
interface FastifyPart {
  readonly raw: unknown;
  hijack?(): unknown;
}

/** Express cuts `url` below a router. */
type RequestLike = IncomingMessage & { readonly originalUrl?: string };

/**
 * Passes the requests at and below `path` to `serve`, before routers, prefixes, versions, guards
 * and body parsers. Returns the undo; undefined for an adapter that is not supported.
 */
export function takeRequests(
  adapter: { getType(): string },
  path: string,
  serve: (request: RequestLike, response: ServerResponse) => void,
): (() => void) | undefined {
  const type = adapter.getType();
  if (type !== 'fastify' && type !== 'express') return undefined;
  const setHook = hookSetterOf(adapter);
  // That of the instrumentation, which also runs what the application sets later.
  const before = (adapter as { onRequestHook?: RequestHook }).onRequestHook;
  if (setHook === undefined || before === undefined) return undefined;
  const isFastify = type === 'fastify';
  let active = true;
  setHook.call(adapter, (request, response, done) => {
    const raw = (isFastify ? (request as FastifyPart).raw : request) as RequestLike;
    if (!active || !isBelow(raw.originalUrl ?? raw.url ?? '', path))
      return before.call(adapter, request, response, done);
    if (isFastify) (response as FastifyPart).hijack?.();
    serve(raw, (isFastify ? (response as FastifyPart).raw : response) as ServerResponse);
    return undefined;
  });
  return () => {
    active = false;
  };
}

function isBelow(url: string, path: string): boolean {
  if (!url.startsWith(path)) return false;
  const next = url[path.length];
  return next === undefined || next === '/' || next === '?' || next === '#';
}

/** The adapter's own: that of the instance may be a patch which only notes later hooks. */
function hookSetterOf(adapter: object): ((this: unknown, hook: RequestHook) => void) | undefined {
  const prototype = Object.getPrototypeOf(adapter) as { setOnRequestHook?: unknown } | null;
  const setter = prototype?.setOnRequestHook;
  return typeof setter === 'function' ? (setter as (this: unknown, hook: RequestHook) => void) : undefined;
}
