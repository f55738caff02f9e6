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

export interface StartedLogging {
  /** The root logger; undefined when `logging` is switched off. */
  readonly logger: Logger | undefined;
  /**
   * Flushes. Later lines (after `app.close()`) keep their form and destination: the next start
   * restores NestJS's logger. Safe to call twice.
   */
  readonly stop: () => void;
}

/**
 * Starts logging for this process, in place of an earlier start.
 *
 * @param options `emitLogRecords`: whether log record processors take lines
 */
export function startLogging(
  config: TelemetryConfig,
  options: { readonly emitLogRecords: boolean },
): StartedLogging {
  const state = forgetLogging();
  if (!config.logging.enabled) return { logger: undefined, stop: () => undefined };
  const root = createRootLogger(config, options.emitLogRecords);
  state.root = root;
  redirectNestPinoRoot(root.logger);
  state.restore = undoAll([installNestLogger(config), installWarningSink()]);
  return { logger: root.logger, stop: root.flush };
}

/** Gives NestJS its logger back, and ends ours: later lines are those of the application alone. */
export function forgetLogging(): ReturnType<typeof loggingState> {
  const state = loggingState();
  state.restore?.();
  state.restore = undefined;
  state.root?.close();
  state.root = undefined;
  state.levels = undefined;
  return state;
}

/**
 * Matches every path, also the root and prefixed ones, on Nest 11 and 12 with Fastify and Express.
 */
const EVERY_ROUTE = [{ path: '/{*splat}', method: RequestMethod.ALL }];

/**
 * The parameters of nestjs-pino's `LoggerModule.forRootAsync()` by which an injected `PinoLogger`
 * and `assign` work on our root logger. Call it after `startLogging`; when logging is off,
 * nestjs-pino gets its own logger and no middleware.
 *
 * @param requestScope `middleware`: nestjs-pino opens the logging scope of each request; `caller`:
 *   the caller does, with `withRequestScope()` or `runInRequestScope()`
 */
export function createPinoParams(config: TelemetryConfig, requestScope: 'middleware' | 'caller'): Params {
  const { root } = loggingState();
  if (root === undefined || !config.logging.enabled)
    return { pinoHttp: { autoLogging: false }, forRoutes: [] };
  followRequestScope();
  return {
    forRoutes: requestScope === 'caller' ? [] : EVERY_ROUTE,
    pinoHttp: {
      logger: root.logger,
      // The request line is ours, with the route and the server span's ids.
      autoLogging: false,
      quietReqLogger: true,
      // pino-http would wrap our serializers, and write out the headers of each request for
      // nothing.
      wrapSerializers: false,
      customAttributeKeys: { req: DISCARDED_REQUEST_KEY, err: root.config.pino.errorKey ?? 'err' },
    },
  };
}
