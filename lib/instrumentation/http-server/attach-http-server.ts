import { type IncomingMessage, type ServerResponse } from 'node:http';

import { type AbstractHttpAdapter } from '@nestjs/core';

import { correlateLogger } from '../../logging/correlate-logger.js';
import { runInRequestScope } from '../../logging/request-scope.js';
import { undoAll } from '../../process/undo-all.js';
import { type Application, type ApplicationPart } from '../../runtime/application.js';
import { activateInstrumentation } from '../active-instrumentations.js';
import { recordExceptions } from '../nest/record-exceptions.js';
import {
  type ExpressAppLike,
  ExpressFramework,
  type MiddlewareRegistrar,
  noteUnmatched,
  noticeMiddlewareRoutes,
} from './express.framework.js';
import { FastifyFramework, type FastifyReplyLike, type FastifyRequestLike } from './fastify.framework.js';
import { type HttpFramework } from './http-framework.js';
import { HttpServerRecorder, proceedInScope } from './http-server-recorder.js';
import { observeServer, type ServerLike } from './observe-server.js';

/**
 * Opens the logging scope of each request that reaches one application, and records the request
 * where that is configured.
 */
export function attachHttpServer(application: Application): ApplicationPart {
  const undo: (() => void)[] = [];
  let observeUpgrades = (): void => undefined;
  undo.push(
    application.whenAdapterExists((adapter) => {
      const recorder = createRecorder(application, adapter);
      undo.push(instrumentAdapter(adapter, recorder));
      if (recorder === undefined) return;
      // Here and not with the process-wide ones: those run without NestJS too, and this one loads
      // its core.
      undo.push(activateInstrumentation('nest-exceptions', recordExceptions));
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
  const framework = frameworkOf(adapter);
  return framework === undefined ? undefined : new HttpServerRecorder(framework, config);
}

type RequestHook = (request: unknown, response: unknown, done: () => unknown) => unknown;
type NotFoundHandler = (request: object, response: unknown, next: unknown) => unknown;

/** What is used of NestJS's `AbstractHttpAdapter`. */
interface HttpAdapterLike extends MiddlewareRegistrar {
  getType(): string;
  getInstance(): unknown;
  setOnRequestHook?(hook: RequestHook): void;
  setNotFoundHandler?(handler: NotFoundHandler, ...rest: unknown[]): unknown;
}

const INSTRUMENTED = Symbol.for('nestjs-telemetry.http-adapter');

interface InstrumentedAdapter extends HttpAdapterLike {
  onRequestHook?: RequestHook | undefined;
  [INSTRUMENTED]?: boolean;
}

/** Reads the requests of that adapter; undefined where they cannot be reached. */
function frameworkOf(adapter: HttpAdapterLike): HttpFramework | undefined {
  if (adapter.setOnRequestHook === undefined) return undefined;
  switch (adapter.getType()) {
    case 'fastify':
      return new FastifyFramework();
    case 'express':
      return new ExpressFramework(adapter.getInstance() as ExpressAppLike);
    default:
      return undefined;
  }
}

/** Whether requests of that adapter can be reached. */
export function isAdapterSupported(adapter: HttpAdapterLike): boolean {
  const type = adapter.getType();
  return adapter.setOnRequestHook !== undefined && (type === 'fastify' || type === 'express');
}

/**
 * Reaches every request of a NestJS application through its adapter's request hook, which runs
 * before middleware, guards and body parsers, on Fastify and on Express: opens its logging scope,
 * and records it with `recorder` when there is one. A hook the application has set keeps working.
 * Returns the undo.
 */
function instrumentAdapter(adapter: HttpAdapterLike, recorder: HttpServerRecorder | undefined): () => void {
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
  // The adapter has one slot; an application that sets its hook after us joins ours instead of
  // replacing it.
  target.setOnRequestHook = (later) => {
    applicationHook = later;
  };
  target[INSTRUMENTED] = true;
  const undo = isFastify ? [] : [noticeMiddlewareRoutes(adapter), noticeUnmatched(adapter)];
  return () => {
    active = undefined;
    undoAll(undo)();
    logger?.undo();
    delete target.setOnRequestHook;
    target[INSTRUMENTED] = false;
  };
}

/** On Express a 404 is a handler like others, on a route of its own below a prefix. */
function noticeUnmatched(adapter: HttpAdapterLike): () => void {
  const original = adapter.setNotFoundHandler?.bind(adapter);
  if (original === undefined) return () => undefined;
  adapter.setNotFoundHandler = (handler, ...rest) =>
    original(
      (request, response, next) => {
        noteUnmatched(request);
        return handler(request, response, next);
      },
      ...rest,
    );
  return () => {
    delete adapter.setNotFoundHandler;
  };
}
