import { type Context, context, trace } from '@opentelemetry/api';

import { ATTR_DB_QUERY_TEXT } from '../../../config/semantic-conventions.constants.js';
import { opensSpan } from '../../../runtime/opens-span.js';
import {
  beginOperation,
  endOperation,
  observesOperation,
  type RunningOperation,
} from '../database/record-operation.js';
import { recordWait } from '../database/record-wait.js';
import { followTracedCalls } from '../follow-traced-calls.js';
import { fileOf, findLoadedModules } from '../loaded-modules.js';
import { isWrappedByOthers } from '../patch-method.js';
import { describeStatement } from '../sql/describe-statement.js';

/** What mysql2 publishes of a connection that is opened or waited for. */
interface MysqlConnectMessage {
  readonly database: string;
  readonly serverAddress: string;
  readonly serverPort: number | undefined;
}

/** What it publishes of a query; in `query` the values are written into the text already. */
interface MysqlQueryMessage extends MysqlConnectMessage {
  readonly query: string;
}

const SCOPE = 'nestjs-telemetry/mysql2';
const CONNECTION = fileOf('mysql2', 'lib/base/connection.js');

/**
 * Gives each mysql2 query made inside a span a CLIENT span, `SELECT users`, prepared or not, and shows who waited for a
 * connection of a pool. Works whenever it is called and however mysql2 was imported: it announces its calls on diagnostics
 * channels. Returns the undo.
 */
export function instrumentMysql2(): () => void {
  let othersRecord: boolean | undefined;
  const begin = (message: MysqlQueryMessage): RunningOperation | undefined => {
    othersRecord ??= isRecordedByOthers();
    return othersRecord ? undefined : beginQuery(message);
  };
  const queries = { begin, end: endOperation, restoresCaller: true };
  const undo = [
    followTracedCalls('mysql2:query', queries),
    followTracedCalls('mysql2:execute', queries),
    followTracedCalls('mysql2:pool:connect', { begin: beginWait, end: endWait, restoresCaller: true }),
  ];
  return () => {
    for (const stop of undo) stop();
  };
}

function beginQuery(message: MysqlQueryMessage): RunningOperation | undefined {
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

interface Wait {
  readonly message: MysqlConnectMessage;
  readonly caller: Context | undefined;
  readonly startedAt: number;
}

function beginWait(message: MysqlConnectMessage): Wait | undefined {
  if (observesOperation() === undefined) return undefined;
  const active = context.active();
  const caller = trace.getSpan(active) !== undefined && opensSpan() ? active : undefined;
  return { message, caller, startedAt: performance.now() };
}

function endWait({ message, caller, startedAt }: Wait, error: unknown): void {
  const { serverAddress, serverPort, database } = message;
  const pool =
    serverPort === undefined ? `${serverAddress}/${database}` : `${serverAddress}:${serverPort}/${database}`;
  const waitedFor = { scope: SCOPE, name: 'mysql.pool.connect', system: 'mysql', pool };
  recordWait(waitedFor, caller, performance.now() - startedAt, error);
}

/** OpenTelemetry's instrumentation and agents wrap the methods whose calls the channels tell of. */
function isRecordedByOthers(): boolean {
  return findLoadedModules(CONNECTION).some(
    (exports) =>
      typeof exports === 'function' &&
      isWrappedByOthers((exports.prototype as { readonly query?: unknown } | undefined)?.query),
  );
}
