import { type Context, SpanKind } from '@opentelemetry/api';

import {
  ATTR_DB_CLIENT_CONNECTION_POOL_NAME,
  ATTR_DB_SYSTEM_NAME,
} from '../../../config/semantic-conventions.constants.js';
import { recordConnectionWait } from '../../../metrics/db-client-metrics.js';
import { tracerFor } from '../../../runtime/tracers.js';
import { recordFailure } from '../../../tracing/error-policy.js';

/** A shorter wait is not worth a span of its own: most connections are there at once. */
const NOTICEABLE_WAIT_MS = 5;

/** Where somebody waited for a connection. */
export interface WaitedFor {
  readonly scope: string;
  /** Name of the span, `pg.pool.connect`. */
  readonly name: string;
  readonly system: string;
  readonly pool: string;
}

/**
 * Measures how long somebody waited for a connection of a pool, and gives the wait a span when it took 5 ms or ended in an
 * error.
 *
 * @param caller context of who waited; undefined where no span is wanted
 */
export function recordWait(
  { scope, name, system, pool }: WaitedFor,
  caller: Context | undefined,
  waitedMs: number,
  error?: unknown,
): void {
  const failed = error !== undefined && error !== null;
  if (!failed) recordConnectionWait(pool, waitedMs / 1000);
  if (caller === undefined || (waitedMs < NOTICEABLE_WAIT_MS && !failed)) return;
  const attributes = { [ATTR_DB_SYSTEM_NAME]: system, [ATTR_DB_CLIENT_CONNECTION_POOL_NAME]: pool };
  const startTime = Date.now() - waitedMs;
  const span = tracerFor(scope).startSpan(name, { kind: SpanKind.CLIENT, attributes, startTime }, caller);
  if (failed) recordFailure(span, error);
  span.end();
}
