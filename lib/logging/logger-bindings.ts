import { type Logger, symbols } from 'pino';

import { isReservedKey } from './log-entry.js';

/** What a logger puts on each of its lines. */
export interface LoggerBindings {
  /** As JSON that begins with a comma. */
  readonly text: string;
  /** What a child of the root added, for the entry of the line; undefined when nothing was. */
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

/** The text pino puts in front of each line of a logger and of its children. */
export function bindingsOf(logger: object | undefined): unknown {
  return memberOf(logger, symbols.chindingsSym);
}

/** What the options of `child()` replace. */
const OPTIONS = [
  symbols.serializersSym,
  symbols.stringifiersSym,
  symbols.mixinSym,
  symbols.lsCacheSym,
  symbols.streamSym,
] as const;

/** Reads what the root logger and its children put on their lines, once for each of them. */
export class BindingsReader {
  private readonly known = new WeakMap<
    Logger,
    { readonly text: unknown; readonly bindings: LoggerBindings | undefined }
  >();
  private readonly rootText: unknown;

  constructor(private readonly root: Logger) {
    this.rootText = bindingsOf(root);
  }

  /** Undefined for a logger whose child options differ from those of its parent, or whose bindings only pino can write. */
  read(logger: Logger): LoggerBindings | undefined {
    const text = bindingsOf(logger);
    const known = this.known.get(logger);
    // `setBindings()` replaces the text.
    if (known !== undefined && known.text === text) return known.bindings;
    const bindings = this.hasOptions(logger) ? undefined : this.bindingsIn(text);
    this.known.set(logger, { text, bindings });
    return bindings;
  }

  private bindingsIn(text: unknown): LoggerBindings | undefined {
    const { rootText } = this;
    if (typeof text !== 'string' || typeof rootText !== 'string' || !text.startsWith(rootText))
      return undefined;
    if (text.length === rootText.length) return { text, fields: undefined };
    const fields = readPlainFields(text.slice(rootText.length));
    return fields && { text, fields };
  }

  private hasOptions(logger: Logger): boolean {
    const { root } = this;
    if (logger === root) return false;
    if (logger.msgPrefix !== root.msgPrefix || formatterOf(logger) !== formatterOf(root)) return true;
    return OPTIONS.some((option) => memberOf(logger, option) !== memberOf(root, option));
  }
}

/** pino declares its symbols, and not what is behind them. */
function memberOf(logger: object | undefined, symbol: symbol): unknown {
  return (logger as Readonly<Record<symbol, unknown>> | undefined)?.[symbol];
}

function formatterOf(logger: Logger): unknown {
  return (memberOf(logger, symbols.formattersSym) as { readonly log?: unknown } | undefined)?.log;
}

/** Undefined where a value is no text, number or boolean, or a key is one that the logger treats in its own way. */
function readPlainFields(text: string): Readonly<Record<string, unknown>> | undefined {
  const fields = JSON.parse(`{${text.slice(1)}}`) as Record<string, unknown>; // pino wrote the object
  for (const key in fields) {
    const type = typeof fields[key];
    if (isReservedKey(key) || (type !== 'string' && type !== 'number' && type !== 'boolean'))
      return undefined;
  }
  return fields;
}
