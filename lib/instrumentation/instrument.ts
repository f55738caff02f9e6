import { type IncomingMessage, type ServerResponse } from 'node:http';

import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { currentRuntime } from '../runtime/runtime-state.js';
import { instrumentNodeHttp } from './clients/http/instrument-node-http.js';
import { instrumentUndici } from './clients/http/instrument-undici.js';
import { patchPg } from './clients/pg/instrument-pg.js';
import { type PgModule } from './clients/pg/pg-module.interface.js';
import { instrumentIoredis } from './clients/redis/instrument-ioredis.js';
import { ExpressFramework } from './http-server/express.framework.js';
import { type ExpressAppLike } from './http-server/express-routes.js';
import {
  FastifyFramework,
  type FastifyReplyLike,
  type FastifyRequestLike,
} from './http-server/fastify.framework.js';
import { type HttpFramework } from './http-server/http-framework.interface.js';
import { HttpServerRecorder } from './http-server/http-server-recorder.js';
import { activateInstrumentation } from './instrumentation-registry.js';

/** Turns an instrumentation off again; calling it more than once is harmless. */
export type UndoInstrumentation = () => void;

/** What is used of a Fastify instance. */
export interface FastifyLike {
  addHook(
    name: 'onRequest',
    hook: (request: FastifyRequestLike, reply: FastifyReplyLike, done: () => void) => void,
  ): unknown;
}

/** What is used of an Express application. */
export interface ExpressLike extends ExpressAppLike {
  use(middleware: (request: IncomingMessage, response: ServerResponse, next: () => void) => void): unknown;
}

/**
 * Records the requests of a Fastify instance of your own; the one of a Nest application is instrumented already. Call
 * it before the instance listens.
 *
 * @example
 * const fastify = Fastify();
 * instrumentFastify(fastify);
 */
export function instrumentFastify(fastify: FastifyLike): UndoInstrumentation {
  const { recorder, undo } = createSwitchableRecorder(new FastifyFramework());
  fastify.addHook('onRequest', (request, reply, done) => {
    const active = recorder();
    if (active === undefined) done();
    else active.handle(request, reply, request.raw, reply.raw, done);
  });
  return undo;
}

/**
 * Records the requests of an Express application of your own; the one of a Nest application is instrumented already.
 * Call it before other middleware is added.
 */
export function instrumentExpress(app: ExpressLike): UndoInstrumentation {
  const { recorder, undo } = createSwitchableRecorder(new ExpressFramework(app));
  app.use((request, response, next) => {
    const active = recorder();
    if (active === undefined) next();
    else active.handle(request, response, request, response, next);
  });
  return undo;
}

/**
 * Records outgoing requests, of `fetch`, undici, `node:http` and what is built on them (axios, got), and sends the trace
 * along. On by default; usable at any time.
 */
export function instrumentHttp(): UndoInstrumentation {
  return undoAll([
    activateInstrumentation('undici', instrumentUndici),
    activateInstrumentation('node-http', instrumentNodeHttp),
  ]);
}

/** Records ioredis commands. On by default; usable before or after ioredis is imported. */
export function instrumentRedis(): UndoInstrumentation {
  return activateInstrumentation('ioredis', instrumentIoredis);
}

/**
 * Records pg queries. On by default for a pg that is loaded when telemetry starts; pass the module when it comes later,
 * or where it cannot be found: in a bundle or in jest.
 *
 * @example
 * import pg from 'pg';
 * instrumentPg(pg);
 */
export function instrumentPg(pg?: PgModule): UndoInstrumentation {
  return pg === undefined ? activateInstrumentation('pg', () => patchPg()) : patchPg(pg);
}

/** Turns on everything that needs no instance: outgoing HTTP, PostgreSQL and Redis. */
export function instrumentAll(): UndoInstrumentation {
  return undoAll([instrumentHttp(), instrumentPg(), instrumentRedis()]);
}

function undoAll(undo: readonly UndoInstrumentation[]): UndoInstrumentation {
  return () => {
    for (const stop of undo) stop();
  };
}

/** The recorder of the telemetry that runs when a request comes: it may start after the instance, and again with other rules. */
function createSwitchableRecorder(framework: HttpFramework): {
  recorder: () => HttpServerRecorder | undefined;
  undo: UndoInstrumentation;
} {
  let active = true;
  let madeFor: TelemetryConfig | undefined;
  let made: HttpServerRecorder | undefined;
  return {
    recorder: () => {
      const config = currentRuntime()?.config;
      if (!active || config === undefined) return undefined;
      if (config !== madeFor) {
        made = new HttpServerRecorder(framework, config);
        madeFor = config;
      }
      return made;
    },
    undo: () => {
      active = false;
    },
  };
}
