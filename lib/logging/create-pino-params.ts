import { RequestMethod } from '@nestjs/common';
import { type Params } from 'nestjs-pino';

import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { DISCARDED_REQUEST_KEY } from './create-root-logger.js';
import { loggingState } from './logging-state.js';
import { followRequestScope } from './request-scope.js';

/** Matches every path, the root and prefixed ones too, on Nest 11 and 12 with Fastify and Express. */
const EVERY_ROUTE = [{ path: '/{*splat}', method: RequestMethod.ALL }];

export interface PinoParamsOptions {
  /**
   * Who opens the logging scope of a request: `middleware` lets nestjs-pino do it on every route; `caller` mounts no
   * middleware and leaves it to `runInRequestScope`. Default `middleware`.
   */
  readonly requestScope?: 'middleware' | 'caller';
}

/**
 * What nestjs-pino's `LoggerModule.forRootAsync({ useFactory })` needs, so that an injected `PinoLogger` and
 * `assign` work on our root logger. Call it after `startLogging`; when logging is switched off, nestjs-pino gets a
 * logger of its own and no middleware.
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
      // pino-http would wrap our serializers in its own, and write each request's headers out to throw them away.
      wrapSerializers: false,
      customAttributeKeys: { req: DISCARDED_REQUEST_KEY, err: root.config.pino.errorKey ?? 'err' },
    },
  };
}
