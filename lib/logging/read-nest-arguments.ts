import { inspect, types } from 'node:util';

import { isError } from '../errors/is-error.js';
import { copyBounded, readSafely, textOf } from '../recording/copy-bounded.js';

/** One line to write, made of what was passed to a method of NestJS's logger. */
export interface NestLine {
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const STACK = /^.+\n\s+at .+/;
const ERROR_HEAD = /^(?:Uncaught )?(?<type>[\w$.]+)(?:: (?<message>[^\n]*))?/;
const MAX_FIELDS = 1_000;
const INSPECT_OPTIONS = { depth: 5, breakLength: Infinity, maxStringLength: 8_192 };

/**
 * What `logger.log(message, ...params, context)` means: the last text is the context, plain objects after the message
 * are fields of the line, an error or a stack text is its error, and any further message is a line of its own, as in
 * NestJS's console logger.
 */
export function readNestArguments(args: readonly unknown[], takesStack: boolean): NestLine[] {
  try {
    return readLines(args, takesStack);
  } catch {
    // A getter or a proxy threw: the line is written with what can be copied.
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
    // With both, the error passed beside the message is the cause somebody saw; the message is what went wrong.
    const { err, ...others } = fields;
    return {
      message: message.message,
      fields: { ...others, err: message, ...(err !== undefined && { cause: err }) },
    };
  }
  if (isPlainObject(message)) {
    const { message: text, msg, ...others } = message;
    const rest = {
      ...(typeof text !== 'string' && { message: text }),
      ...(typeof msg !== 'string' && { msg }),
    };
    const line = typeof text === 'string' ? text : typeof msg === 'string' ? msg : '';
    const clash = fields.context !== undefined &&
      others.context !== undefined && { extra_context: others.context };
    return { message: line, fields: { ...others, ...rest, ...fields, ...clash } };
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
  fields.err = {
    type: head?.type ?? 'Error',
    message: head?.message ?? String(message),
    stack: text,
  };
}

function mergeFields(fields: Record<string, unknown>, extra: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(extra)) if (key !== 'context') fields[key] = value;
  if ('context' in extra) fields[fields.context === undefined ? 'context' : 'extra_context'] = extra.context;
}

function contextOf(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return fields.context === undefined ? {} : { context: fields.context };
}

/** Plain objects become fields, which are merged several times: of very many keys the first are kept. */
function boundFields(value: unknown): unknown {
  return isPlainObject(value) && Object.keys(value).length > MAX_FIELDS
    ? copyBounded(value, { entries: MAX_FIELDS })
    : value;
}

/** Whether writing out each level would take long; asked by the number of members two levels down. */
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
