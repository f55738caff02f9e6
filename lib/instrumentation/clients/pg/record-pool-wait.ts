import { context, trace } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';

import { followResult } from '../../../invocation/follow-result.js';
import { opensSpan } from '../../../runtime/opens-span.js';
import { isRegistered } from '../../../runtime/registered-globals.js';
import { recordWait } from '../database/record-wait.js';
import { type PgConnect, type PgPool } from './pg-module.interface.js';

const SCOPE = 'nestjs-telemetry/pg';

/**
 * Runs one `pool.connect(…)`, which `pool.query(…)` makes too, and records the wait. A callback runs in the context of its caller: pg calls it wherever a connection came free.
 */
export function connectPool(pool: PgPool, connect: PgConnect, args: unknown[]): unknown {
  const caller = context.active();
  const spans = trace.getSpan(caller) !== undefined && opensSpan();
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
