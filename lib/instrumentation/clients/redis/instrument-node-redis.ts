import { ATTR_DB_RESPONSE_STATUS_CODE } from '../../../config/semantic-conventions.constants.js';
import {
  beginOperation,
  endOperation,
  observesOperation,
  type RunningOperation,
} from '../database/record-operation.js';
import { followTracedCalls } from '../follow-traced-calls.js';
import { beginBatch, beginCommand, type RedisTarget } from './record-command.js';

/** What `@redis/client` 6 publishes of a command; `args` begin with its name. */
interface CommandMessage extends RedisTarget {
  readonly command: string;
  readonly args: readonly unknown[];
  /** Set for a command of a pipeline. */
  readonly batchMode?: 'MULTI' | 'PIPELINE';
}

interface BatchMessage extends RedisTarget {
  readonly batchMode: 'MULTI' | 'PIPELINE';
  readonly batchSize: number;
}

type ConnectMessage = Omit<RedisTarget, 'database'>;

const SCOPE = 'nestjs-telemetry/redis';

/**
 * Gives each command, pipeline and transaction of `redis` 6 made inside a span a CLIENT span, `redis.get`. Works whenever it is
 * called and however redis was imported: it announces its calls on diagnostics channels. Returns the undo.
 */
export function instrumentNodeRedis(): () => void {
  const undo = [
    followTracedCalls<CommandMessage, ReturnType<typeof beginMessage>>('node-redis:command', {
      begin: beginMessage,
      end: endIfBegun,
    }),
    followTracedCalls('node-redis:batch', {
      begin: (message: BatchMessage) => beginBatch(SCOPE, message.batchMode, message.batchSize, message),
      end: endAnswered,
    }),
    followTracedCalls('node-redis:connect', { begin: beginConnect, end: endOperation }),
  ];
  return () => {
    for (const stop of undo) stop();
  };
}

function beginMessage(message: CommandMessage) {
  // Its batch has a span for all of them.
  if (message.batchMode !== undefined) return undefined;
  return beginCommand(SCOPE, message.command, message.args.slice(1), message);
}

function endIfBegun(operation: ReturnType<typeof beginMessage>, error: unknown): void {
  if (operation !== undefined) endAnswered(operation, error);
}

/**
 * A node of a cluster that names another one has not failed: the client asks that one, in an operation of its own. Whoever has
 * no cluster client gets the error, and records it.
 */
function endAnswered(operation: RunningOperation, error: unknown): void {
  const redirection = error instanceof Error ? /^(?:MOVED|ASK)(?= )/.exec(error.message)?.[0] : undefined;
  if (redirection === undefined) {
    endOperation(operation, error);
    return;
  }
  operation.span?.setAttribute(ATTR_DB_RESPONSE_STATUS_CODE, redirection);
  endOperation(operation);
}

/** Opening a connection is worth a span to who waits for it, and is no operation to be measured. */
function beginConnect({ serverAddress, serverPort }: ConnectMessage) {
  if (observesOperation() !== 'span') return undefined;
  const labels = { system: 'redis', operation: 'CONNECT', serverAddress, serverPort };
  return beginOperation('span', labels, { scope: SCOPE, name: 'redis.connect' });
}
