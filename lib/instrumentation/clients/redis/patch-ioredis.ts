import { endOperation, locateOperation, type RunningOperation } from '../database/record-operation.js';
import { isWrappedByOthers, patchMethod } from '../patch-method.js';
import {
  type ExecPipeline,
  type GetServerAddress,
  type IoredisClient,
  type IoredisCommand,
  type IoredisModule,
  type IoredisPipeline,
  type SendCommand,
} from './ioredis-module.interface.js';
import { type IoredisCalls } from './ioredis-calls.js';
import { beginBatch, beginCommand, type RedisTarget } from './record-command.js';

const SCOPE = 'nestjs-telemetry/ioredis';

/**
 * Records what ioredis's channels leave out or tell too late: commands that wait for a connection, which it announces when
 * they are written, where their caller is forgotten, and never when no connection comes; pipelines, of which it announces
 * each command; and everything of ioredis 5, which has no channels. Returns the undo.
 */
export function patchIoredis({ Redis, Cluster, Pipeline }: IoredisModule, calls: IoredisCalls): () => void {
  if (isWrappedByOthers((Redis.prototype as { readonly sendCommand?: unknown }).sendCommand)) {
    return () => undefined;
  }
  const announces = '_buildCommandContext' in Redis.prototype;
  const undo = [patchSendCommand(Redis.prototype, announces, calls), patchServerAddress(Redis.prototype)];
  // A cluster hands its commands on to clients: only what it keeps back is its own.
  if (Cluster !== undefined) undo.push(patchSendCommand(Cluster.prototype, true, calls));
  if (Pipeline !== undefined) undo.push(patchExec(Pipeline.prototype, calls));
  return () => {
    for (const restore of undo) restore();
  };
}

function patchSendCommand(prototype: object, announces: boolean, calls: IoredisCalls): () => void {
  return patchMethod<SendCommand>(
    prototype,
    'sendCommand',
    (original, patch) =>
      function (command, ...rest) {
        if (!patch.active) return original.call(this, command, ...rest);
        if (this.isCluster !== true) tellNode(this, calls.operationOf(command));
        if (!calls.isKnown(command) && announces && this.status === 'ready') {
          const sent = original.call(this, command, ...rest);
          // Kept back all the same: its connection is lost, and nobody has noticed yet.
          if (command.isTraced !== true && !calls.isKnown(command)) recordSent(this, command, calls);
          return sent;
        }
        // A cluster sends what ioredis announced again, to the node that the first one named.
        if (!calls.isKnown(command) && command.isTraced !== true) recordSent(this, command, calls);
        return calls.withoutEvents(() => original.call(this, command, ...rest));
      },
  );
}

function recordSent(client: IoredisClient, command: IoredisCommand, calls: IoredisCalls): void {
  if (calls.inBatch) {
    calls.know(command, calls.operationOf(command));
    return;
  }
  const running = beginCommand(SCOPE, command.name, command.args, targetOf(client));
  calls.know(command, running);
  if (running !== undefined) endWith(command.promise, running);
}

/** ioredis 6 announces the default, `localhost:6379`, for whatever server a sentinel has named. */
function patchServerAddress(prototype: object): () => void {
  return patchMethod<GetServerAddress>(
    prototype,
    '_getServerAddress',
    (original, patch) =>
      function () {
        if (!patch.active || !this.options?.sentinels) return original.call(this);
        const { serverAddress, serverPort } = targetOf(this);
        return { address: serverAddress, port: serverPort };
      },
  );
}

/** What was begun before its node or server was known gets the address of the first that it is sent to. */
function tellNode(node: IoredisClient, operation: RunningOperation | undefined): void {
  if (operation !== undefined && operation.labels.serverAddress === undefined) {
    locateOperation(operation, targetOf(node));
  }
}

function patchExec(prototype: object, calls: IoredisCalls): () => void {
  const recorded = new WeakMap<IoredisPipeline, RunningOperation | undefined>();
  return patchMethod<ExecPipeline>(
    prototype,
    'exec',
    (original, patch) =>
      function (...args) {
        // With a transaction open the call only adds EXEC; a MULTI that ioredis announces is one batch already.
        if (!patch.active || this._transactions > 0 || calls.inBatch || this.length === 0) {
          return original.apply(this, args);
        }
        let running = recorded.get(this);
        if (!recorded.has(this)) {
          running = beginPipeline(this);
          recorded.set(this, running);
          if (running !== undefined) endWith(this.promise, running);
        }
        return calls.asBatch(running, () => original.apply(this, args));
      },
  );
}

/** A transaction that ioredis does not announce (in a cluster, or an older one) is a pipeline between MULTI and EXEC. */
function beginPipeline({ _queue: [first], length, redis }: IoredisPipeline): RunningOperation | undefined {
  return first?.name === 'multi'
    ? beginBatch(SCOPE, 'MULTI', Math.max(length - 2, 0), targetOf(redis))
    : beginBatch(SCOPE, 'PIPELINE', length, targetOf(redis));
}

/**
 * Watched from the side, as ioredis's own tracing does: pipelines and clusters drop the promise that a continuation would
 * give them, and its rejection would be unhandled.
 */
function endWith(promise: Promise<unknown>, running: RunningOperation): void {
  promise.then(
    (result) => {
      endOperation(running, firstFailure(result));
    },
    (error: unknown) => {
      endOperation(running, error);
    },
  );
}

/** A pipeline resolves to `[error, reply]` of each command. */
function firstFailure(result: unknown): unknown {
  if (!Array.isArray(result)) return undefined;
  const failed = result.find((entry: unknown) => Array.isArray(entry) && entry[0] instanceof Error) as
    [Error] | undefined;
  return failed?.[0];
}

function targetOf({ options, condition, isCluster, stream }: IoredisClient): RedisTarget {
  const database = condition?.select ?? options?.db ?? 0;
  if (isCluster === true) return { database };
  if (options?.sentinels) {
    return { database, serverAddress: stream?.remoteAddress, serverPort: stream?.remotePort };
  }
  if (options?.path !== undefined) return { database, serverAddress: options.path };
  return { database, serverAddress: options?.host ?? 'localhost', serverPort: options?.port ?? 6379 };
}
