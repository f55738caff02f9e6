import { errorMonitor } from 'node:events';

import { context, trace } from '@opentelemetry/api';

import { endOperation, observesOperation } from '../database/record-operation.js';
import {
  type InstrumentedCopy,
  type LoadedModulePattern,
  RECORDED_BY_OTHERS,
  type UnrecordedCopy,
  whenModuleLoaded,
} from '../loaded-modules.js';
import { isWrappedByOthers, patchMethod } from '../patch-method.js';
import { versionAt } from '../recorded-libraries.js';
import { beginQuery, beginWait, endWait, type MysqlConnectMessage } from './record-query.js';

type Callback = (this: unknown, ...results: unknown[]) => unknown;

/** What a connection is configured with. */
interface ConnectionConfig {
  readonly host?: string;
  readonly port?: number;
  readonly socketPath?: string;
  readonly database?: string;
}

interface MysqlConnection {
  readonly config?: ConnectionConfig;
  readonly format?: (sql: string, values: unknown) => string;
}

interface MysqlPool {
  readonly config?: { readonly connectionConfig?: ConnectionConfig };
}

/** A query that has been sent, or one that the caller made itself. */
interface MysqlCommand {
  sql?: unknown;
  values?: unknown;
  /** Of mysql2. */
  onResult?: Callback | null | undefined;
  /** Of `mysql`. */
  _callback?: Callback | null | undefined;
  readonly once?: (event: string | symbol, listener: (error?: unknown) => void) => unknown;
}

type RunQuery = (this: MysqlConnection, ...args: unknown[]) => unknown;
type GetConnection = (this: MysqlPool, callback: unknown) => unknown;

/** mysql2 publishes its calls on diagnostics channels from this version on. */
const CHANNELS_SINCE = [3, 20] as const;

/** Connections and pools; the files in `base` are those of mysql2 from 3.11 on. */
const PATTERNS: readonly LoadedModulePattern[] = [
  {
    name: 'mysql2',
    file: /[\\/]node_modules[\\/]mysql2[\\/]lib[\\/](?:base[\\/])?(?:connection|pool)\.js$/,
    anyFile: /[\\/]node_modules[\\/]mysql2[\\/]/,
  },
  {
    name: 'mysql',
    file: /[\\/]node_modules[\\/]mysql[\\/]lib[\\/](?:Connection|Pool)\.js$/,
    anyFile: /[\\/]node_modules[\\/]mysql[\\/]/,
  },
];

/** Patches what has no diagnostics channels: mysql2 before 3.20, and `mysql`. Returns the undo. */
export function patchLoadedMysql(): () => void {
  const undo = PATTERNS.map((pattern) =>
    whenModuleLoaded(pattern, (exports, path) => patchCopy(pattern, exports, path)),
  );
  return () => {
    for (const stop of undo) stop();
  };
}

function patchCopy(
  pattern: LoadedModulePattern,
  exports: unknown,
  path: string,
): InstrumentedCopy | UnrecordedCopy | undefined {
  const prototype: unknown = typeof exports === 'function' ? exports.prototype : undefined;
  if (typeof prototype !== 'object' || prototype === null) return undefined;
  // A subclass inherits what is patched already.
  if (/pool\.js$/i.test(path)) {
    if (!Object.hasOwn(prototype, 'getConnection') || publishes(pattern, path)) return undefined;
    return { undo: patchMethod<GetConnection>(prototype, 'getConnection', recordGetConnection) };
  }
  if (!Object.hasOwn(prototype, 'query')) return undefined;
  if (isWrappedByOthers(Reflect.get(prototype, 'query'))) return RECORDED_BY_OTHERS;
  if (publishes(pattern, path)) return { undo: () => undefined };
  const undo = ['query', 'execute'].map((name) => patchMethod<RunQuery>(prototype, name, recordRun));
  return {
    undo: () => {
      for (const restore of undo) restore();
    },
  };
}

function publishes(pattern: LoadedModulePattern, path: string): boolean {
  if (pattern.name !== 'mysql2') return false;
  // Without a package.json it is taken for a new one: a call must never have two spans.
  const [major, minor] = versionAt(pattern, path) ?? CHANNELS_SINCE;
  return major > CHANNELS_SINCE[0] || (major === CHANNELS_SINCE[0] && minor >= CHANNELS_SINCE[1]);
}

/** `query()` or `execute()`, with a callback or as an emitter; the promises of mysql2 are built on the former. */
function recordRun(original: RunQuery, patch: { readonly active: boolean }): RunQuery {
  return function (...args) {
    const caller = context.active();
    const observes = patch.active ? observesOperation(caller) : undefined;
    const sql = observes === undefined ? undefined : statementOf(this, args);
    if (sql === undefined) return original.apply(this, args);
    const running = beginQuery({ query: sql, ...targetOf(this.config) });
    let ended = false;
    const end = (error?: unknown): void => {
      if (ended || running === undefined) return;
      ended = true;
      endOperation(running, error);
    };
    const around = (callback: Callback): Callback =>
      function (this: unknown, ...results) {
        end(results[0]);
        return context.with(caller, () => callback.apply(this, results));
      };
    try {
      const called = replaceCallback(args, around);
      const command = original.apply(this, called ?? args) as MysqlCommand | undefined;
      if (called === undefined) followCommand(command, end);
      return command;
    } catch (error) {
      end(error);
      throw error;
    }
  };
}

/** Puts the callback of a call in another; undefined where there is none, and the command tells how it ends. */
function replaceCallback(args: unknown[], around: (callback: Callback) => Callback): unknown[] | undefined {
  const [first] = args as [MysqlCommand];
  if (typeof first === 'object' && 'once' in first) {
    const member = '_callback' in first ? '_callback' : 'onResult';
    const callback = first[member];
    if (typeof callback !== 'function') return undefined;
    first[member] = around(callback);
    return args;
  }
  const position = args.findLastIndex((arg) => typeof arg === 'function');
  if (position === -1) return undefined;
  const replaced = [...args];
  replaced[position] = around(args[position] as Callback);
  return replaced;
}

/** A monitor and no listener: an error that nobody listens to must be thrown. */
function followCommand(command: MysqlCommand | undefined, end: (error?: unknown) => void): void {
  command?.once?.(errorMonitor, end);
  command?.once?.('end', () => {
    end();
  });
}

/** The text with its placeholders; names that are given as values (`??`) are written into it. */
function statementOf(connection: MysqlConnection, args: unknown[]): string | undefined {
  const [first, second] = args;
  const given = typeof first === 'object' && first !== null ? (first as MysqlCommand) : undefined;
  const sql = given === undefined ? first : given.sql;
  if (typeof sql !== 'string') return undefined;
  if (!sql.includes('??')) return sql;
  const values = given?.values ?? (typeof second === 'function' ? undefined : second);
  return connection.format?.(sql, values) ?? sql;
}

function recordGetConnection(original: GetConnection, patch: { readonly active: boolean }): GetConnection {
  return function (callback) {
    if (!patch.active || typeof callback !== 'function') return original.call(this, callback);
    const caller = context.active();
    const wait = beginWait(targetOf(this.config?.connectionConfig));
    if (wait === undefined && trace.getSpan(caller) === undefined) return original.call(this, callback);
    return original.call(this, function (this: unknown, ...results: unknown[]): unknown {
      if (wait !== undefined) endWait(wait, results[0]);
      return context.with(caller, () => (callback as Callback).apply(this, results));
    });
  };
}

function targetOf({ host, port, socketPath, database }: ConnectionConfig = {}): MysqlConnectMessage {
  return {
    database: database ?? '',
    serverAddress: socketPath ?? host ?? 'localhost',
    serverPort: socketPath === undefined ? (port ?? 3306) : undefined,
  };
}
