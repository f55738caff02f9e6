import { type Span } from '@opentelemetry/api';

import {
  ATTR_NESTJS_DB_TRANSACTION_DURATION,
  ATTR_NESTJS_DB_TRANSACTION_STATEMENTS,
} from '../../../config/semantic-conventions.constants.js';
import { type PgClient } from './pg-module.interface.js';

interface Transaction {
  readonly startedAt: number;
  statements: number;
}

const open = new WeakMap<PgClient, Transaction>();

/**
 * Follows the transaction of a connection by its statements, and puts what it took on the span of the one that ends it. A
 * span around the whole would change the parent of what application code does in between.
 */
export function followTransaction(client: PgClient, operation: string, span: Span | undefined): void {
  const transaction = open.get(client);
  if (operation === 'BEGIN' || operation === 'START') {
    open.set(client, { startedAt: performance.now(), statements: 0 });
  } else if (transaction === undefined) {
    return;
  } else if (operation === 'COMMIT' || operation === 'END' || operation === 'ROLLBACK') {
    open.delete(client);
    span?.setAttributes({
      [ATTR_NESTJS_DB_TRANSACTION_DURATION]: (performance.now() - transaction.startedAt) / 1000,
      [ATTR_NESTJS_DB_TRANSACTION_STATEMENTS]: transaction.statements,
    });
  } else {
    transaction.statements += 1;
  }
}
