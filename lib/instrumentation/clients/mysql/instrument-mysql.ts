import { errorMonitor } from 'node:events';

import { type Context, context, trace } from '@opentelemetry/api';

import { ATTR_DB_QUERY_TEXT } from '../../../config/semantic-conventions.constants.js';
import { isWrappedByOthers, patch } from '../../../invocation/patch.js';
import { undoAll } from '../../../process/undo-all.js';
import { shouldStartSpan } from '../../../runtime/tracers.js';
import { defineInstrumentation } from '../../define-instrumentation.js';
import { followTracedCalls } from '../channels.js';
import { describeStatement } from '../database/describe-statement.js';
import {
  beginOperation,
  endOperation,
  recordingModeFor,
  recordWait,
  type RunningOperation,
} from '../database/database-client.js';
import {
  fileOf,
  findLoadedModules,
  type InstrumentedCopy,
  type LoadedModulePattern,
  RECORDED_BY_OTHERS,
  type UnrecordedCopy,
  versionAt,
  whenModuleLoaded,
} from '../loaded-modules.js';

const CONNECTION = fileOf('mysql2', 'lib/base/connection.js');

export const mysql = defineInstrumentation({
  packages: ['mysql2', 'mysql'],
  clients: { mysql2: { replaces: ['@opentelemetry/instrumentation-mysql2'], start: instrumentMysql2 } },
});

/**
 * Gives each query of mysql2 and of `mysql` made inside a span a CLIENT span, `SELECT users`,
 * prepared or not, and shows who waited for a connection of a pool. mysql2 from 3.20 on publishes
 * its calls on diagnostics channels; the prototypes of older copies are patched, so it does not
 * matter when they were loaded. Returns the undo.
 */
function instrumentMysql2(): () => void {
  let othersRecord: boolean | undefined;
  const begin = (message: MysqlQueryMessage): RunningOperation | undefined => {
    othersRecord ??= isRecordedByOthers();
    return othersRecord ? undefined : beginQuery(message);
  };
  const queries = { begin, end: endOperation, restoresCaller: true };
  const undo = [
    followTracedCalls('mysql2:query', queries),
    followTracedCalls('mysql2:execute', queries),
    followTracedCalls('mysql2:pool:connect', { begin: beginWait, end: endWait, restoresCaller: true }),
    patchLoadedMysql(),
  ];
  return undoAll(undo);
}

/**
 * OpenTelemetry's instrumentation and agents wrap the methods whose calls the channels announce.
 */
function isRecordedByOthers(): boolean {
  return findLoadedModules(CONNECTION).some(
    (exports) =>
      typeof exports === 'function' &&
      isWrappedByOthers((exports.prototype as { readonly query?: unknown } | undefined)?.query),
  );
}

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
function patchLoadedMysql(): () => void {
  const undo = PATTERNS.map((pattern) =>
    whenModuleLoaded(pattern, (exports, path) => patchCopy(pattern, exports, path)),
  );
  return undoAll(undo);
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
    return { undo: patch<GetConnection>(prototype, 'getConnection', recordGetConnection, { once: true }) };
  }
  if (!Object.hasOwn(prototype, 'query')) return undefined;
  if (isWrappedByOthers(Reflect.get(prototype, 'query'))) return RECORDED_BY_OTHERS;
  if (publishes(pattern, path)) return { undo: () => undefined };
  return { undo: patch<RunQuery>(prototype, ['query', 'execute'], recordRun, { once: true }) };
}

function publishes(pattern: LoadedModulePattern, path: string): boolean {
  if (pattern.name !== 'mysql2') return false;
  // Without a package.json it is taken for a new one: a call must never have two spans.
  const [major, minor] = versionAt(pattern, path) ?? CHANNELS_SINCE;
  return major > CHANNELS_SINCE[0] || (major === CHANNELS_SINCE[0] && minor >= CHANNELS_SINCE[1]);
}

/**
 * `query()` or `execute()`, with a callback or as an emitter; the promises of mysql2 are built on
 * the former.
 */
function recordRun(original: RunQuery, state: { readonly active: boolean }): RunQuery {
  return function (...args) {
    const caller = context.active();
    const observes = state.active ? recordingModeFor(caller) : undefined;
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

/**
 * Puts the callback of a call in another; undefined where there is none, and the command emits how
 * it ends.
 */
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

/** A monitor and no listener: an error without a listener must be thrown. */
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

function recordGetConnection(original: GetConnection, state: { readonly active: boolean }): GetConnection {
  return function (callback) {
    if (!state.active || typeof callback !== 'function') return original.call(this, callback);
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

/** Where a connection goes, as mysql2 publishes it. */
interface MysqlConnectMessage {
  readonly database: string;
  readonly serverAddress: string;
  readonly serverPort: number | undefined;
}

/** A query; mysql2 publishes a text with the values in it. */
interface MysqlQueryMessage extends MysqlConnectMessage {
  readonly query: string;
}

const SCOPE = 'nestjs-telemetry/mysql2';

/** Begins the operation of a query in the active context; undefined where nothing is recorded. */
function beginQuery(message: MysqlQueryMessage): RunningOperation | undefined {
  const observes = recordingModeFor();
  if (observes === undefined) return undefined;
  const { text, operation, summary } = describeStatement(message.query, 'mysql');
  const labels = {
    system: 'mysql',
    operation,
    summary,
    namespace: message.database === '' ? undefined : message.database,
    serverAddress: message.serverAddress,
    serverPort: message.serverPort,
  };
  const describe = () => ({ [ATTR_DB_QUERY_TEXT]: text });
  return beginOperation(observes, labels, { scope: SCOPE, name: summary, describe });
}

interface Wait {
  readonly message: MysqlConnectMessage;
  readonly caller: Context | undefined;
  readonly startedAt: number;
}

function beginWait(message: MysqlConnectMessage): Wait | undefined {
  if (recordingModeFor() === undefined) return undefined;
  const active = context.active();
  const caller = trace.getSpan(active) !== undefined && shouldStartSpan() ? active : undefined;
  return { message, caller, startedAt: performance.now() };
}

function endWait({ message, caller, startedAt }: Wait, error: unknown): void {
  const { serverAddress, serverPort, database } = message;
  const pool =
    serverPort === undefined ? `${serverAddress}/${database}` : `${serverAddress}:${serverPort}/${database}`;
  const waitedFor = { scope: SCOPE, name: 'mysql.pool.connect', system: 'mysql', pool };
  recordWait(waitedFor, caller, performance.now() - startedAt, error);
}
