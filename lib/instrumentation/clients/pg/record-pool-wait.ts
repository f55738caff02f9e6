import { type Context, context, SpanKind, trace } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';

import {
  ATTR_DB_CLIENT_CONNECTION_POOL_NAME,
  ATTR_DB_SYSTEM_NAME,
} from '../../../config/semantic-conventions.constants.js';
import { followResult } from '../../../invocation/follow-result.js';
import { recordConnectionWait } from '../../../metrics/db-client-metrics.js';
import { opensSpan } from '../../../runtime/opens-span.js';
import { isRegistered } from '../../../runtime/registered-globals.js';
import { tracerFor } from '../../../runtime/tracers.js';
import { recordFailure } from '../../../tracing/error-policy.js';
import { type PgConnect, type PgPool } from './pg-module.interface.js';

const SCOPE = 'nestjs-telemetry/pg';
/** A shorter wait is not worth a span of its own: most connections are there at once. */
const NOTICEABLE_WAIT_MS = 5;

/**
 * Runs one `pool.connect(…)`, which `pool.query(…)` makes too. The wait is measured, and has a span `pg.pool.connect` when it
 * took 5 ms or ended in an error. A callback runs in the context of its caller: pg calls it wherever a connection came free.
 */
export function connectPool(pool: PgPool, connect: PgConnect, args: unknown[]): unknown {
  const caller = context.active();
  const spans = trace.getSpan(caller) !== undefined && opensSpan();
  if (isTracingSuppressed(caller) || !(spans || isRegistered('metrics'))) return connect.apply(pool, args);
  const startedAt = performance.now();
  const finish = (error?: unknown): void => {
    recordWait(pool, spans ? caller : undefined, startedAt, error);
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

function recordWait(pool: PgPool, caller: Context | undefined, startedAt: number, error: unknown): void {
  const waitedMs = performance.now() - startedAt;
  const failed = error !== undefined && error !== null;
  const name = poolName(pool);
  if (!failed) recordConnectionWait(name, waitedMs / 1000);
  if (caller === undefined || (waitedMs < NOTICEABLE_WAIT_MS && !failed)) return;
  const attributes = { [ATTR_DB_SYSTEM_NAME]: 'postgresql', [ATTR_DB_CLIENT_CONNECTION_POOL_NAME]: name };
  const span = tracerFor(SCOPE).startSpan(
    'pg.pool.connect',
    { kind: SpanKind.CLIENT, attributes, startTime: Date.now() - waitedMs },
    caller,
  );
  if (failed) recordFailure(span, error);
  span.end();
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
