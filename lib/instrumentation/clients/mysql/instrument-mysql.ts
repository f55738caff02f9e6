import { defineInstrumentation } from '../../define-instrumentation.js';
import { endOperation, type RunningOperation } from '../database/record-operation.js';
import { followTracedCalls } from '../follow-traced-calls.js';
import { fileOf, findLoadedModules } from '../loaded-modules.js';
import { isWrappedByOthers } from '../patch-method.js';
import { patchLoadedMysql } from './patch-mysql.js';
import { beginQuery, beginWait, endWait, type MysqlQueryMessage } from './record-query.js';

const CONNECTION = fileOf('mysql2', 'lib/base/connection.js');

export const mysql = defineInstrumentation({
  packages: ['mysql2', 'mysql'],
  clients: { mysql2: { replaces: ['@opentelemetry/instrumentation-mysql2'], start: instrumentMysql2 } },
});

/**
 * Gives each query of mysql2 and of `mysql` made inside a span a CLIENT span, `SELECT users`, prepared or not, and shows who
 * waited for a connection of a pool. mysql2 from 3.20 on publishes its calls on diagnostics channels; the prototypes of older
 * copies are patched, so it does not matter when they were loaded. Returns the undo.
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
    patchLoadedMysql(),
  ];
  return () => {
    for (const stop of undo) stop();
  };
}

/** OpenTelemetry's instrumentation and agents wrap the methods whose calls the channels tell of. */
function isRecordedByOthers(): boolean {
  return findLoadedModules(CONNECTION).some(
    (exports) =>
      typeof exports === 'function' &&
      isWrappedByOthers((exports.prototype as { readonly query?: unknown } | undefined)?.query),
  );
}
