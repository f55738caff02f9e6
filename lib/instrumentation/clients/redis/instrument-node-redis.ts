import { endOperation } from '../database/record-operation.js';
import { followTracedCalls } from '../follow-traced-calls.js';
import { patchLoadedNodeRedis } from './patch-node-redis.js';
import { beginBatch, beginCommand, beginConnect, endAnswered, type RedisTarget } from './record-command.js';

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

const SCOPE = 'nestjs-telemetry/redis';

/**
 * Gives each command, pipeline and transaction of `redis` 4 to 6 made inside a span a CLIENT span, `redis.get`. From 5.12 on
 * it publishes its calls on diagnostics channels; the prototypes of older copies are patched, so it does not matter when
 * they were loaded. Returns the undo.
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
    followTracedCalls('node-redis:connect', {
      begin: (target: Omit<RedisTarget, 'database'>) => beginConnect(SCOPE, target),
      end: endOperation,
    }),
    patchLoadedNodeRedis(),
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
