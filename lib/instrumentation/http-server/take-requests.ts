import { type IncomingMessage, type ServerResponse } from 'node:http';

type RequestHook = (request: unknown, response: unknown, done: () => unknown) => unknown;

/** The part of NestJS's `AbstractHttpAdapter` that is used here. */
interface HookedAdapter {
  getType(): string;
}

/** Shape of Fastify's request and reply as far as it is read here; Fastify is never imported. */
interface FastifyPart {
  readonly raw: unknown;
  hijack?(): unknown;
}

/** A request, with its whole address where a router has cut `url`. */
type RequestLike = IncomingMessage & { readonly originalUrl?: string };

/**
 * Takes the requests at `path` and below it before anything of the application sees them: routers,
 * prefixes, versions, guards, body parsers. Everything else goes on as before. Returns the undo;
 * undefined where the adapter has no such place.
 */
export function takeRequests(
  adapter: HookedAdapter,
  path: string,
  serve: (request: RequestLike, response: ServerResponse) => void,
): (() => void) | undefined {
  const type = adapter.getType();
  if (type !== 'fastify' && type !== 'express') return undefined;
  const setHook = hookSetterOf(adapter);
  // What records requests has set its own, and runs whatever the application sets later.
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

/** The adapter's own: on the instance may stand one that only takes what the application sets. */
function hookSetterOf(adapter: object): ((this: unknown, hook: RequestHook) => void) | undefined {
  const prototype = Object.getPrototypeOf(adapter) as { setOnRequestHook?: unknown } | null;
  const setter = prototype?.setOnRequestHook;
  return typeof setter === 'function' ? (setter as (this: unknown, hook: RequestHook) => void) : undefined;
}
