import { type Attributes, trace } from '@opentelemetry/api';

import {
  ATTR_DB_OPERATION_BATCH_SIZE,
  ATTR_DB_QUERY_TEXT,
  ATTR_DB_RESPONSE_STATUS_CODE,
} from '../../../config/semantic-conventions.constants.js';
import {
  beginOperation,
  endOperation,
  observesOperation,
  type RunningOperation,
} from '../database/record-operation.js';
import { describeCommand, isBlockingCommand, isHandshake } from './describe-command.js';

/** Where a command goes. */
export interface RedisTarget {
  readonly database: number;
  readonly serverAddress?: string | undefined;
  readonly serverPort?: number | undefined;
}

/**
 * Begins the operation of a command, with a span `redis.get` inside a span. What a connection says by itself is left alone,
 * and so are pollers: commands that block, outside a span or below one that is over.
 *
 * @param args what follows the name; values are left out of the text
 */
export function beginCommand(
  scope: string,
  command: string,
  args: readonly unknown[],
  target: RedisTarget,
): RunningOperation | undefined {
  const observes = observesOperation();
  if (observes === undefined || isHandshake(command)) return undefined;
  if (isBlockingCommand(command, args) && trace.getActiveSpan()?.isRecording() !== true) return undefined;
  const describe = (): Attributes => ({ [ATTR_DB_QUERY_TEXT]: describeCommand(command, args) });
  const name = `redis.${command.toLowerCase()}`;
  return beginOperation(observes, labelsOf(command.toUpperCase(), target), { scope, name, describe });
}

/** Begins the operation of a pipeline or transaction: one for all of its commands. */
export function beginBatch(
  scope: string,
  mode: 'MULTI' | 'PIPELINE',
  size: number,
  target: RedisTarget,
): RunningOperation | undefined {
  const observes = observesOperation();
  if (observes === undefined) return undefined;
  const describe = (): Attributes => ({ [ATTR_DB_OPERATION_BATCH_SIZE]: size });
  return beginOperation(observes, labelsOf(mode, target), {
    scope,
    name: `redis.${mode.toLowerCase()}`,
    describe,
  });
}

function labelsOf(operation: string, { database, serverAddress, serverPort }: RedisTarget) {
  return { system: 'redis', operation, namespace: String(database), serverAddress, serverPort };
}

/**
 * A node of a cluster that names another one has not failed: the client asks that one, in an operation of its own. Whoever has
 * no cluster client gets the error, and records it.
 */
export function endAnswered(operation: RunningOperation, error: unknown): void {
  const redirection = error instanceof Error ? /^(?:MOVED|ASK)(?= )/.exec(error.message)?.[0] : undefined;
  if (redirection === undefined) {
    endOperation(operation, error);
    return;
  }
  operation.span?.setAttribute(ATTR_DB_RESPONSE_STATUS_CODE, redirection);
  endOperation(operation);
}

/** Opening a connection is worth a span to who waits for it, and is no operation to be measured. */
export function beginConnect(
  scope: string,
  { serverAddress, serverPort }: Omit<RedisTarget, 'database'>,
): RunningOperation | undefined {
  if (observesOperation() !== 'span') return undefined;
  const labels = { system: 'redis', operation: 'CONNECT', serverAddress, serverPort };
  return beginOperation('span', labels, { scope, name: 'redis.connect' });
}
