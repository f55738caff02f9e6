import { type Attributes, type Context } from '@opentelemetry/api';

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
import { createAttributeSets, histogram, INSTRUMENTATION_SCOPE } from './instruments.js';

/** What an operation of a database client is counted under; values of few kinds, never statements. */
export interface DatabaseOperationLabels {
  /** `postgresql`, `redis`, `mysql`, `mongodb`, … */
  readonly system: string;
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
export interface DatabaseOutcome {
  readonly durationSeconds: number;
  /** Class name or code of what went wrong. */
  readonly errorType?: string | undefined;
  /** Code the database gave for the failure. */
  readonly statusCode?: string | undefined;
  /** The context of the operation, so that the measurement knows its span. */
  readonly context?: Context | undefined;
}

const duration = histogram(INSTRUMENTATION_SCOPE, METRIC_DB_CLIENT_OPERATION_DURATION, {
  description: 'Duration of database client operations.',
  unit: 's',
  advice: { explicitBucketBoundaries: DATABASE_BUCKETS_SECONDS },
});

const waitTime = histogram(INSTRUMENTATION_SCOPE, METRIC_DB_CLIENT_CONNECTION_WAIT_TIME, {
  description: 'The time it took to obtain an open connection from the pool.',
  unit: 's',
  advice: { explicitBucketBoundaries: DATABASE_BUCKETS_SECONDS },
});

const operationAttributes = createAttributeSets();
const poolAttributes = createAttributeSets();

/** Records a finished operation into `db.client.operation.duration`, in seconds. */
export function recordDatabaseOperation(labels: DatabaseOperationLabels, outcome: DatabaseOutcome): void {
  const { system, operation, summary = '', collection = '', namespace = '' } = labels;
  const { serverAddress = '', serverPort = 0 } = labels;
  const { errorType = '', statusCode = '' } = outcome;
  const key = `${system} ${serverAddress} ${serverPort} ${namespace} ${operation} ${collection} ${summary} ${errorType} ${statusCode}`;
  const attributes = operationAttributes(key, () => attributesOf(labels, outcome));
  duration.record(outcome.durationSeconds, attributes, outcome.context);
}

/** Records how long somebody waited for a connection into `db.client.connection.wait_time`, in seconds. */
export function recordConnectionWait(poolName: string, durationSeconds: number): void {
  const attributes = poolAttributes(poolName, () => ({ [ATTR_DB_CLIENT_CONNECTION_POOL_NAME]: poolName }));
  waitTime.record(durationSeconds, attributes);
}

function attributesOf(labels: DatabaseOperationLabels, outcome: DatabaseOutcome): Attributes {
  const { summary, collection, namespace, serverAddress, serverPort } = labels;
  const { errorType, statusCode } = outcome;
  return {
    [ATTR_DB_SYSTEM_NAME]: labels.system,
    [ATTR_DB_OPERATION_NAME]: labels.operation,
    ...(summary !== undefined && { [ATTR_DB_QUERY_SUMMARY]: summary }),
    ...(collection !== undefined && { [ATTR_DB_COLLECTION_NAME]: collection }),
    ...(namespace !== undefined && { [ATTR_DB_NAMESPACE]: namespace }),
    ...(serverAddress !== undefined && { [ATTR_SERVER_ADDRESS]: serverAddress }),
    ...(serverPort !== undefined && { [ATTR_SERVER_PORT]: serverPort }),
    ...(errorType !== undefined && { [ATTR_ERROR_TYPE]: errorType }),
    ...(statusCode !== undefined && { [ATTR_DB_RESPONSE_STATUS_CODE]: statusCode }),
  };
}
