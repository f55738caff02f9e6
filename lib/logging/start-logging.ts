import { type Logger } from 'pino';

import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { createRootLogger } from './create-root-logger.js';
import { installNestLogger } from './install-nest-logger.js';
import { installWarningSink } from './install-warning-sink.js';
import { loggingState } from './logging-state.js';
import { repointNestPino } from './request-scope.js';

export interface StartLoggingOptions {
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
  repointNestPino(root.logger);
  const undo = [installNestLogger(config), installWarningSink()];
  state.restore = () => {
    for (const restore of undo) restore();
  };
  return {
    logger: root.logger,
    stop: () => {
      root.flush();
    },
  };
}
