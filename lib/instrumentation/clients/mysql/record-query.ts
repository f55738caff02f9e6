import { type Context, context, trace } from '@opentelemetry/api';

import { ATTR_DB_QUERY_TEXT } from '../../../config/semantic-conventions.constants.js';
import { opensSpan } from '../../../runtime/opens-span.js';
import { beginOperation, observesOperation, type RunningOperation } from '../database/record-operation.js';
import { recordWait } from '../database/record-wait.js';
import { describeStatement } from '../sql/describe-statement.js';

/** Where a connection goes, as mysql2 publishes it. */
export interface MysqlConnectMessage {
  readonly database: string;
  readonly serverAddress: string;
  readonly serverPort: number | undefined;
}

/** A query; mysql2 publishes a text with the values in it. */
export interface MysqlQueryMessage extends MysqlConnectMessage {
  readonly query: string;
}

const SCOPE = 'nestjs-telemetry/mysql2';

/** Begins the operation of a query in the active context; undefined where nothing is recorded. */
export function beginQuery(message: MysqlQueryMessage): RunningOperation | undefined {
  const observes = observesOperation();
  if (observes === undefined) return undefined;
  const { text, operation, summary } = describeStatement(message.query, 'mysql');
  const labels = {
    system: 'mysql',
    operation,
    summary,
    namespace: message.database === '' ? undefined : message.database,
    serverAddress: message.serverAddress,
    serverPort: message.serverPort,
  };
  const describe = () => ({ [ATTR_DB_QUERY_TEXT]: text });
  return beginOperation(observes, labels, { scope: SCOPE, name: summary, describe });
}

export interface Wait {
  readonly message: MysqlConnectMessage;
  readonly caller: Context | undefined;
  readonly startedAt: number;
}

export function beginWait(message: MysqlConnectMessage): Wait | undefined {
  if (observesOperation() === undefined) return undefined;
  const active = context.active();
  const caller = trace.getSpan(active) !== undefined && opensSpan() ? active : undefined;
  return { message, caller, startedAt: performance.now() };
}

export function endWait({ message, caller, startedAt }: Wait, error: unknown): void {
  const { serverAddress, serverPort, database } = message;
  const pool =
    serverPort === undefined ? `${serverAddress}/${database}` : `${serverAddress}:${serverPort}/${database}`;
  const waitedFor = { scope: SCOPE, name: 'mysql.pool.connect', system: 'mysql', pool };
  recordWait(waitedFor, caller, performance.now() - startedAt, error);
}
