import { context } from '@opentelemetry/api';

import {
  ATTR_NESTJS_DB_PREPARED_STATEMENT,
  ATTR_NESTJS_DB_TRANSACTION_DURATION,
  ATTR_NESTJS_DB_TRANSACTION_STATEMENTS,
} from '../../../config/semantic-conventions.constants.js';
import { followResult } from '../../../invocation/follow-result.js';
import { isWrappedByOthers, ownersOf, replaceMembers } from '../../../invocation/patch.js';
import { undoAll } from '../../../process/undo-all.js';
import { defineInstrumentation } from '../../define-instrumentation.js';
import { type Call, patchCalls } from '../../patch-calls.js';
import {
  bindLastCallback,
  DatabaseClient,
  type DatabaseOperation,
  recordingModeFor,
} from '../database/database-client.js';
import { describeStatement } from '../database/describe-statement.js';
import { fileOf, patchCopy, whenModuleLoaded } from '../loaded-modules.js';

const PG = fileOf('pg', 'lib/index.js');

export const pg = defineInstrumentation({
  packages: ['pg'],
  clients: { pg: { replaces: ['@opentelemetry/instrumentation-pg'], start: patchPg } },
  patch: patchPg,
});

/**
 * Gives each pg query made inside a span a CLIENT span, `SELECT users`, and shows who waited for a
 * connection of a pool. Patches prototypes, so pools and clients that exist already are covered.
 * Without an argument every copy of pg that is or will be loaded is patched; pass the module where
 * it cannot be found: in a bundle or in jest. Returns the undo.
 */
export function patchPg(pg?: PgModule): () => void {
  if (pg !== undefined) return patchModule(pg);
  return whenModuleLoaded(PG, (exports) => {
    const { Client, Pool } = exports as Partial<PgModule>;
    return patchCopy(Client?.prototype, 'query', () => Client && patchModule({ Client, Pool }));
  });
}

function patchModule({ Client, Pool }: PgModule): () => void {
  // Another instrumentation of pg: it covers pools as it covers queries.
  if (isWrappedByOthers(Client.prototype.query)) return () => undefined;
  // pg gives each of its clients (JavaScript, native) its own Pool; they share the prototype
  // of pg-pool.
  const pool = Pool === undefined ? undefined : ownersOf(Pool.prototype, 'connect')[0];
  return undoAll([
    patchCalls(Client.prototype, 'query', recordQuery),
    pool && patchCalls(pool, 'connect', recordConnect),
  ]);
}

const CLIENT = new DatabaseClient('postgresql', 'nestjs-telemetry/pg');

/** Records who waits in `pool.connect(…)`, which `pool.query(…)` calls too. */
function recordConnect(pool: PgPool, connect: Call<PgPool>, args: unknown[]): unknown {
  const caller = context.active();
  const finish = CLIENT.beginWait('pg.pool.connect', () => poolName(pool));
  if (finish === undefined) return connect.apply(pool, args);
  const called = bindLastCallback(args, caller, finish);
  if (called !== undefined) return connect.apply(pool, called);
  return followResult(connect.apply(pool, args), {
    onSuccess: () => {
      finish();
    },
    onError: finish,
  });
}

const names = new WeakMap<PgPool, string>();

/** Host, port and database, as the conventions advise where a pool has no name. */
function poolName(pool: PgPool): string {
  let name = names.get(pool);
  if (name === undefined) {
    const { connectionString, host, port, database } = pool.options ?? {};
    const url = typeof connectionString === 'string' ? URL.parse(connectionString) : null;
    name =
      url === null
        ? `${host ?? 'localhost'}:${port ?? 5432}/${database ?? ''}`
        : `${url.hostname}:${url.port || '5432'}${url.pathname}`;
    names.set(pool, name);
  }
  return name;
}

/** Shape of `pg` as far as it is patched here; pg is never imported. */
export interface PgModule {
  readonly Client: { readonly prototype: PgClient };
  readonly Pool?: { readonly prototype: object } | undefined;
}

interface PgClient {
  query: Call<PgClient>;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly database?: string | undefined;
  readonly connection?: object | undefined;
}

interface PgPool {
  readonly options?: {
    readonly host?: string;
    readonly port?: number | string;
    readonly database?: string;
    readonly connectionString?: unknown;
  };
}

/**
 * Runs one `client.query(…)` in a span, in whichever of pg's forms it was called: promise, callback
 * or submittable.
 */
function recordQuery(client: PgClient, query: Call<PgClient>, args: unknown[]): unknown {
  const caller = context.active();
  const [config] = args;
  const mode = recordingModeFor(caller);
  const statement = mode && statementOf(config, client);
  if (mode === undefined || statement === undefined) return query.apply(client, args);
  const { host: serverAddress, port: serverPort, database: namespace } = client;
  const operation = CLIENT.beginStatement(mode, statement, { namespace, serverAddress, serverPort }, () => {
    const name = preparedName(config);
    return name === undefined ? {} : { [ATTR_NESTJS_DB_PREPARED_STATEMENT]: name };
  });
  followTransaction(client, statement, operation);
  try {
    const called = bindLastCallback(args, caller, (error) => {
      operation.end(error);
    });
    if (called !== undefined) return query.apply(client, called);
    const result = query.apply(client, args);
    if (!isSubmittable(result)) return operation.follow(result);
    followSubmittable(result, operation);
    return result;
  } catch (error) {
    operation.end(error);
    throw error;
  }
}

/**
 * `query(text)`, `query({ text })` and what a submittable carries; undefined for what pg itself
 * will reject.
 */
function statementOf(config: unknown, client: PgClient): string | undefined {
  if (typeof config === 'string') return config;
  if (typeof config !== 'object' || config === null) return undefined;
  if ('text' in config && typeof config.text === 'string') return config.text;
  if ('cursor' in config) return statementOf(config.cursor, client);
  // A prepared statement may be run again by its name alone.
  const name = preparedName(config);
  if (name === undefined || client.connection === undefined) return undefined;
  const { parsedStatements } = client.connection as { parsedStatements?: Readonly<Record<string, unknown>> };
  const known = parsedStatements?.[name];
  return typeof known === 'string' ? known : undefined;
}

function preparedName(config: unknown): string | undefined {
  if (typeof config !== 'object' || config === null || !('name' in config)) return undefined;
  const { name } = config;
  return typeof name === 'string' && name !== '' ? name : undefined;
}

/** A query, cursor or stream of the caller's: pg calls its methods as it goes on. */
interface Submittable {
  readonly handleReadyForQuery: (...args: unknown[]) => unknown;
  readonly handleError: (...args: unknown[]) => unknown;
}

function isSubmittable(value: unknown): value is Submittable {
  const { handleReadyForQuery, handleError } = (value ?? {}) as Partial<Submittable>;
  return typeof handleReadyForQuery === 'function' && typeof handleError === 'function';
}

/**
 * Ends the operation when pg is done with it. Its events do not suffice: a cursor emits no error
 * without a listener.
 */
function followSubmittable(submittable: Submittable, operation: DatabaseOperation): void {
  const { handleReadyForQuery, handleError } = submittable;
  const laid = replaceMembers(submittable, {
    handleReadyForQuery: (...args: unknown[]) => {
      laid?.restore();
      operation.end();
      return handleReadyForQuery.apply(submittable, args);
    },
    handleError: (...args: unknown[]) => {
      laid?.restore();
      operation.end(args[0]);
      return handleError.apply(submittable, args);
    },
  });
}

interface Transaction {
  readonly startedAt: number;
  statements: number;
}

const open = new WeakMap<PgClient, Transaction>();

/**
 * Follows the transaction of a connection by its statements, and puts what it took on the span of
 * the one that ends it. A span around the whole would change the parent of what application code
 * does in between.
 */
function followTransaction(client: PgClient, statement: string, { labels, span }: DatabaseOperation): void {
  const { operation } = labels;
  const transaction = open.get(client);
  if (operation === 'BEGIN' || operation === 'START') {
    open.set(client, { startedAt: performance.now(), statements: 0 });
  } else if (transaction === undefined) {
    return;
  } else if (operation === 'COMMIT' || operation === 'END' || endsByRollback(operation, statement)) {
    open.delete(client);
    span?.setAttributes({
      [ATTR_NESTJS_DB_TRANSACTION_DURATION]: (performance.now() - transaction.startedAt) / 1000,
      [ATTR_NESTJS_DB_TRANSACTION_STATEMENTS]: transaction.statements,
    });
  } else {
    transaction.statements += 1;
  }
}

/** `ROLLBACK TO SAVEPOINT` ends no transaction. */
function endsByRollback(operation: string, statement: string): boolean {
  return operation === 'ROLLBACK' && !/\bto\b/i.test(describeStatement(statement).text);
}
