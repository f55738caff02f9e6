import { type IncomingMessage, type ServerResponse } from 'node:http';

import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { textOf } from '../engine/copy-bounded.js';
import { warnOnce } from '../errors/warnings.js';
import { correlateLogger } from '../logging/correlate-logger.js';
import { undoAll } from '../process/undo-all.js';
import { currentRuntime } from '../runtime/sdk-runtime.js';
import { activateInstrumentation } from './active-instrumentations.js';
import type { MongodbModule } from './clients/mongodb/instrument-mongodb.js';
import type { PgModule } from './clients/pg/instrument-pg.js';
import { type IoredisModule } from './clients/redis/instrument-ioredis.js';
import { type ClientInstrumentation, type UndoInstrumentation } from './define-instrumentation.js';
import { type ExpressAppLike, ExpressFramework } from './http-server/express.framework.js';
import {
  FastifyFramework,
  type FastifyReplyLike,
  type FastifyRequestLike,
} from './http-server/fastify.framework.js';
import { type HttpFramework } from './http-server/http-framework.js';
import { HttpServerRecorder } from './http-server/http-server-recorder.js';
import { clientInstrumentations, type InstrumentationName, type InstrumentedModule } from './registry.js';

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
 * Records the requests of a Fastify instance of your own; the one of a Nest application is
 * instrumented already. Call it before the instance listens.
 *
 * @example
 * const fastify = Fastify();
 * instrumentFastify(fastify);
 */
export function instrumentFastify(fastify: FastifyLike): UndoInstrumentation {
  return attempt('instrumentFastify()', () => {
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
    return undoAll([() => logger?.undo(), undo]);
  });
}

/**
 * Records the requests of an Express application of your own; the one of a Nest application is
 * instrumented already. Call it before other middleware is added.
 */
export function instrumentExpress(app: ExpressLike): UndoInstrumentation {
  return attempt('instrumentExpress()', () => {
    const { recorder, undo } = createSwitchableRecorder(new ExpressFramework(app));
    app.use((request, response, next) => {
      const active = recorder();
      if (active === undefined) next();
      else active.handle(request, response, request, response, next);
    });
    return undo;
  });
}

/**
 * Records the calls of one kind of client, named by its switch in `instrumentation`. Usable at any
 * time, before or after the client is imported; what the configuration has switched on already is
 * joined.
 *
 * @param module the module itself where it cannot be found by its file: in a bundle or in jest.
 *   Default: it is found
 *
 * @example
 * import pg from 'pg';
 * instrument('pg', pg);
 */
export function instrument<K extends InstrumentationName>(
  name: K,
  module?: InstrumentedModule<K>,
): UndoInstrumentation {
  return instrumentAs(`instrument('${textOf(name)}')`, name, module);
}

function instrumentAs<K extends InstrumentationName>(
  caller: string,
  name: K,
  module?: InstrumentedModule<K>,
): UndoInstrumentation {
  // JavaScript may pass any name; and any module, for the type of the parameter is that of the
  // name.
  const definitions = new Map<string, ClientInstrumentation<unknown>>(clientInstrumentations());
  const definition = definitions.get(name);
  if (definition === undefined) {
    const known = [...definitions.keys()].join(', ');
    warnOnce(`instrument:${textOf(name)}`, `${caller} names no client. Known are ${known}.`);
    return () => undefined;
  }
  const undo = Object.entries(definition.clients).map(([client, { start }]) =>
    activateInstrumentation(client, start),
  );
  if (module !== undefined) undo.push(attempt(caller, () => definition.patch?.(module)));
  return undoAll(undo);
}

/**
 * Records outgoing requests of `fetch`, undici, `node:http` and what is built on them (axios, got).
 * The same as `instrument('http')`.
 */
export function instrumentHttp(): UndoInstrumentation {
  return instrument('http');
}

/**
 * Records commands of ioredis and of redis 6. The same as `instrument('redis', ioredis)`; without
 * the module, in a bundle or in jest, the pipelines of ioredis are recorded command by command, and
 * what waits for a connection not at all.
 */
export function instrumentRedis(ioredis?: IoredisModule): UndoInstrumentation {
  return instrumentAs('instrumentRedis()', 'redis', ioredis);
}

/** Records pg queries. The same as `instrument('pg', pg)`. */
export function instrumentPg(pg?: PgModule): UndoInstrumentation {
  return instrumentAs('instrumentPg()', 'pg', pg);
}

/** Records mysql2 queries, of MySQL and MariaDB. The same as `instrument('mysql')`. */
export function instrumentMysql(): UndoInstrumentation {
  return instrument('mysql');
}

/**
 * Records commands of the MongoDB driver, and with it of Mongoose; its `monitorCommands` is not
 * needed. The same as `instrument('mongodb', mongodb)`; of Mongoose, pass `mongoose.mongo`.
 */
export function instrumentMongodb(mongodb?: MongodbModule): UndoInstrumentation {
  return instrumentAs('instrumentMongodb()', 'mongodb', mongodb);
}

/** What `instrumentAll()` leaves out. */
export interface InstrumentAllOptions {
  /** Names of switches of `instrumentation`. Default none. */
  readonly except?: readonly InstrumentationName[];
}

/** Turns on everything that `instrument()` knows: outgoing HTTP, databases, caches and queues. */
export function instrumentAll({ except = [] }: InstrumentAllOptions = {}): UndoInstrumentation {
  const names = clientInstrumentations().map(([name]) => name);
  return undoAll(names.filter((name) => !except.includes(name)).map((name) => instrument(name)));
}

/**
 * A value that is no such module or application causes one warning, and nothing of it is
 * instrumented.
 */
function attempt(caller: string, start: () => UndoInstrumentation | undefined): UndoInstrumentation {
  try {
    return start() ?? (() => undefined);
  } catch (error) {
    warnOnce(
      `instrument:${caller}`,
      `${caller} could not instrument the value it received: ${textOf(error)}`,
    );
    return () => undefined;
  }
}

/**
 * The recorder of the telemetry that runs when a request comes: it may start after the instance,
 * and again with other rules.
 */
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
