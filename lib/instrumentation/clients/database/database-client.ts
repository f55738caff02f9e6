import {
  type Attributes,
  type Context,
  context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  trace,
} from '@opentelemetry/api';

import {
  ATTR_DB_CLIENT_CONNECTION_POOL_NAME,
  ATTR_DB_COLLECTION_NAME,
  ATTR_DB_NAMESPACE,
  ATTR_DB_OPERATION_NAME,
  ATTR_DB_QUERY_SUMMARY,
  ATTR_DB_QUERY_TEXT,
  ATTR_DB_RESPONSE_STATUS_CODE,
  ATTR_DB_SYSTEM_NAME,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
} from '../../../config/semantic-conventions.constants.js';
import { isTracingSuppressed } from '../../../engine/suppressed-tracing.js';
import { followResult } from '../../../invocation/follow-result.js';
import {
  type DatabaseOperationLabels,
  recordConnectionWait,
  recordDatabaseOperation,
} from '../../../metrics/db-client-metrics.js';
import { isRegistered } from '../../../runtime/registered-globals.js';
import { shouldStartSpan, tracerFor } from '../../../runtime/tracers.js';
import { errorTypeOf, recordFailure } from '../../../tracing/error-policy.js';
import { describeStatement, type SqlDialect } from './describe-statement.js';

/** Where an operation goes. */
export type DatabaseTarget = Pick<DatabaseOperationLabels, 'namespace' | 'serverAddress' | 'serverPort'>;

/**
 * What may be recorded of a database operation that begins now: `span` below an active span of a
 * recorded trace, `metric` otherwise, undefined where nothing would come of it. Operations outside
 * a span (connection set-up, pollers, migrations) would each be their own trace.
 */
export function recordingModeFor(caller: Context = context.active()): 'span' | 'metric' | undefined {
  if (isTracingSuppressed(caller)) return undefined;
  if (trace.getSpan(caller) !== undefined && shouldStartSpan(undefined, caller)) return 'span';
  return isRegistered('metrics') ? 'metric' : undefined;
}

/** A shorter wait is not worth a span: most connections are available immediately. */
const NOTICEABLE_WAIT_MS = 5;

/** Records the operations of one client library. */
export class DatabaseClient {
  /**
   * @param system `postgresql`, `redis`, …
   * @param scope name of the tracer
   */
  constructor(
    private readonly system: string,
    private readonly scope: string,
    private readonly dialect: SqlDialect = 'standard',
  ) {}

  /**
   * Begins an operation, with a CLIENT span in the active context where `mode` is `span`.
   *
   * @param describe further attributes: made only for a span
   * @param name of the span
   */
  begin(
    mode: 'span' | 'metric',
    labels: DatabaseOperationLabels,
    describe?: () => Attributes,
    name = labels.summary ?? labels.operation,
  ): DatabaseOperation {
    const startedAt = performance.now();
    const { system } = this;
    if (mode === 'metric') return new DatabaseOperation(system, labels, startedAt, undefined);
    const attributes = { ...attributesOf(system, labels), ...describe?.() };
    const span = tracerFor(this.scope).startSpan(name, { kind: SpanKind.CLIENT, attributes });
    return new DatabaseOperation(system, labels, startedAt, span);
  }

  /** The same for a SQL statement. */
  beginStatement(
    mode: 'span' | 'metric',
    statement: string,
    target: DatabaseTarget,
    describe?: () => Attributes,
  ): DatabaseOperation {
    const { text, operation, summary } = describeStatement(statement, this.dialect);
    const { namespace, serverAddress, serverPort } = target;
    return this.begin(mode, { operation, summary, namespace, serverAddress, serverPort }, () => ({
      [ATTR_DB_QUERY_TEXT]: text,
      ...describe?.(),
    }));
  }

  /**
   * Measures how long the caller waits for a connection of a pool, and gives the wait a span when it
   * takes 5 ms or ends in an error. Returns what ends it; undefined where nothing is recorded.
   *
   * @param name of the span, `pg.pool.connect`
   */
  beginWait(name: string, poolName: () => string): ((error?: unknown) => void) | undefined {
    const caller = context.active();
    const mode = recordingModeFor(caller);
    if (mode === undefined) return undefined;
    const startedAt = performance.now();
    return (error) => {
      const pool = poolName();
      const waitedMs = performance.now() - startedAt;
      const failed = isFailure(error);
      if (!failed) recordConnectionWait(pool, waitedMs / 1000);
      if (mode === 'metric' || (waitedMs < NOTICEABLE_WAIT_MS && !failed)) return;
      const span = tracerFor(this.scope).startSpan(
        name,
        {
          kind: SpanKind.CLIENT,
          attributes: { [ATTR_DB_SYSTEM_NAME]: this.system, [ATTR_DB_CLIENT_CONNECTION_POOL_NAME]: pool },
          startTime: Date.now() - waitedMs,
        },
        caller,
      );
      if (failed) recordFailure(span, error);
      span.end();
    };
  }
}

/** An operation that has begun. */
export class DatabaseOperation {
  private ended = false;

  constructor(
    private readonly system: string,
    public labels: DatabaseOperationLabels,
    private readonly startedAt: number,
    /** undefined where only a measurement is made: outside a span, and in a trace that is not recorded. */
    readonly span: Span | undefined,
  ) {}

  /** Says where an operation goes whose server was not known when it began. */
  locate({ serverAddress, serverPort }: DatabaseTarget): void {
    this.labels = { ...this.labels, serverAddress, serverPort };
    if (serverAddress !== undefined) this.span?.setAttribute(ATTR_SERVER_ADDRESS, serverAddress);
    if (serverPort !== undefined) this.span?.setAttribute(ATTR_SERVER_PORT, serverPort);
  }

  /** Ends the span, with the failure if there was one, and measures; once. */
  end(error?: unknown): void {
    if (this.ended) return;
    this.ended = true;
    const { span, labels, startedAt } = this;
    const failed = isFailure(error);
    const statusCode = failed ? statusCodeOf(error) : undefined;
    if (span !== undefined) {
      if (failed) recordFailure(span, error);
      if (statusCode !== undefined) span.setAttribute(ATTR_DB_RESPONSE_STATUS_CODE, statusCode);
      span.end();
    }
    recordDatabaseOperation(this.system, labels, {
      durationSeconds: (performance.now() - startedAt) / 1000,
      errorType: failed ? errorTypeOf(error) : undefined,
      statusCode,
      context: span === undefined ? undefined : trace.setSpan(ROOT_CONTEXT, span),
    });
  }

  /**
   * Ends with the result of the call, which is returned.
   *
   * @param failureIn the failure that an answer carries
   */
  follow(result: unknown, failureIn?: (answer: unknown) => unknown): unknown {
    return followResult(result, {
      onSuccess: (answer) => {
        this.end(failureIn?.(answer));
      },
      onError: (error) => {
        this.end(error);
      },
    });
  }
}

function isFailure(error: unknown): boolean {
  return error !== undefined && error !== null;
}

/** Codes of Node: the database gave none. */
const SYSTEM_CODE = /^(?:E[A-Z0-9]+$|ERR_)/;

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

function attributesOf(system: string, labels: DatabaseOperationLabels): Attributes {
  const attributes: Attributes = {
    [ATTR_DB_SYSTEM_NAME]: system,
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

type Callback = (this: unknown, ...results: unknown[]) => unknown;

/**
 * A callback that calls `finish` first and runs in the context of its caller: drivers call back from
 * their socket, or wherever a connection came free.
 */
export function bindCallback(
  callback: Callback,
  caller: Context,
  finish: (error: unknown, answer: unknown) => void,
): Callback {
  return function (...results) {
    finish(results[0], results[1]);
    return context.with(caller, () => callback.apply(this, results));
  };
}

/** The arguments of a call with its callback bound; undefined where it has none. */
export function bindLastCallback(
  args: readonly unknown[],
  caller: Context,
  finish: (error: unknown) => void,
): unknown[] | undefined {
  const position = args.findLastIndex((arg) => typeof arg === 'function');
  return position === -1
    ? undefined
    : args.with(position, bindCallback(args[position] as Callback, caller, finish)); // found above
}
