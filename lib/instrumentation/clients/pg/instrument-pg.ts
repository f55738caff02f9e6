import { context, trace } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';

import { followResult } from '../../../invocation/follow-result.js';
import { isWrappedByOthers, ownersOf, patch } from '../../../invocation/patch.js';
import { undoAll } from '../../../process/undo-all.js';
import { isRegistered } from '../../../runtime/registered-globals.js';
import { shouldStartSpan } from '../../../runtime/tracers.js';
import { defineInstrumentation } from '../../define-instrumentation.js';
import { recordWait } from '../database/record-operation.js';
import {
  fileOf,
  type InstrumentedCopy,
  RECORDED_BY_OTHERS,
  UNKNOWN_SHAPE,
  type UnrecordedCopy,
  whenModuleLoaded,
} from '../loaded-modules.js';
import {
  type PgClient,
  type PgConnect,
  type PgModule,
  type PgPool,
  type PgQuery,
  recordQuery,
} from './record-query.js';

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
