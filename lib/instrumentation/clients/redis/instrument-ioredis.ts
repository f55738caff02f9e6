import { isWrappedByOthers } from '../../../invocation/patch.js';
import { undoAll } from '../../../process/undo-all.js';
import { type Call, patchCalls } from '../../patch-calls.js';
import { followTracedCalls } from '../channels.js';
import { type DatabaseOperation } from '../database/database-client.js';
import { fileOf, patchCopy, recordedByOthers, whenModuleLoaded } from '../loaded-modules.js';
import { RedisRecorder, type RedisTarget } from './record-command.js';

/** Shape of `ioredis` as far as it is patched here; ioredis is never imported. */
export interface IoredisModule {
  readonly Redis: { readonly prototype: object };
  readonly Cluster?: { readonly prototype: object } | undefined;
  readonly Pipeline?: { readonly prototype: object } | undefined;
}

interface IoredisCommand {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly promise: Promise<unknown>;
  /** Whether ioredis 6 has announced it, which it does once, when it writes it first. */
  readonly isTraced?: boolean;
}

/** A client or a cluster. */
interface IoredisClient {
  readonly status: string;
  readonly isCluster?: boolean;
  readonly options?: {
    readonly host?: string;
    readonly port?: number;
    readonly path?: string;
    readonly db?: number;
    /** Who is asked for the server; there is neither a host nor a port then. */
    readonly sentinels?: readonly unknown[] | null;
  };
  readonly stream?: { readonly remoteAddress?: string; readonly remotePort?: number } | null;
  readonly condition?: { readonly select?: number } | null;
}

interface IoredisPipeline {
  readonly redis: IoredisClient;
  readonly length: number;
  readonly promise: Promise<unknown>;
  readonly _queue: readonly IoredisCommand[];
  /** Transactions that were begun and not executed. */
  readonly _transactions: number;
}

/** What ioredis 6 publishes of a command. */
interface CommandMessage extends RedisTarget {
  readonly command: string;
  readonly args: readonly unknown[];
}

/** What it publishes of a transaction. */
interface BatchMessage extends RedisTarget {
  readonly batchSize: number;
}

const IOREDIS = fileOf('ioredis', 'built/index.js');
const RECORDER = new RedisRecorder('nestjs-telemetry/ioredis');

// What the channels and the patches of ioredis know of each other, so that no command has two spans:
// a client may be patched by one instrumentation and announce its commands to another.

/**
 * The commands that are dealt with; undefined where nothing is recorded. ioredis may send one several
 * times, after its connection is there.
 */
const known = new WeakMap<IoredisCommand, DatabaseOperation | undefined>();
const pipelines = new WeakMap<IoredisPipeline, DatabaseOperation | undefined>();

/** The pipeline or transaction that hands its commands on now: they are one operation. */
let batch: { readonly operation: DatabaseOperation | undefined } | undefined;
/** Whether what ioredis announces now has its operation already. */
let silent = false;

/**
 * Gives each ioredis command, pipeline and transaction made inside a span a CLIENT span,
 * `redis.get`. Commands outside a span (connection set-up, blocking pollers) are left alone, they
 * would each be their own trace. Returns the undo.
 */
export function instrumentIoredis(): () => void {
  const isRecorded = recordedByOthers(IOREDIS, (exports) => sendCommandOf(asIoredis(exports)));
  return undoAll([
    followTracedCalls('ioredis:command', (message: CommandMessage) =>
      isRecorded() || silent || batch !== undefined
        ? undefined
        : RECORDER.beginCommand(message.command, message.args, message),
    ),
    followTracedCalls('ioredis:batch', (message: BatchMessage) =>
      isRecorded() ? undefined : beginTransaction(message),
    ),
    whenModuleLoaded(IOREDIS, (exports) => {
      const ioredis = asIoredis(exports);
      return patchCopy(ioredis?.Redis.prototype, 'sendCommand', () => ioredis && patchIoredisModule(ioredis));
    }),
  ]);
}

/** ioredis announces the transaction as a whole, and then each of its commands. */
function beginTransaction(message: BatchMessage) {
  const operation = RECORDER.beginBatch('MULTI', message.batchSize, message);
  const outer = batch;
  batch = { operation: outer?.operation };
  return {
    returned: () => {
      batch = outer;
    },
    end: (error: unknown) => operation?.end(error),
  };
}

function sendCommandOf(ioredis: IoredisModule | undefined): unknown {
  return (ioredis?.Redis.prototype as { readonly sendCommand?: unknown } | undefined)?.sendCommand;
}

/** Version 4 exports the class itself, without a member `Redis`. */
function asIoredis(exports: unknown): IoredisModule | undefined {
  if ((typeof exports !== 'object' || exports === null) && typeof exports !== 'function') return undefined;
  const { Redis = exports, Cluster, Pipeline } = exports as Partial<IoredisModule>;
  if (typeof Redis !== 'function' || typeof (Redis.prototype as unknown) !== 'object') return undefined;
  return { Redis, Cluster, Pipeline }; // a class, as looked at above
}

/**
 * Records what ioredis's channels leave out or announce too late: commands that wait for a
 * connection, which it announces when they are written, where their caller is forgotten, and never
 * when no connection comes; pipelines, of which it announces each command; and everything of
 * ioredis 5, which has no channels. Returns the undo.
 */
export function patchIoredisModule({ Redis, Cluster, Pipeline }: IoredisModule): () => void {
  const { prototype } = Redis;
  if (isWrappedByOthers(sendCommandOf({ Redis }))) return () => undefined;
  return undoAll([
    patchSendCommand(prototype, '_buildCommandContext' in prototype),
    patchCalls(prototype, '_getServerAddress', addressOf),
    // A cluster hands its commands on to clients: only what it keeps back is its own.
    Cluster && patchSendCommand(Cluster.prototype, true),
    Pipeline && patchCalls(Pipeline.prototype, 'exec', recordExec),
  ]);
}

function patchSendCommand(prototype: object, announces: boolean): () => void {
  type Args = [command: IoredisCommand, ...rest: unknown[]];
  return patchCalls<IoredisClient, Args>(prototype, 'sendCommand', (client, send, args) => {
    const [command] = args;
    if (client.isCluster !== true) tellNode(client, known.get(command) ?? batch?.operation);
    if (!known.has(command) && announces && client.status === 'ready') {
      const sent = send.apply(client, args);
      // Kept back as well: its connection is lost, which was not noticed yet.
      if (command.isTraced !== true && !known.has(command)) recordSent(client, command);
      return sent;
    }
    // A cluster sends what ioredis announced again, to the node that the first one named.
    if (!known.has(command) && command.isTraced !== true) recordSent(client, command);
    const outer = silent;
    silent = true;
    try {
      return send.apply(client, args);
    } finally {
      silent = outer;
    }
  });
}

function recordSent(client: IoredisClient, command: IoredisCommand): void {
  const operation =
    batch === undefined
      ? RECORDER.beginCommand(command.name, command.args, targetOf(client))
      : batch.operation;
  known.set(command, operation);
  if (batch === undefined && operation !== undefined) endWith(command.promise, operation);
}

/** ioredis 6 announces the default, `localhost:6379`, for whatever server a sentinel has named. */
function addressOf(client: IoredisClient, original: Call<IoredisClient>, args: unknown[]): unknown {
  if (!client.options?.sentinels) return original.apply(client, args);
  const { serverAddress, serverPort } = targetOf(client);
  return { address: serverAddress, port: serverPort };
}

/**
 * What was begun before its node or server was known gets the address of the first that it is sent
 * to.
 */
function tellNode(node: IoredisClient, operation: DatabaseOperation | undefined): void {
  if (operation !== undefined && operation.labels.serverAddress === undefined)
    operation.locate(targetOf(node));
}

function recordExec(pipeline: IoredisPipeline, exec: Call<IoredisPipeline>, args: unknown[]): unknown {
  // With a transaction open the call only adds EXEC; a MULTI that ioredis announces is one batch
  // already.
  if (pipeline._transactions > 0 || batch !== undefined || pipeline.length === 0)
    return exec.apply(pipeline, args);
  let operation = pipelines.get(pipeline);
  if (!pipelines.has(pipeline)) {
    operation = beginPipeline(pipeline);
    pipelines.set(pipeline, operation);
    if (operation !== undefined) endWith(pipeline.promise, operation);
  }
  batch = { operation };
  try {
    return exec.apply(pipeline, args);
  } finally {
    batch = undefined;
  }
}

/**
 * A transaction that ioredis does not announce (in a cluster, or an older one) is a pipeline
 * between MULTI and EXEC.
 */
function beginPipeline({ _queue: [first], length, redis }: IoredisPipeline): DatabaseOperation | undefined {
  return first?.name === 'multi'
    ? RECORDER.beginBatch('MULTI', Math.max(length - 2, 0), targetOf(redis))
    : RECORDER.beginBatch('PIPELINE', length, targetOf(redis));
}

/**
 * Watched from the side, as ioredis's own tracing does: pipelines and clusters drop the promise
 * that a continuation would give them, and its rejection would be unhandled.
 */
function endWith(promise: Promise<unknown>, operation: DatabaseOperation): void {
  promise.then(
    (result) => {
      operation.end(firstFailure(result));
    },
    (error: unknown) => {
      operation.end(error);
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
