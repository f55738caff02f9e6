import { isWrappedByOthers, patch } from '../../../invocation/patch.js';
import { undoAll } from '../../../process/undo-all.js';
import { followTracedCalls } from '../channels.js';
import { endOperation, locateOperation, type RunningOperation } from '../database/database-client.js';
import {
  fileOf,
  findLoadedModules,
  type InstrumentedCopy,
  RECORDED_BY_OTHERS,
  UNKNOWN_SHAPE,
  type UnrecordedCopy,
  whenModuleLoaded,
} from '../loaded-modules.js';
import { beginBatch, beginCommand, type RedisTarget } from './record-command.js';

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

type SendCommand = (this: IoredisClient, command: IoredisCommand, ...rest: unknown[]) => unknown;

/** Where ioredis 6 says that what it announces goes. */
type GetServerAddress = (this: IoredisClient) => {
  readonly address: string | undefined;
  readonly port: number | undefined;
};

interface IoredisPipeline {
  readonly redis: IoredisClient;
  readonly length: number;
  readonly promise: Promise<unknown>;
  readonly _queue: readonly IoredisCommand[];
  /** Transactions that were begun and not executed. */
  readonly _transactions: number;
}

type ExecPipeline = (this: IoredisPipeline, ...args: unknown[]) => unknown;

/**
 * What the channels and the patches of ioredis must know of each other, so that no command has two
 * spans.
 */
class IoredisCalls {
  private readonly known = new WeakMap<IoredisCommand, RunningOperation | undefined>();
  private silent = 0;
  private batches = 0;
  private batch: RunningOperation | undefined;

  /** True while a pipeline or transaction hands its commands on: they are one operation. */
  get inBatch(): boolean {
    return this.batches > 0;
  }

  /** True for an event of ioredis about a command that has its operation already. */
  get ignoresEvents(): boolean {
    return this.silent > 0 || this.inBatch;
  }

  /**
   * Whether a command is dealt with; ioredis may send it several times, after its connection is
   * there.
   */
  isKnown(command: IoredisCommand): boolean {
    return this.known.has(command);
  }

  know(command: IoredisCommand, operation: RunningOperation | undefined): void {
    this.known.set(command, operation);
  }

  /**
   * The operation that a command which is sent now belongs to, its own or that of its batch;
   * undefined where ioredis announces it.
   */
  operationOf(command: IoredisCommand): RunningOperation | undefined {
    return this.known.get(command) ?? this.batch;
  }

  withoutEvents<T>(send: () => T): T {
    this.silent += 1;
    try {
      return send();
    } finally {
      this.silent -= 1;
    }
  }

  beginBatch(): void {
    this.batches += 1;
  }

  endBatch(): void {
    this.batches -= 1;
  }

  asBatch<T>(operation: RunningOperation | undefined, execute: () => T): T {
    const outer = this.batch;
    this.batch = operation;
    this.beginBatch();
    try {
      return execute();
    } finally {
      this.endBatch();
      this.batch = outer;
    }
  }
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

interface Batch {
  readonly operation: RunningOperation | undefined;
}

const SCOPE = 'nestjs-telemetry/ioredis';
const IOREDIS = fileOf('ioredis', 'built/index.js');

/**
 * One for all: a client may be patched by one instrumentation and announce its commands to another.
 */
const calls = new IoredisCalls();

/**
 * Gives each ioredis command, pipeline and transaction made inside a span a CLIENT span,
 * `redis.get`. Commands outside a span (connection set-up, blocking pollers) are left alone, they
 * would each be a trace of their own. Returns the undo.
 */
export function instrumentIoredis(): () => void {
  let othersRecord: boolean | undefined;
  const unlessOthers =
    <M, C>(begin: (message: M) => C | undefined) =>
    (message: M): C | undefined => {
      othersRecord ??= isRecordedByOthers();
      return othersRecord ? undefined : begin(message);
    };
  const undo = [
    followTracedCalls('ioredis:command', { begin: unlessOthers(beginMessage), end: endOperation }),
    followTracedCalls('ioredis:batch', {
      begin: unlessOthers(beginTransaction),
      returned: leaveBatch,
      end: endBatch,
    }),
    whenModuleLoaded(IOREDIS, patchLoaded),
  ];
  return undoAll(undo);
}

function patchLoaded(exports: unknown): InstrumentedCopy | UnrecordedCopy {
  const ioredis = asIoredis(exports);
  if (ioredis === undefined) return UNKNOWN_SHAPE;
  return isWrappedByOthers(sendCommandOf(ioredis))
    ? RECORDED_BY_OTHERS
    : { undo: patchIoredis(ioredis, calls) };
}

/** Patches a copy of ioredis that cannot be found: one in a bundle or in jest. Returns the undo. */
export function patchIoredisModule(ioredis: IoredisModule): () => void {
  return patchIoredis(ioredis, calls);
}

function beginMessage(message: CommandMessage): RunningOperation | undefined {
  if (calls.ignoresEvents) return undefined;
  return beginCommand(SCOPE, message.command, message.args, message);
}

function beginTransaction(message: BatchMessage): Batch {
  const operation = beginBatch(SCOPE, 'MULTI', message.batchSize, message);
  calls.beginBatch();
  return { operation };
}

function leaveBatch(): void {
  calls.endBatch();
}

function endBatch({ operation }: Batch, error: unknown): void {
  if (operation !== undefined) endOperation(operation, error);
}

/** OpenTelemetry's instrumentation and agents wrap the method whose calls the channels announce. */
function isRecordedByOthers(): boolean {
  return findLoadedModules(IOREDIS)
    .map(asIoredis)
    .some((ioredis) => ioredis !== undefined && isWrappedByOthers(sendCommandOf(ioredis)));
}

function sendCommandOf({ Redis }: IoredisModule): unknown {
  return (Redis.prototype as { readonly sendCommand?: unknown }).sendCommand;
}

/** Version 4 exports the class itself, without a member `Redis`. */
function asIoredis(exports: unknown): IoredisModule | undefined {
  if ((typeof exports !== 'object' || exports === null) && typeof exports !== 'function') return undefined;
  const { Redis = exports, Cluster, Pipeline } = exports as Partial<IoredisModule>;
  if (typeof Redis !== 'function' || typeof (Redis.prototype as unknown) !== 'object') return undefined;
  const ioredis = { Redis, Cluster, Pipeline } as IoredisModule;
  return typeof sendCommandOf(ioredis) === 'function' ? ioredis : undefined;
}

/**
 * Records what ioredis's channels leave out or announce too late: commands that wait for a
 * connection, which it announces when they are written, where their caller is forgotten, and never
 * when no connection comes; pipelines, of which it announces each command; and everything of
 * ioredis 5, which has no channels. Returns the undo.
 */
function patchIoredis({ Redis, Cluster, Pipeline }: IoredisModule, calls: IoredisCalls): () => void {
  if (isWrappedByOthers((Redis.prototype as { readonly sendCommand?: unknown }).sendCommand)) {
    return () => undefined;
  }
  const announces = '_buildCommandContext' in Redis.prototype;
  const undo = [patchSendCommand(Redis.prototype, announces, calls), patchServerAddress(Redis.prototype)];
  // A cluster hands its commands on to clients: only what it keeps back is its own.
  if (Cluster !== undefined) undo.push(patchSendCommand(Cluster.prototype, true, calls));
  if (Pipeline !== undefined) undo.push(patchExec(Pipeline.prototype, calls));
  return undoAll(undo);
}

function patchSendCommand(prototype: object, announces: boolean, calls: IoredisCalls): () => void {
  return patch<SendCommand>(
    prototype,
    'sendCommand',
    (original, state) =>
      function (command, ...rest) {
        if (!state.active) return original.call(this, command, ...rest);
        if (this.isCluster !== true) tellNode(this, calls.operationOf(command));
        if (!calls.isKnown(command) && announces && this.status === 'ready') {
          const sent = original.call(this, command, ...rest);
          // Kept back as well: its connection is lost, which was not noticed yet.
          if (command.isTraced !== true && !calls.isKnown(command)) recordSent(this, command, calls);
          return sent;
        }
        // A cluster sends what ioredis announced again, to the node that the first one named.
        if (!calls.isKnown(command) && command.isTraced !== true) recordSent(this, command, calls);
        return calls.withoutEvents(() => original.call(this, command, ...rest));
      },
    { once: true },
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
  return patch<GetServerAddress>(
    prototype,
    '_getServerAddress',
    (original, state) =>
      function () {
        if (!state.active || !this.options?.sentinels) return original.call(this);
        const { serverAddress, serverPort } = targetOf(this);
        return { address: serverAddress, port: serverPort };
      },
    { once: true },
  );
}

/**
 * What was begun before its node or server was known gets the address of the first that it is sent
 * to.
 */
function tellNode(node: IoredisClient, operation: RunningOperation | undefined): void {
  if (operation !== undefined && operation.labels.serverAddress === undefined) {
    locateOperation(operation, targetOf(node));
  }
}

function patchExec(prototype: object, calls: IoredisCalls): () => void {
  const recorded = new WeakMap<IoredisPipeline, RunningOperation | undefined>();
  return patch<ExecPipeline>(
    prototype,
    'exec',
    (original, state) =>
      function (...args) {
        // With a transaction open the call only adds EXEC; a MULTI that ioredis announces is one
        // batch already.
        if (!state.active || this._transactions > 0 || calls.inBatch || this.length === 0) {
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
    { once: true },
  );
}

/**
 * A transaction that ioredis does not announce (in a cluster, or an older one) is a pipeline
 * between MULTI and EXEC.
 */
function beginPipeline({ _queue: [first], length, redis }: IoredisPipeline): RunningOperation | undefined {
  return first?.name === 'multi'
    ? beginBatch(SCOPE, 'MULTI', Math.max(length - 2, 0), targetOf(redis))
    : beginBatch(SCOPE, 'PIPELINE', length, targetOf(redis));
}

/**
 * Watched from the side, as ioredis's own tracing does: pipelines and clusters drop the promise
 * that a continuation would give them, and its rejection would be unhandled.
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
