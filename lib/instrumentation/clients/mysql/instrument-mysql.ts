import { errorMonitor } from 'node:events';

import { type Context, context, trace } from '@opentelemetry/api';

import { undoAll } from '../../../process/undo-all.js';
import { defineInstrumentation } from '../../define-instrumentation.js';
import { type Call, patchCalls } from '../../patch-calls.js';
import { followTracedCalls } from '../channels.js';
import {
  bindCallback,
  bindLastCallback,
  DatabaseClient,
  type DatabaseOperation,
  recordingModeFor,
} from '../database/database-client.js';
import {
  fileOf,
  isSince,
  type LoadedModulePattern,
  patchCopy,
  type PatchedCopy,
  recordedByOthers,
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
  const isRecorded = recordedByOthers(CONNECTION, (exports) =>
    typeof exports === 'function'
      ? (exports.prototype as { readonly query?: unknown } | undefined)?.query
      : undefined,
  );
  const begin = (message: MysqlQueryMessage) => (isRecorded() ? undefined : beginQuery(message));
  const inCaller = { restoresCaller: true };
  return undoAll([
    followTracedCalls('mysql2:query', begin, inCaller),
    followTracedCalls('mysql2:execute', begin, inCaller),
    followTracedCalls(
      'mysql2:pool:connect',
      (message: MysqlConnectMessage) => {
        const end = beginWait(message);
        return end && { end };
      },
      inCaller,
    ),
    ...PATTERNS.map((pattern) =>
      whenModuleLoaded(pattern, (exports, path) => patchLoaded(pattern, exports, path)),
    ),
  ]);
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

/** mysql2 publishes its calls on diagnostics channels from this version on. */
const CHANNELS_SINCE = [3, 20] as const;

/** Connections and pools; the files in `base` are those of mysql2 from 3.11 on. */
const PATTERNS = [
  fileOf('mysql2', 'lib/(?:base/)?(?:connection|pool).js'),
  fileOf('mysql', 'lib/(?:Connection|Pool).js'),
];

/** Patches what has no diagnostics channels: mysql2 before 3.20, and `mysql`. */
function patchLoaded(pattern: LoadedModulePattern, exports: unknown, path: string): PatchedCopy | undefined {
  const prototype: unknown = typeof exports === 'function' ? exports.prototype : undefined;
  if (typeof prototype !== 'object' || prototype === null) return undefined;
  const publishes = pattern.name === 'mysql2' && isSince(pattern, path, CHANNELS_SINCE);
  // A subclass inherits what is patched already.
  if (/pool\.js$/i.test(path)) {
    if (!Object.hasOwn(prototype, 'getConnection') || publishes) return undefined;
    return patchCalls(prototype, 'getConnection', recordGetConnection);
  }
  if (!Object.hasOwn(prototype, 'query')) return undefined;
  return patchCopy(prototype, 'query', () =>
    publishes ? () => undefined : patchCalls(prototype, ['query', 'execute'], recordRun),
  );
}

/**
 * `query()` or `execute()`, with a callback or as an emitter; the promises of mysql2 are built on
 * the former.
 */
function recordRun(connection: MysqlConnection, run: Call<MysqlConnection>, args: unknown[]): unknown {
  const caller = context.active();
  const sql = recordingModeFor(caller) && statementOf(connection, args);
  const operation =
    sql === undefined ? undefined : beginQuery({ query: sql, ...targetOf(connection.config) });
  if (operation === undefined) return run.apply(connection, args);
  const end = (error?: unknown): void => {
    operation.end(error);
  };
  try {
    const called = bindCallbackIn(args, caller, end);
    const command = run.apply(connection, called ?? args) as MysqlCommand | undefined;
    if (called !== undefined) return command;
    // A monitor and no listener: an error without a listener must be thrown.
    command?.once?.(errorMonitor, end);
    command?.once?.('end', () => {
      end();
    });
    return command;
  } catch (error) {
    end(error);
    throw error;
  }
}

/**
 * Binds the callback of a call; undefined where there is none, and the command emits how it ends.
 */
function bindCallbackIn(
  args: unknown[],
  caller: Context,
  finish: (error: unknown) => void,
): unknown[] | undefined {
  const [first] = args as [MysqlCommand];
  if (typeof first !== 'object' || !('once' in first)) return bindLastCallback(args, caller, finish);
  const member = '_callback' in first ? '_callback' : 'onResult';
  const callback = first[member];
  if (typeof callback !== 'function') return undefined;
  first[member] = bindCallback(callback, caller, finish);
  return args;
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

function recordGetConnection(pool: MysqlPool, getConnection: Call<MysqlPool>, args: unknown[]): unknown {
  const caller = context.active();
  const [callback] = args;
  const end = typeof callback === 'function' ? beginWait(targetOf(pool.config?.connectionConfig)) : undefined;
  if (end === undefined && trace.getSpan(caller) === undefined) return getConnection.apply(pool, args);
  return getConnection.apply(pool, bindLastCallback(args, caller, end ?? (() => undefined)) ?? args);
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

const CLIENT = new DatabaseClient('mysql', 'nestjs-telemetry/mysql2', 'mysql');

/** Begins the operation of a query in the active context; undefined where nothing is recorded. */
function beginQuery(message: MysqlQueryMessage): DatabaseOperation | undefined {
  const mode = recordingModeFor();
  const { query, database, serverAddress, serverPort } = message;
  const namespace = database === '' ? undefined : database;
  return mode && CLIENT.beginStatement(mode, query, { namespace, serverAddress, serverPort });
}

function beginWait({ database, serverAddress, serverPort }: MysqlConnectMessage) {
  return CLIENT.beginWait('mysql.pool.connect', () => {
    const port = serverPort === undefined ? '' : `:${serverPort}`;
    return `${serverAddress}${port}/${database}`;
  });
}
