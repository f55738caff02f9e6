import { type Attributes, type Context, type Span, context, trace } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { followResult } from '../../../invocation/follow-result.js';
import { isWrappedByOthers, ownersOf, patch, replaceMembers } from '../../../invocation/patch.js';
import { undoAll } from '../../../process/undo-all.js';
import { isRegistered } from '../../../runtime/registered-globals.js';
import { shouldStartSpan } from '../../../runtime/tracers.js';
import { defineInstrumentation } from '../../define-instrumentation.js';
import {
  type RunningOperation,
  beginOperation,
  endOperation,
  recordWait,
  recordingModeFor,
} from '../database/database-client.js';
import {
  type InstrumentedCopy,
  RECORDED_BY_OTHERS,
  UNKNOWN_SHAPE,
  type UnrecordedCopy,
  fileOf,
  whenModuleLoaded,
} from '../loaded-modules.js';
import {
  ATTR_DB_QUERY_TEXT,
  ATTR_NESTJS_DB_PREPARED_STATEMENT,
  ATTR_NESTJS_DB_TRANSACTION_DURATION,
  ATTR_NESTJS_DB_TRANSACTION_STATEMENTS,
} from '../../../config/semantic-conventions.constants.js';
import { type StatementDescription, describeStatement } from '../database/describe-statement.js';

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
  return pg === undefined ? whenModuleLoaded(PG, patchIfPg) : patchModule(pg);
}

function patchIfPg(exports: unknown): InstrumentedCopy | UnrecordedCopy {
  if (!isPgModule(exports)) return UNKNOWN_SHAPE;
  return isWrappedByOthers(exports.Client.prototype.query)
    ? RECORDED_BY_OTHERS
    : { undo: patchModule(exports) };
}

function patchModule({ Client, Pool }: PgModule): () => void {
  // Another instrumentation of pg: it covers pools as it covers queries.
  if (isWrappedByOthers(Client.prototype.query)) return () => undefined;
  const undo = [patchClient(Client.prototype)];
  // pg gives each of its clients (JavaScript, native) a Pool of its own; they share the prototype
  // of pg-pool.
  const pool = Pool === undefined ? undefined : ownersOf(Pool.prototype, 'connect')[0];
  if (pool !== undefined) undo.push(patchPool(pool));
  return undoAll(undo);
}

function patchClient(prototype: PgClient): () => void {
  return patch<PgQuery>(
    prototype,
    'query',
    (original, state) =>
      function (...args) {
        return state.active ? recordQuery(this, original, args) : original.apply(this, args);
      },
    { once: true },
  );
}

function patchPool(prototype: object): () => void {
  return patch<PgConnect>(
    prototype,
    'connect',
    (original, state) =>
      function (...args) {
        return state.active ? connectPool(this, original, args) : original.apply(this, args);
      },
    { once: true },
  );
}

function isPgModule(value: unknown): value is PgModule {
  if (typeof value !== 'object' || value === null || !('Client' in value)) return false;
  const { Client } = value;
  return (
    typeof Client === 'function' &&
    typeof (Client.prototype as Partial<PgModule['Client']['prototype']>).query === 'function'
  );
}

const SCOPE = 'nestjs-telemetry/pg';

/**
 * Runs one `pool.connect(…)`, which `pool.query(…)` makes too, and records the wait. A callback
 * runs in the context of its caller: pg calls it wherever a connection came free.
 */
function connectPool(pool: PgPool, connect: PgConnect, args: unknown[]): unknown {
  const caller = context.active();
  const spans = trace.getSpan(caller) !== undefined && shouldStartSpan();
  if (isTracingSuppressed(caller) || !(spans || isRegistered('metrics'))) return connect.apply(pool, args);
  const startedAt = performance.now();
  const finish = (error?: unknown): void => {
    const waitedFor = { scope: SCOPE, name: 'pg.pool.connect', system: 'postgresql', pool: poolName(pool) };
    recordWait(waitedFor, spans ? caller : undefined, performance.now() - startedAt, error);
  };
  const [callback] = args;
  if (typeof callback === 'function') {
    const run = callback as (...results: unknown[]) => unknown;
    return connect.call(pool, (...results: unknown[]) => {
      finish(results[0]);
      return context.with(caller, () => run(...results));
    });
  }
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
        ? `${textOf(host, 'localhost')}:${textOf(port, '5432')}/${textOf(database, '')}`
        : `${url.hostname}:${url.port || '5432'}${url.pathname}`;
    names.set(pool, name);
  }
  return name;
}

function textOf(value: unknown, otherwise: string): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : otherwise;
}

/** Shape of `pg` as far as it is patched here; pg is never imported. */
export interface PgModule {
  readonly Client: { readonly prototype: PgClient };
  readonly Pool?: { readonly prototype: object } | undefined;
}

type PgQuery = (this: PgClient, ...args: unknown[]) => unknown;

interface PgClient {
  query: PgQuery;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly database?: string | undefined;
  readonly connection?: object | undefined;
}

type PgConnect = (this: PgPool, ...args: unknown[]) => unknown;

interface PgPool {
  readonly options?: {
    readonly host?: unknown;
    readonly port?: unknown;
    readonly database?: unknown;
    readonly connectionString?: unknown;
  };
}

type Callback = (error: unknown, result: unknown) => unknown;

/**
 * Runs one `client.query(…)` in a span, in whichever of pg's forms it was called: promise, callback
 * or submittable.
 */
function recordQuery(client: PgClient, query: PgQuery, args: unknown[]): unknown {
  const caller = context.active();
  const observes = recordingModeFor(caller);
  const statement = observes === undefined ? undefined : statementOf(args[0], client);
  if (observes === undefined || statement === undefined) return query.apply(client, args);
  const description = describeStatement(statement);
  const running = beginQuery(client, observes, description, args[0]);
  followTransaction(client, operationOf(description), running.span);
  const finish = endOnce(running);
  try {
    const called = withCallback(args, caller, finish);
    const result = query.apply(client, called);
    return called === args ? followQuery(result, finish) : result;
  } catch (error) {
    finish(error);
    throw error;
  }
}

function beginQuery(
  client: PgClient,
  observes: 'span' | 'metric',
  { text, operation, summary }: StatementDescription,
  config: unknown,
): RunningOperation {
  const labels = {
    system: 'postgresql',
    operation,
    summary,
    namespace: client.database,
    serverAddress: client.host,
    serverPort: client.port,
  };
  const describe = (): Attributes => {
    const name = preparedName(config);
    const attributes: Attributes = { [ATTR_DB_QUERY_TEXT]: text };
    if (name !== undefined) attributes[ATTR_NESTJS_DB_PREPARED_STATEMENT] = name;
    return attributes;
  };
  return beginOperation(observes, labels, { scope: SCOPE, name: summary, describe });
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

/** `ROLLBACK TO SAVEPOINT` ends no transaction. */
function operationOf({ operation, text }: StatementDescription): string {
  return operation === 'ROLLBACK' && /\bto\b/i.test(text) ? 'SAVEPOINT' : operation;
}

/** pg calls back from its socket: there the caller's context is gone and must be put back. */
function withCallback(args: unknown[], caller: Context, finish: (error: unknown) => void): unknown[] {
  const position = args.findLastIndex((arg) => typeof arg === 'function');
  if (position === -1) return args;
  const callback = args[position] as Callback;
  const replaced = [...args];
  replaced[position] = (error: unknown, result: unknown): unknown => {
    finish(error);
    return context.with(caller, () => callback(error, result));
  };
  return replaced;
}

function followQuery(result: unknown, finish: (error?: unknown) => void): unknown {
  if (isSubmittable(result)) {
    followSubmittable(result, finish);
    return result;
  }
  return followResult(result, {
    onSuccess: () => {
      finish();
    },
    onError: finish,
  });
}

function endOnce(running: RunningOperation): (error?: unknown) => void {
  let ended = false;
  return (error) => {
    if (ended) return;
    ended = true;
    endOperation(running, error);
  };
}

/** A query, cursor or stream of the caller's: pg calls its methods as it goes on. */
interface Submittable {
  readonly handleReadyForQuery: (...args: unknown[]) => unknown;
  readonly handleError: (...args: unknown[]) => unknown;
}

function isSubmittable(value: unknown): value is Submittable {
  return (
    typeof value === 'object' &&
    value !== null &&
    'handleReadyForQuery' in value &&
    typeof value.handleReadyForQuery === 'function' &&
    'handleError' in value &&
    typeof value.handleError === 'function'
  );
}

/**
 * Calls `finish` when pg is done with it. Its events do not suffice: a cursor emits no error
 * without a listener.
 */
function followSubmittable(submittable: Submittable, finish: (error?: unknown) => void): void {
  const { handleReadyForQuery, handleError } = submittable;
  const laid = replaceMembers(submittable, {
    handleReadyForQuery: (...args: unknown[]) => {
      laid?.restore();
      finish();
      return handleReadyForQuery.apply(submittable, args);
    },
    handleError: (...args: unknown[]) => {
      laid?.restore();
      finish(args[0]);
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
function followTransaction(client: PgClient, operation: string, span: Span | undefined): void {
  const transaction = open.get(client);
  if (operation === 'BEGIN' || operation === 'START') {
    open.set(client, { startedAt: performance.now(), statements: 0 });
  } else if (transaction === undefined) {
    return;
  } else if (operation === 'COMMIT' || operation === 'END' || operation === 'ROLLBACK') {
    open.delete(client);
    span?.setAttributes({
      [ATTR_NESTJS_DB_TRANSACTION_DURATION]: (performance.now() - transaction.startedAt) / 1000,
      [ATTR_NESTJS_DB_TRANSACTION_STATEMENTS]: transaction.statements,
    });
  } else {
    transaction.statements += 1;
  }
}
