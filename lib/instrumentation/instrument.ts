import { type IncomingMessage, type ServerResponse } from 'node:http';

import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { warnOnce } from '../errors/warnings.js';
import { correlateLogger } from '../logging/correlate-logger.js';
import { textOf } from '../recording/copy-bounded.js';
import { currentRuntime } from '../runtime/runtime-state.js';
import { instrumentNodeHttp } from './clients/http/instrument-node-http.js';
import { instrumentUndici } from './clients/http/instrument-undici.js';
import { patchMongodb } from './clients/mongodb/instrument-mongodb.js';
import { type MongodbModule } from './clients/mongodb/mongodb-module.interface.js';
import { instrumentMysql2 } from './clients/mysql/instrument-mysql.js';
import { patchPg } from './clients/pg/instrument-pg.js';
import { type PgModule } from './clients/pg/pg-module.interface.js';
import { instrumentIoredis, patchIoredisModule } from './clients/redis/instrument-ioredis.js';
import { instrumentNodeRedis } from './clients/redis/instrument-node-redis.js';
import { type IoredisModule } from './clients/redis/ioredis-module.interface.js';
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
  /** Its pino logger, whose lines get the ids of the active span. */
  readonly log?: unknown;
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
  return attempt('instrumentFastify', () => followFastify(fastify));
}

function followFastify(fastify: FastifyLike): UndoInstrumentation {
  const { recorder, undo } = createSwitchableRecorder(new FastifyFramework());
  const logger = correlateLogger(fastify.log);
  fastify.addHook('onRequest', (request, reply, done) => {
    const active = recorder();
    if (active === undefined) done();
    else
      active.handle(request, reply, request.raw, reply.raw, () => {
        logger?.bindChild((request as { log?: unknown }).log);
        done();
      });
  });
  return () => {
    undo();
    logger?.undo();
  };
}

/**
 * Records the requests of an Express application of your own; the one of a Nest application is instrumented already.
 * Call it before other middleware is added.
 */
export function instrumentExpress(app: ExpressLike): UndoInstrumentation {
  return attempt('instrumentExpress', () => followExpress(app));
}

function followExpress(app: ExpressLike): UndoInstrumentation {
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

/**
 * Records commands of ioredis and of redis 6. On by default; usable before or after they are imported. In a bundle or in
 * jest, where it cannot be found, pass the module of ioredis: else its pipelines are recorded command by command, and what
 * waits for a connection not at all.
 */
export function instrumentRedis(ioredis?: IoredisModule): UndoInstrumentation {
  const undo = [
    activateInstrumentation('ioredis', instrumentIoredis),
    activateInstrumentation('node-redis', instrumentNodeRedis),
  ];
  return undoAll(
    ioredis === undefined ? undo : [...undo, attempt('instrumentRedis', () => patchIoredisModule(ioredis))],
  );
}

/**
 * Records pg queries. On by default; usable before or after pg is imported. Pass the module where it cannot be found: in a
 * bundle or in jest.
 *
 * @example
 * import pg from 'pg';
 * instrumentPg(pg);
 */
export function instrumentPg(pg?: PgModule): UndoInstrumentation {
  return pg === undefined
    ? activateInstrumentation('pg', () => patchPg())
    : attempt('instrumentPg', () => patchPg(pg));
}

/** Records mysql2 queries, of MySQL and MariaDB. On by default; usable before or after mysql2 is imported. */
export function instrumentMysql(): UndoInstrumentation {
  return activateInstrumentation('mysql2', instrumentMysql2);
}

/**
 * Records commands of the MongoDB driver, and with it of Mongoose. On by default; usable before or after it is imported, and
 * without its `monitorCommands`. Pass the module where it cannot be found: in a bundle or in jest (of Mongoose,
 * `mongoose.mongo`).
 */
export function instrumentMongodb(mongodb?: MongodbModule): UndoInstrumentation {
  return mongodb === undefined
    ? activateInstrumentation('mongodb', () => patchMongodb())
    : attempt('instrumentMongodb', () => patchMongodb(mongodb));
}

/** Turns on everything that needs no instance: outgoing HTTP, PostgreSQL, Redis, MySQL and MongoDB. */
export function instrumentAll(): UndoInstrumentation {
  return undoAll([
    instrumentHttp(),
    instrumentPg(),
    instrumentRedis(),
    instrumentMysql(),
    instrumentMongodb(),
  ]);
}

/** What is no module or application of the kind is warned about, and nothing is instrumented. */
function attempt(name: string, start: () => UndoInstrumentation): UndoInstrumentation {
  try {
    return start();
  } catch (error) {
    warnOnce(`instrument:${name}`, `${name}() could not instrument what it was given: ${textOf(error)}`);
    return () => undefined;
  }
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
