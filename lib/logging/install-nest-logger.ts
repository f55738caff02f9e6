import { ConsoleLogger, Logger, type LoggerService, type LogLevel } from '@nestjs/common';

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

/**
 * Whether NestJS's logger writes lines of this level now: `logger: false`, a list of levels and
 * `useLogger()` decide, and `@nestjs/testing` writes errors only. True for a logger of the
 * application that does not say.
 */
export function nestWrites(level: LogLevel): boolean {
  const inForce = loggerInForce() as
    (LoggerService & Partial<Pick<ConsoleLogger, 'isLevelEnabled'>>) | undefined;
  if (inForce === undefined) return false;
  if (inForce.constructor.name === 'TestingLogger') return level === 'error' || level === 'fatal';
  return typeof inForce.isLevelEnabled === 'function' ? inForce.isLevelEnabled(level) : true;
}

/** Whether the application chose a console logger of NestJS that writes JSON. */
export function nestWritesJson(): boolean {
  const inForce = loggerInForce();
  // Protected in the declarations.
  const { options } = (inForce ?? {}) as { options?: { json?: unknown } };
  return inForce instanceof ConsoleLogger && options?.json === true;
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
