import { context } from '@opentelemetry/api';

import {
  ATTR_DB_OPERATION_NAME,
  ATTR_DB_QUERY_SUMMARY,
  ATTR_DB_QUERY_TEXT,
} from '../../../config/semantic-conventions.constants.js';
import { defineInstrumentation } from '../../define-instrumentation.js';
import { type Call, patchCalls } from '../../patch-calls.js';
import {
  DatabaseClient,
  type DatabaseOperation,
  type DatabaseTarget,
  recordingModeFor,
} from '../database/database-client.js';
import { describeStatement } from '../database/describe-statement.js';
import { fileOf, patchCopy, whenModuleLoaded } from '../loaded-modules.js';

const CLIENT = new DatabaseClient('postgresql', 'nestjs-telemetry/postgres');

/** The class of the queries, which all clients share: of the CommonJS copy and of the ES module. */
const QUERY = fileOf('postgres', 'cjs/src/query.js', 'src/query.js');

/** A query of `postgres`: it is sent when a caller awaits it. */
interface PostgresQuery {
  readonly strings: readonly string[];
  readonly args: readonly unknown[];
  /** Sends the query; one per client, transaction or reserved connection. */
  readonly handler: object;
  readonly executed: boolean;
  /** The text as it was sent; undefined before. */
  readonly string?: string;
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
  /** Called with each row; undefined where the rows are collected. */
  forEachFn?: ((...args: unknown[]) => unknown) | undefined;
  cursorFn?: ((...args: unknown[]) => unknown) | undefined;
}

/** A client: what `postgres()` returns. */
export interface PostgresSql {
  (strings: TemplateStringsArray): unknown;
  readonly options?: {
    readonly host?: readonly string[];
    readonly port?: readonly number[];
    readonly path?: unknown;
    readonly database?: string;
  };
}

/** Of clients that were passed in: queries themselves do not name their server. */
const targets = new WeakMap<object, DatabaseTarget>();

export const postgres = defineInstrumentation({
  packages: ['postgres'],
  clients: { postgres: { start: patchPostgres } },
  patch: patchClient,
});

/**
 * Gives each query of `postgres` (postgres.js) made inside a span a CLIENT span, `SELECT users`.
 * Patches the prototype that the queries of all clients share. Returns the undo.
 */
function patchPostgres(): () => void {
  return whenModuleLoaded(QUERY, (exports) => {
    const { Query } = exports as { readonly Query?: { readonly prototype: object } };
    return patchCopy(Query?.prototype, 'handle', patchHandle);
  });
}

/**
 * Patches the copy that a client belongs to, and has the queries of this client name its server and
 * database.
 *
 * @throws TypeError when the value is no client
 */
function patchClient(sql: PostgresSql): () => void {
  // A query that is never waited for is never sent. Its type is not exported by the package.
  const query = sql(Object.assign([''], { raw: [''] })) as PostgresQuery;
  const prototype: unknown = Object.getPrototypeOf(query);
  if (typeof query.handler !== 'function' || typeof prototype !== 'object' || prototype === null)
    throw new TypeError('it is no client of postgres');
  targets.set(query.handler, targetOf(sql));
  return patchHandle(prototype);
}

function targetOf({ options }: PostgresSql): DatabaseTarget {
  const path = typeof options?.path === 'string' && options.path !== '' ? options.path : undefined;
  return {
    namespace: options?.database,
    serverAddress: path ?? options?.host?.[0],
    serverPort: path === undefined ? options?.port?.[0] : undefined,
  };
}

function patchHandle(prototype: object): () => void {
  return patchCalls(prototype, 'handle', (query: PostgresQuery, handle: Call<PostgresQuery>, args) => {
    if (!query.executed) recordQuery(query);
    return handle.apply(query, args);
  });
}

/** Begins the operation of a query that is about to be sent, and ends it with the query. */
function recordQuery(query: PostgresQuery): void {
  const caller = context.active();
  const mode = isHandshake(query) ? undefined : recordingModeFor(caller);
  if (mode === undefined) return;
  const statement = statementOf(query);
  const operation = CLIENT.beginStatement(mode, statement, targets.get(query.handler) ?? {});
  const finish = (error?: unknown): void => {
    // Helpers are written out, and files are read, only when the query is sent.
    if (query.string !== undefined && query.string !== statement) rename(operation, query.string);
    operation.end(error);
  };
  const { forEachFn, cursorFn } = query;
  // Accessors: a cursor that is iterated sets both again for each batch.
  let { resolve, reject } = query;
  Object.defineProperties(query, {
    resolve: {
      configurable: true,
      get: () => (result: unknown) => {
        finish();
        resolve(result);
      },
      set: (next: PostgresQuery['resolve']) => {
        resolve = next;
      },
    },
    reject: {
      configurable: true,
      get: () => (error: unknown) => {
        finish(error);
        reject(error);
      },
      set: (next: PostgresQuery['reject']) => {
        reject = next;
      },
    },
  });
  // Rows arrive from the socket, where the context of the caller is gone.
  if (forEachFn !== undefined) query.forEachFn = context.bind(caller, forEachFn);
  if (cursorFn !== undefined) query.cursorFn = context.bind(caller, cursorFn);
}

/**
 * What a new connection asks of the server by itself: it hands the query to the connection, not to
 * the client.
 */
function isHandshake({ handler }: PostgresQuery): boolean {
  return 'name' in handler && handler.name === 'execute';
}

function rename(running: DatabaseOperation, statement: string): void {
  const { text, operation, summary } = describeStatement(statement);
  running.labels = { ...running.labels, operation, summary };
  running.span?.updateName(summary).setAttributes({
    [ATTR_DB_QUERY_TEXT]: text,
    [ATTR_DB_OPERATION_NAME]: operation,
    [ATTR_DB_QUERY_SUMMARY]: summary,
  });
}

/**
 * The statement with placeholders for values; of helpers, which are built when it is sent, the
 * names are missing.
 */
function statementOf({ strings, args }: Pick<PostgresQuery, 'strings' | 'args'>): string {
  return strings.reduce(
    (text, part, index) => (index === 0 ? part : `${text}${fragmentOf(args[index - 1], index)}${part}`),
    '',
  );
}

function fragmentOf(value: unknown, index: number): string {
  if (typeof value !== 'object' || value === null) return `$${index}`;
  if (isPartOfQuery(value)) return statementOf(value);
  const names = Object.keys(value);
  // A name that was quoted already: sql('users').
  if (names.length === 1 && 'value' in value && typeof value.value === 'string') return value.value;
  return `$${index}`;
}

/** A query within another one is written out there. */
function isPartOfQuery(value: object): value is Pick<PostgresQuery, 'strings' | 'args'> {
  return 'strings' in value && Array.isArray(value.strings) && 'args' in value && Array.isArray(value.args);
}
