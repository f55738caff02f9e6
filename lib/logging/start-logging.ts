import { RequestMethod } from '@nestjs/common';
import { type Params } from 'nestjs-pino';
import { type Logger } from 'pino';

import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { undoAll } from '../process/undo-all.js';
import { loggingState } from './logging-state.js';
import { installNestLogger } from './nest-logger.js';
import { installWarningSink } from './own-lines.js';
import { followRequestScope, redirectNestPinoRoot } from './request-scope.js';
import { createRootLogger, DISCARDED_REQUEST_KEY } from './root-logger.js';

interface StartLoggingOptions {
  /** Whether log record processors listen, so that lines must become log records. */
  readonly emitLogRecords: boolean;
}

export interface StartedLogging {
  /** The root logger; undefined when `logging` is switched off. */
  readonly logger: Logger | undefined;
  /**
   * Flushes. Lines that come later (after `app.close()`) keep their form and destination: what was
   * replaced is put back by the next start. Safe to call twice.
   */
  stop(): void;
}

/** Starts logging for this process, in place of what an earlier start left. */
export function startLogging(config: TelemetryConfig, options: StartLoggingOptions): StartedLogging {
  const state = loggingState();
  state.restore?.();
  state.restore = undefined;
  state.root?.close();
  state.root = undefined;
  if (!config.logging.enabled) return { logger: undefined, stop: () => undefined };
  const root = createRootLogger(config, options);
  state.root = root;
  redirectNestPinoRoot(root.logger);
  const undo = [installNestLogger(config), installWarningSink()];
  state.restore = undoAll(undo);
  return {
    logger: root.logger,
    stop: () => {
      root.flush();
    },
  };
}

/**
 * Matches every path, the root and prefixed ones too, on Nest 11 and 12 with Fastify and Express.
 */
const EVERY_ROUTE = [{ path: '/{*splat}', method: RequestMethod.ALL }];

export interface PinoParamsOptions {
  /**
   * Who opens the logging scope of a request: `middleware` lets nestjs-pino do it on every route;
   * `caller` mounts no middleware and leaves it to `runInRequestScope`. Default `middleware`.
   */
  readonly requestScope?: 'middleware' | 'caller';
}

/**
 * What nestjs-pino's `LoggerModule.forRootAsync({ useFactory })` needs, so that an injected
 * `PinoLogger` and `assign` work on our root logger. Call it after `startLogging`; when logging is
 * switched off, nestjs-pino gets a logger of its own and no middleware.
 */
export function createPinoParams(config: TelemetryConfig, options: PinoParamsOptions = {}): Params {
  const { root } = loggingState();
  if (root === undefined || !config.logging.enabled)
    return { pinoHttp: { autoLogging: false }, forRoutes: [] };
  followRequestScope();
  return {
    forRoutes: options.requestScope === 'caller' ? [] : EVERY_ROUTE,
    pinoHttp: {
      logger: root.logger,
      // The request line is ours, with the route and the server span's ids.
      autoLogging: false,
      quietReqLogger: true,
      // pino-http would wrap our serializers in its own, and write each request's headers out to
      // throw them away.
      wrapSerializers: false,
      customAttributeKeys: { req: DISCARDED_REQUEST_KEY, err: root.config.pino.errorKey ?? 'err' },
    },
  };
}
