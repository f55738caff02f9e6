import { ConsoleLogger, Logger, type LoggerService } from '@nestjs/common';

import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { NestLoggerService } from './nest-logger.service.js';

/** The private members of NestJS's Logger (the same in 11 and 12) that tell which logger is in force. */
interface LoggerInternals {
  staticInstanceRef: LoggerService | undefined;
  localInstance: LoggerService | undefined;
}

const nothing = (): void => undefined;

/**
 * Lets NestJS's own `Logger` write through the root logger, unless the application (or `@nestjs/testing`, whose
 * modules are silent) chose a logger. Returns what puts the replaced logger back, when ours is still there.
 */
export function installNestLogger(config: TelemetryConfig): () => void {
  if (!config.logging.nestLogger) return nothing;
  const replaced = defaultLoggerInForce();
  if (replaced === undefined) return nothing;
  const ours = new NestLoggerService(replaced);
  Logger.overrideLogger(ours);
  return () => {
    if (loggerInForce() === ours) Logger.overrideLogger(replaced);
  };
}

function loggerInForce(): LoggerService | undefined {
  return (Logger as unknown as LoggerInternals).staticInstanceRef; // private in the declarations, and read nowhere else
}

/**
 * NestJS's default console logger if it is the one in force. A `Logger` answers with a console logger of its own
 * exactly then; in every other case it answers with the logger that was chosen.
 */
function defaultLoggerInForce(): ConsoleLogger | undefined {
  const inForce = loggerInForce();
  const probe = new Logger() as unknown as LoggerInternals; // protected in the declarations
  return inForce instanceof ConsoleLogger && probe.localInstance !== inForce ? inForce : undefined;
}
