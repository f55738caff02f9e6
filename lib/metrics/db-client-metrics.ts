import {
  ATTR_DB_CLIENT_CONNECTION_POOL_NAME,
  ATTR_DB_COLLECTION_NAME,
  ATTR_DB_NAMESPACE,
  ATTR_DB_OPERATION_NAME,
  ATTR_DB_QUERY_SUMMARY,
  ATTR_DB_RESPONSE_STATUS_CODE,
  ATTR_DB_SYSTEM_NAME,
  ATTR_ERROR_TYPE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  DATABASE_BUCKETS_SECONDS,
  METRIC_DB_CLIENT_CONNECTION_WAIT_TIME,
  METRIC_DB_CLIENT_OPERATION_DURATION,
} from '../config/semantic-conventions.constants.js';
import { createLabels, durations, type Outcome } from './own-instruments.js';

/** The labels of an operation of a database client; names, never statements. */
export interface DatabaseOperationLabels {
  /** `SELECT`, `GET`, `find`, … */
  readonly operation: string;
  /** Operation and target, `SELECT users`; undefined where the operation says as much. */
  readonly summary?: string | undefined;
  readonly collection?: string | undefined;
  readonly namespace?: string | undefined;
  readonly serverAddress?: string | undefined;
  readonly serverPort?: number | undefined;
}

/** How an operation ended. */
export interface DatabaseOutcome extends Outcome {
  /** Code the database gave for the failure. */
  readonly statusCode?: string | undefined;
}

const duration = durations(
  METRIC_DB_CLIENT_OPERATION_DURATION,
  'Duration of database client operations.',
  DATABASE_BUCKETS_SECONDS,
);
const waitTime = durations(
  METRIC_DB_CLIENT_CONNECTION_WAIT_TIME,
  'The time it took to obtain an open connection from the pool.',
  DATABASE_BUCKETS_SECONDS,
);

const operationLabels = createLabels(
  ATTR_DB_SYSTEM_NAME,
  ATTR_DB_OPERATION_NAME,
  ATTR_DB_QUERY_SUMMARY,
  ATTR_DB_COLLECTION_NAME,
  ATTR_DB_NAMESPACE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_ERROR_TYPE,
  ATTR_DB_RESPONSE_STATUS_CODE,
);
const poolLabels = createLabels(ATTR_DB_CLIENT_CONNECTION_POOL_NAME);

/**
 * Records a finished operation into `db.client.operation.duration`, in seconds.
 *
 * @param system `postgresql`, `redis`, `mysql`, `mongodb`, …
 */
export function recordDatabaseOperation(
  system: string,
  operation: DatabaseOperationLabels,
  outcome: DatabaseOutcome,
): void {
  const labels = operationLabels(
    system,
    operation.operation,
    operation.summary,
    operation.collection,
    operation.namespace,
    operation.serverAddress,
    operation.serverPort,
    outcome.errorType,
    outcome.statusCode,
  );
  duration.record(outcome.durationSeconds, labels, outcome.context);
}

/** Records a wait for a connection into `db.client.connection.wait_time`, in seconds. */
export function recordConnectionWait(poolName: string, durationSeconds: number): void {
  waitTime.record(durationSeconds, poolLabels(poolName));
}
