import {
  type Attributes,
  type Context,
  context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  trace,
} from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';

import {
  ATTR_DB_CLIENT_CONNECTION_POOL_NAME,
  ATTR_DB_COLLECTION_NAME,
  ATTR_DB_NAMESPACE,
  ATTR_DB_OPERATION_NAME,
  ATTR_DB_QUERY_SUMMARY,
  ATTR_DB_RESPONSE_STATUS_CODE,
  ATTR_DB_SYSTEM_NAME,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
} from '../../../config/semantic-conventions.constants.js';
import {
  type DatabaseOperationLabels,
  recordConnectionWait,
  recordDatabaseOperation,
} from '../../../metrics/db-client-metrics.js';
import { isRegistered } from '../../../runtime/registered-globals.js';
import { shouldStartSpan, tracerFor } from '../../../runtime/tracers.js';
import { errorTypeOf, recordFailure } from '../../../tracing/error-policy.js';

/** Codes of Node: the database gave none. */
const SYSTEM_CODE = /^(?:E[A-Z0-9]+$|ERR_)/;

/** What is recorded of an operation beyond its labels. */
interface OperationSpan {
  readonly scope: string;
  readonly name: string;
  /** Attributes beyond the labels: made only for a span. */
  readonly describe?: () => Attributes;
}

/** An operation that has begun. */
export interface RunningOperation {
  /**
   * undefined where only a measurement is made: outside a span, and in a trace that is not
   * recorded.
   */
  readonly span: Span | undefined;
  labels: DatabaseOperationLabels;
  readonly startedAt: number;
}

/**
 * What may be recorded of a database operation that begins now: `span` below an active span of a
 * recorded trace, `metric` otherwise, undefined where nothing would come of it. Operations outside
 * a span (connection set-up, pollers, migrations) would each be a trace of their own.
 */
export function recordingModeFor(caller: Context = context.active()): 'span' | 'metric' | undefined {
  if (isTracingSuppressed(caller)) return undefined;
  if (trace.getSpan(caller) !== undefined && shouldStartSpan()) return 'span';
  return isRegistered('metrics') ? 'metric' : undefined;
}

/**
 * Begins an operation, with a CLIENT span in the active context where `recordingModeFor()` said
 * `span`.
 */
export function beginOperation(
  observes: 'span' | 'metric',
  labels: DatabaseOperationLabels,
  { scope, name, describe }: OperationSpan,
): RunningOperation {
  const startedAt = performance.now();
  if (observes === 'metric') return { span: undefined, labels, startedAt };
  const attributes = { ...attributesOf(labels), ...describe?.() };
  const span = tracerFor(scope).startSpan(name, { kind: SpanKind.CLIENT, attributes });
  return { span, labels, startedAt };
}

/** Says where an operation goes whose server was not known when it began. */
export function locateOperation(
  operation: RunningOperation,
  { serverAddress, serverPort }: Pick<DatabaseOperationLabels, 'serverAddress' | 'serverPort'>,
): void {
  operation.labels = { ...operation.labels, serverAddress, serverPort };
  if (serverAddress !== undefined) operation.span?.setAttribute(ATTR_SERVER_ADDRESS, serverAddress);
  if (serverPort !== undefined) operation.span?.setAttribute(ATTR_SERVER_PORT, serverPort);
}

/** Ends an operation: its span, with the failure if there was one, and its measurement. */
export function endOperation({ span, labels, startedAt }: RunningOperation, error?: unknown): void {
  const failed = error !== undefined && error !== null;
  const statusCode = failed ? statusCodeOf(error) : undefined;
  if (span !== undefined) {
    if (failed) recordFailure(span, error);
    if (statusCode !== undefined) span.setAttribute(ATTR_DB_RESPONSE_STATUS_CODE, statusCode);
    span.end();
  }
  recordDatabaseOperation(labels, {
    durationSeconds: (performance.now() - startedAt) / 1000,
    errorType: failed ? errorTypeOf(error) : undefined,
    statusCode,
    context: span === undefined ? undefined : trace.setSpan(ROOT_CONTEXT, span),
  });
}

/**
 * The code by which a database names a failure: SQLSTATE, MySQL's `ER_…`, MongoDB's number, the
 * first word of Redis.
 */
function statusCodeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const code: unknown = 'code' in error ? error.code : undefined;
  if (typeof code === 'number') return String(code);
  if (typeof code === 'string') return SYSTEM_CODE.test(code) ? undefined : code;
  const message = 'message' in error && typeof error.message === 'string' ? error.message : '';
  return /^([A-Z]{3,}[A-Z_]*) /.exec(message)?.[1];
}

function attributesOf(labels: DatabaseOperationLabels): Attributes {
  const attributes: Attributes = {
    [ATTR_DB_SYSTEM_NAME]: labels.system,
    [ATTR_DB_OPERATION_NAME]: labels.operation,
  };
  const { summary, collection, namespace, serverAddress, serverPort } = labels;
  if (summary !== undefined) attributes[ATTR_DB_QUERY_SUMMARY] = summary;
  if (collection !== undefined) attributes[ATTR_DB_COLLECTION_NAME] = collection;
  if (namespace !== undefined) attributes[ATTR_DB_NAMESPACE] = namespace;
  if (serverAddress !== undefined) attributes[ATTR_SERVER_ADDRESS] = serverAddress;
  if (serverPort !== undefined) attributes[ATTR_SERVER_PORT] = serverPort;
  return attributes;
}

/** A shorter wait is not worth a span: most connections are available immediately. */
const NOTICEABLE_WAIT_MS = 5;

/** Where a caller waited for a connection. */
interface WaitedFor {
  readonly scope: string;
  /** Name of the span, `pg.pool.connect`. */
  readonly name: string;
  readonly system: string;
  readonly pool: string;
}

/**
 * Measures how long a caller waited for a connection of a pool, and gives the wait a span when it
 * took 5 ms or ended in an error.
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
