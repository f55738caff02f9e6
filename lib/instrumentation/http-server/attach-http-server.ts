import { type IncomingMessage, type ServerResponse } from 'node:http';

import { type AbstractHttpAdapter } from '@nestjs/core';

import { patch } from '../../invocation/patch.js';
import { correlateLogger } from '../../logging/correlate-logger.js';
import { runInRequestScope } from '../../logging/request-scope.js';
import { type Undo, undoAll } from '../../process/undo-all.js';
import { type Application, type ApplicationPart } from '../../runtime/application.js';
import { activateInstrumentation } from '../active-instrumentations.js';
import { recordExceptions } from '../nest/record-exceptions.js';
import { addTraceIdToReplies } from './error-bodies.js';
import { type ExpressAppLike, ExpressFramework, noteExpressRoutes } from './express.framework.js';
import { FastifyFramework, type FastifyReplyLike, type FastifyRequestLike } from './fastify.framework.js';
import { HttpServerRecorder, proceedInScope } from './http-server-recorder.js';
import { observeServer, type ServerLike } from './observe-server.js';

/** Opens a logging scope for each request of one application, and records it where configured. */
export function attachHttpServer(application: Application): ApplicationPart {
  const undo: Undo[] = [];
  let observeUpgrades = (): void => undefined;
  undo.push(
    application.whenAdapterExists((adapter) => {
      const recorder = createRecorder(application, adapter);
      undo.push(instrumentAdapter(adapter, recorder));
      if (recorder === undefined) return;
      // Here and not with the process-wide ones, which run without NestJS: this one loads its core.
      undo.push(activateInstrumentation('nest-exceptions', recordExceptions));
      if (application.config.instrumentation.httpServer?.traceIdInErrors === true)
        undo.push(addTraceIdToReplies(adapter));
      observeUpgrades = () => {
        const server = adapter.getHttpServer() as ServerLike | undefined;
        if (server !== undefined) undo.push(observeServer(server, recorder));
      };
    }),
  );
  return {
    ready: () => {
      observeUpgrades();
    },
    stop: undoAll(undo),
  };
}

/** undefined where requests are not to be recorded, or cannot be. */
function createRecorder(
  { config, runtime }: Application,
  adapter: AbstractHttpAdapter,
): HttpServerRecorder | undefined {
  if (runtime === undefined || config.instrumentation.httpServer === undefined) return undefined;
  if (!isAdapterSupported(adapter)) return undefined;
  const framework =
    adapter.getType() === 'fastify'
      ? new FastifyFramework()
      : new ExpressFramework(adapter.getInstance<ExpressAppLike>());
  return new HttpServerRecorder(framework, config);
}

export type RequestHook = (request: unknown, response: unknown, done: () => unknown) => unknown;

/** What is used of NestJS's `AbstractHttpAdapter`. */
interface HttpAdapterLike {
  getType(): string;
  getInstance(): unknown;
  setOnRequestHook?(hook: RequestHook): void;
}

const INSTRUMENTED = Symbol.for('nestjs-telemetry.http-adapter');

interface InstrumentedAdapter extends HttpAdapterLike {
  onRequestHook?: RequestHook | undefined;
  [INSTRUMENTED]?: boolean;
}

/** Whether requests of that adapter can be reached. */
export function isAdapterSupported(adapter: HttpAdapterLike): boolean {
  const type = adapter.getType();
  return adapter.setOnRequestHook !== undefined && (type === 'fastify' || type === 'express');
}

/**
 * Reaches every request through the adapter's request hook, which runs before middleware, guards
 * and body parsers: opens its logging scope, and records it with `recorder` when there is one. A
 * hook of the application keeps working. Returns the undo.
 */
function instrumentAdapter(adapter: HttpAdapterLike, recorder: HttpServerRecorder | undefined): Undo {
  const target: InstrumentedAdapter = adapter;
  if (target[INSTRUMENTED] === true || !isAdapterSupported(adapter)) return () => undefined;
  const isFastify = adapter.getType() === 'fastify';

  let applicationHook = target.onRequestHook;
  let active = recorder;
  const logger = isFastify ? correlateLogger((adapter.getInstance() as { log?: unknown }).log) : undefined;
  const hook: RequestHook = (request, response, done) => {
    const own = applicationHook;
    const proceed = own === undefined ? done : () => own.call(adapter, request, response, done);
    const rawResponse = isFastify ? (response as FastifyReplyLike).raw : (response as ServerResponse);
    if (active === undefined) return proceedInScope(rawResponse, proceed);
    const raw = isFastify ? (request as FastifyRequestLike).raw : (request as IncomingMessage);
    return active.handle(request, response, raw, rawResponse, () => {
      logger?.bindChild((request as { log?: unknown }).log);
      return runInRequestScope(proceed);
    });
  };
  target.setOnRequestHook?.(hook);
  target[INSTRUMENTED] = true;
  const undo = [
    // The adapter has one slot: a hook that the application sets later joins ours.
    patch(target, 'setOnRequestHook', () => (later: RequestHook) => {
      applicationHook = later;
    }),
    ...(isFastify ? [] : noteExpressRoutes(adapter)),
  ];
  return () => {
    active = undefined;
    undoAll(undo)();
    logger?.undo();
    target[INSTRUMENTED] = false;
  };
}
