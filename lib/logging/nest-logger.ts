import { inspect, types } from 'node:util';

import { ConsoleLogger, Logger, type LoggerService, type LogLevel } from '@nestjs/common';
import type { Logger as Pino } from 'pino';

import type { TelemetryConfig } from '../config/telemetry-config.interface.js';
import { copyBounded, readSafely, textOf } from '../engine/copy-bounded.js';
import { isError } from '../errors/telemetry.error.js';
import { LEVEL_VALUES, type LineLevel } from './log-entry.js';
import {
  type ChangedLevels,
  currentLogger,
  errorKeyInForce,
  loggingState,
  writeLine,
} from './logging-state.js';

const nothing = (): void => undefined;

/**
 * Lets NestJS's `Logger` write through the root logger, unless the application (or
 * `@nestjs/testing`, whose modules are silent) chose a logger. Returns the undo.
 */
export function installNestLogger(config: TelemetryConfig): () => void {
  if (!config.logging.nestLogger) return nothing;
  const replaced = defaultLoggerInForce();
  return replaced === undefined ? nothing : override(replaced, replaced);
}

/**
 * Lets NestJS's `Logger` write through the root logger where `@nestjs/testing` has put its own, which drops everything but errors:
 * a test that asks for lines must see them. Returns the undo.
 */
export function replaceTestingLogger(): () => void {
  const inForce = loggerInForce();
  return inForce === undefined || !isTestingLogger(inForce)
    ? nothing
    : override(inForce, new ConsoleLogger());
}

/** @param levels has the levels that are written */
function override(replaced: LoggerService, levels: ConsoleLogger): () => void {
  const ours = new NestLoggerService(levels);
  Logger.overrideLogger(ours);
  return () => {
    if (loggerInForce() === ours) Logger.overrideLogger(replaced);
  };
}

/**
 * Whether NestJS's logger writes lines of this level now: `logger: false`, a list of levels and
 * `useLogger()` decide, and `@nestjs/testing` writes errors only. True for a logger without levels.
 */
export function nestWrites(level: LogLevel): boolean {
  const inForce = loggerInForce() as
    (LoggerService & Partial<Pick<ConsoleLogger, 'isLevelEnabled'>>) | undefined;
  if (inForce === undefined) return false;
  if (isTestingLogger(inForce)) return level === 'error' || level === 'fatal';
  return typeof inForce.isLevelEnabled === 'function' ? inForce.isLevelEnabled(level) : true;
}

/** The last answer: reading the name of a class is a call into V8. */
let askedAbout: LoggerService | undefined;
let wasTestingLogger = false;

/** `@nestjs/testing` is not a dependency, so its class is known by its name. */
function isTestingLogger(logger: LoggerService): boolean {
  if (logger !== askedAbout) {
    askedAbout = logger;
    wasTestingLogger = logger.constructor.name === 'TestingLogger';
  }
  return wasTestingLogger;
}

/** Whether the application chose a console logger of NestJS that writes JSON. */
export function nestWritesJson(): boolean {
  const inForce = loggerInForce();
  // Protected in the declarations.
  const { options } = (inForce ?? {}) as { options?: { json?: unknown } };
  return inForce instanceof ConsoleLogger && options?.json === true;
}

function loggerInForce(): LoggerService | undefined {
  // Private in the declarations, and the same in NestJS 11 and 12.
  return Reflect.get(Logger, 'staticInstanceRef') as LoggerService | undefined;
}

/**
 * NestJS's default console logger if it is in force: exactly then a `Logger` has its own console
 * logger as instance, and else the logger that was chosen.
 */
function defaultLoggerInForce(): ConsoleLogger | undefined {
  const inForce = loggerInForce();
  // Private in the declarations, and the same in NestJS 11 and 12.
  const instance: unknown = Reflect.get(new Logger(), 'localInstance');
  return inForce instanceof ConsoleLogger && instance !== inForce ? inForce : undefined;
}

const METHODS = {
  verbose: 'trace',
  debug: 'debug',
  log: 'info',
  warn: 'warn',
  error: 'error',
  fatal: 'fatal',
} as const;

/**
 * Writes lines of NestJS's `Logger` through the root logger: `new Logger('OrderService').log('…')`
 * has the ids of the active span and `context: 'OrderService'`. The replaced logger has the levels.
 */
export class NestLoggerService implements LoggerService {
  constructor(private readonly replaced: ConsoleLogger) {}

  readonly log = this.writer('log');
  readonly error = this.writer('error');
  readonly warn = this.writer('warn');
  readonly debug = this.writer('debug');
  readonly verbose = this.writer('verbose');
  readonly fatal = this.writer('fatal');

  isLevelEnabled(level: LogLevel): boolean {
    return this.replaced.isLevelEnabled(level);
  }

  setLogLevels(levels: LogLevel[]): void {
    this.replaced.setLogLevels(levels);
  }

  private writer(level: LogLevel): (...args: unknown[]) => void {
    const method = METHODS[level];
    return (...args) => {
      const { levels } = loggingState();
      if (levels === undefined ? !this.replaced.isLevelEnabled(level) : !this.isAllowed(levels, level, args))
        return;
      const logger = currentLogger();
      if (logger === undefined) this.replaced[level](args[0], ...args.slice(1));
      else if (levels !== undefined || logger.isLevelEnabled(method)) writeLines(logger, method, level, args);
    };
  }

  /** Where levels were changed: that of the line's context stands in for those of both loggers. */
  private isAllowed(levels: ChangedLevels, level: LogLevel, args: readonly unknown[]): boolean {
    const context = args.length > 1 ? args.at(-1) : undefined;
    if (levels.levelOf(context) === undefined && !this.replaced.isLevelEnabled(level)) return false;
    const logger = currentLogger();
    return logger === undefined || levels.allows(logger, LEVEL_VALUES[METHODS[level]], context);
  }
}

function writeLines(logger: Pino, method: LineLevel, level: LogLevel, args: readonly unknown[]): void {
  const usual = readUsualLine(args);
  if (usual !== undefined) {
    writeLine(logger, method, usual.fields, usual.message);
    return;
  }
  const errorKey = errorKeyInForce();
  for (const { message, fields } of readNestArguments(args, level === 'error' || level === 'fatal')) {
    const { err, ...rest } = fields;
    writeLine(logger, method, err === undefined ? rest : { ...rest, [errorKey]: err }, message);
  }
}

/**
 * Reads `logger.log(text, context)` and `logger.log(text, fields, context)`, as `readLines()` does,
 * which is ten times as slow. Undefined for all else.
 */
function readUsualLine(
  args: readonly unknown[],
): { readonly message: string; readonly fields: Record<string, unknown> } | undefined {
  const [message, second] = args;
  const context = args.at(-1);
  if (typeof message !== 'string' || typeof context !== 'string' || context.includes('\n')) return undefined;
  if (args.length === 2) return { message, fields: { context } };
  try {
    return args.length === 3 && isUsualObject(second)
      ? { message, fields: { context, ...second } }
      : undefined;
  } catch {
    // A getter or a proxy threw.
    return undefined;
  }
}

/** Fields of which none is an error or the context, and that are not many. */
function isUsualObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  let left = USUAL_FIELDS;
  for (const key in value) {
    left -= 1;
    if (left < 0 || key === 'context' || key === 'err') return false;
  }
  return true;
}

interface NestLine {
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const STACK = /^.+\n\s+at .+/;
const ERROR_HEAD = /^(?:Uncaught )?(?<type>[\w$.]+)(?:: (?<message>[^\n]*))?/;
const MAX_FIELDS = 1_000;
const USUAL_FIELDS = 100;
const INSPECT_OPTIONS = { depth: 5, breakLength: Infinity, maxStringLength: 8_192 };

/**
 * Reads `logger.log(message, ...params, context)`: the last text is the context, plain objects
 * after the message are fields, an error or the text of a stack is the error, and each further
 * message is its own line, as in NestJS's console logger.
 */
function readNestArguments(args: readonly unknown[], takesStack: boolean): NestLine[] {
  try {
    return readLines(args, takesStack);
  } catch {
    // A getter or a proxy threw.
    return [{ message: textOf(args[0], 8_192), fields: { arguments: copyBounded(args.slice(1)) } }];
  }
}

function readLines(args: readonly unknown[], takesStack: boolean): NestLine[] {
  const [first, ...rest] = args.map((argument) => boundFields(resolve(argument)));
  const fields: Record<string, unknown> = {};
  const messages: unknown[] = [];
  const context = rest.at(-1);
  if (typeof context === 'string' && !STACK.test(context)) {
    fields.context = context;
    rest.pop();
  }
  for (const value of rest) {
    if (value === undefined) continue;
    if (isError(value) && fields.err === undefined) fields.err = value;
    else if (isPlainObject(value)) mergeFields(fields, value);
    else if (typeof value === 'string' && takesStack && !('err' in fields)) readStack(value, fields, first);
    else messages.push(value);
  }
  return [first, ...messages].map((message, index) =>
    toLine(message, index === 0 ? fields : contextOf(fields)),
  );
}

function toLine(message: unknown, fields: Readonly<Record<string, unknown>>): NestLine {
  if (typeof message === 'string') return { message, fields };
  if (isError(message)) {
    // An error passed beside it is its cause.
    const { err: cause, ...others } = fields;
    const error = { err: message, ...(cause !== undefined && { cause }) };
    return { message: message.message, fields: { ...others, ...error } };
  }
  if (isPlainObject(message)) {
    const { message: text, msg, ...others } = message;
    const rest = {
      ...(typeof text !== 'string' && { message: text }),
      ...(typeof msg !== 'string' && { msg }),
    };
    const line = typeof text === 'string' ? text : typeof msg === 'string' ? msg : '';
    const merged = { ...others, ...rest, ...fields };
    if (fields.context !== undefined && others.context !== undefined)
      return { message: line, fields: { ...merged, extra_context: others.context } };
    return { message: line, fields: merged };
  }
  return { message: describeMessage(message), fields };
}

function describeMessage(message: unknown): string {
  if (typeof message === 'bigint') return `${textOf(message)}n`;
  return typeof message === 'object' && message !== null ? inspectSafely(message) : textOf(message);
}

function inspectSafely(value: object): string {
  try {
    // Classes and Maps are shown by name; what is large is not.
    return inspect(isLarge(value) ? copyBounded(value) : value, INSPECT_OPTIONS);
  } catch {
    // A custom inspect function of the application threw.
    return textOf(value, INSPECT_OPTIONS.maxStringLength);
  }
}

/** `error(message, stack)` passes the stack as text; NestJS's own exception handlers do. */
function readStack(text: string, fields: Record<string, unknown>, message: unknown): void {
  if (!STACK.test(text)) {
    fields.details = text;
    return;
  }
  const head = ERROR_HEAD.exec(text)?.groups;
  fields.err = { type: head?.type ?? 'Error', message: head?.message ?? String(message), stack: text };
}

function mergeFields(fields: Record<string, unknown>, extra: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(extra)) if (key !== 'context') fields[key] = value;
  if ('context' in extra) fields[fields.context === undefined ? 'context' : 'extra_context'] = extra.context;
}

function contextOf(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return fields.context === undefined ? {} : { context: fields.context };
}

/** Plain objects become fields, which are copied several times: of many keys the first stay. */
function boundFields(value: unknown): unknown {
  return isPlainObject(value) && Object.keys(value).length > MAX_FIELDS
    ? copyBounded(value, { entries: MAX_FIELDS })
    : value;
}

/** Whether writing it out would take long, judged by the members of two levels. */
function isLarge(value: object): boolean {
  if (types.isProxy(value)) return false;
  let members = 0;
  for (const item of Array.isArray(value) ? value.slice(0, MAX_FIELDS) : Object.values(value)) {
    members += typeof item === 'object' && item !== null ? Object.keys(item as object).length + 1 : 1;
    if (members > MAX_FIELDS) return true;
  }
  return false;
}

/** NestJS calls functions passed as messages, and writes a class by its name. */
function resolve(value: unknown): unknown {
  if (typeof value !== 'function') return value;
  if (/^class\b/.test(Function.prototype.toString.call(value))) return value.name;
  return readSafely(() => (value as () => unknown)());
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || isError(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // By shape, not identity: an object of another realm is plain as well.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
