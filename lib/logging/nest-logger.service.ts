import { type ConsoleLogger, type LoggerService, type LogLevel } from '@nestjs/common';
import { type Logger } from 'pino';

import { currentLogger, loggingState } from './logging-state.js';
import { readNestArguments } from './read-nest-arguments.js';
import { type LineLevel, writeLine } from './write-line.js';

const METHODS = {
  verbose: 'trace',
  debug: 'debug',
  log: 'info',
  warn: 'warn',
  error: 'error',
  fatal: 'fatal',
} as const;

/**
 * NestJS's logger, writing through the root logger: `new Logger('OrderService').log('…')` carries the active span's
 * ids and `context: 'OrderService'`. Stands in for the console logger it is given, whose log levels stay in force.
 */
export class NestLoggerService implements LoggerService {
  constructor(private readonly replaced: ConsoleLogger) {}

  log(...args: unknown[]): void {
    this.write('log', args);
  }

  error(...args: unknown[]): void {
    this.write('error', args);
  }

  warn(...args: unknown[]): void {
    this.write('warn', args);
  }

  debug(...args: unknown[]): void {
    this.write('debug', args);
  }

  verbose(...args: unknown[]): void {
    this.write('verbose', args);
  }

  fatal(...args: unknown[]): void {
    this.write('fatal', args);
  }

  isLevelEnabled(level: LogLevel): boolean {
    return this.replaced.isLevelEnabled(level);
  }

  setLogLevels(levels: LogLevel[]): void {
    this.replaced.setLogLevels(levels);
  }

  private write(level: LogLevel, args: readonly unknown[]): void {
    if (!this.replaced.isLevelEnabled(level)) return;
    const logger = currentLogger();
    if (logger === undefined) {
      this.replaced[level](args[0], ...args.slice(1));
      return;
    }
    const method = METHODS[level];
    if (logger.isLevelEnabled(method)) writeLines(logger, method, level, args);
  }
}

function writeLines(logger: Logger, method: LineLevel, level: LogLevel, args: readonly unknown[]): void {
  const errorKey = loggingState().root?.config.pino.errorKey ?? 'err';
  for (const { message, fields } of readNestArguments(args, level === 'error' || level === 'fatal')) {
    const { err, ...rest } = fields;
    writeLine(logger, method, err === undefined ? rest : { ...rest, [errorKey]: err }, message);
  }
}
