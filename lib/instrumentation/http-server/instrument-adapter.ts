import { type ServerResponse } from 'node:http';

import {
  type ExpressRequestLike,
  type FastifyReplyLike,
  type FastifyRequestLike,
  type FrameworkRequest,
} from './http-request.interface.js';
import { runInRequestScope } from '../../logging/request-scope.js';
import { readExpressRequest, readFastifyRequest } from './framework-requests.js';
import { type MiddlewareRegistrar, noticeMiddlewareRoutes } from './middleware-routes.js';

type RequestHook = (request: unknown, response: unknown, done: (error?: Error) => void) => unknown;

/** What is used of NestJS's `AbstractHttpAdapter`. */
export interface HttpAdapterLike extends MiddlewareRegistrar {
  getType(): string;
  setOnRequestHook?(hook: RequestHook): void;
}

const INSTRUMENTED = Symbol.for('nestjs-telemetry.http-adapter');

interface InstrumentedAdapter extends HttpAdapterLike {
  onRequestHook?: RequestHook;
  [INSTRUMENTED]?: boolean;
}

/** Runs `proceed`, which handles the request, in whatever the record of the request needs around it. */
export type RecordExchange = (exchange: FrameworkRequest, proceed: () => void) => void;

/**
 * Reaches every request of a NestJS application through its adapter's request hook, which runs before middleware,
 * guards and body parsers, on Fastify and on Express: opens its logging scope, and records it with `record`. A hook the
 * application has set keeps working. Returns the undo.
 */
export function instrumentAdapter(adapter: HttpAdapterLike, record: RecordExchange): () => void {
  const target: InstrumentedAdapter = adapter;
  if (target[INSTRUMENTED] === true || target.setOnRequestHook === undefined) return () => undefined;
  const read = readerOf(adapter);
  if (read === undefined) return () => undefined;

  let applicationHook = target.onRequestHook;
  let active = true;
  const hook: RequestHook = (request, response, done) => {
    const proceed = (): void => {
      runInRequestScope(() => {
        if (applicationHook === undefined) done();
        else applicationHook.call(adapter, request, response, done);
      });
    };
    if (active) record(read(request, response), proceed);
    else proceed();
  };
  target.setOnRequestHook(hook);
  // The adapter has one slot; an application that sets its hook after us joins ours instead of replacing it.
  target.setOnRequestHook = (later) => {
    applicationHook = later;
  };
  target[INSTRUMENTED] = true;
  const forgetMiddleware =
    adapter.getType() === 'express' ? noticeMiddlewareRoutes(adapter) : () => undefined;
  return () => {
    active = false;
    forgetMiddleware();
    delete target.setOnRequestHook;
    target[INSTRUMENTED] = false;
  };
}

/** Whether requests of that adapter can be reached. */
export function isAdapterSupported(adapter: HttpAdapterLike): boolean {
  return adapter.setOnRequestHook !== undefined && readerOf(adapter) !== undefined;
}

function readerOf(
  adapter: HttpAdapterLike,
): ((request: unknown, response: unknown) => FrameworkRequest) | undefined {
  switch (adapter.getType()) {
    case 'fastify':
      return (request, reply) => readFastifyRequest(request as FastifyRequestLike, reply as FastifyReplyLike);
    case 'express':
      return (request, response) =>
        readExpressRequest(request as ExpressRequestLike, response as ServerResponse);
    default:
      return undefined;
  }
}
