import { context, createContextKey } from '@opentelemetry/api';

import { isWrappedByOthers, patch } from '../../../invocation/patch.js';
import { type Patch } from '../../../invocation/patch.js';
import { applicationRequire } from '../../../process/application-modules.js';
import { undoAll } from '../../../process/undo-all.js';
import { followTracedCalls } from '../channels.js';
import { endOperation, type RunningOperation } from '../database/database-client.js';
import {
  fileOf,
  type InstrumentedCopy,
  RECORDED_BY_OTHERS,
  UNKNOWN_SHAPE,
  type UnrecordedCopy,
  versionAt,
  whenModuleLoaded,
} from '../loaded-modules.js';
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
 * Gives each command, pipeline and transaction of `redis` 4 to 6 made inside a span a CLIENT span,
 * `redis.get`. From 5.12 on it publishes its calls on diagnostics channels; the prototypes of older
 * copies are patched, so it does not matter when they were loaded. Returns the undo.
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
  return undoAll(undo);
}

function beginMessage(message: CommandMessage) {
  // Its batch has a span for all of them.
  if (message.batchMode !== undefined) return undefined;
  return beginCommand(SCOPE, message.command, message.args.slice(1), message);
}

function endIfBegun(operation: ReturnType<typeof beginMessage>, error: unknown): void {
  if (operation !== undefined) endAnswered(operation, error);
}

type Call = (this: NodeRedisClient, ...args: unknown[]) => unknown;
type AddCommand = (this: object, args: readonly unknown[], ...rest: unknown[]) => unknown;

/** A client of `@redis/client` 1 (redis 4) or 5. */
interface NodeRedisClient {
  readonly options?: {
    readonly socket?: { readonly host?: string; readonly port?: number; readonly path?: string };
    readonly database?: number;
  };
  /** The client itself, of one that was derived from it by `withCommandOptions()`. */
  readonly _self?: object;
}

const CLIENT = fileOf('@redis/client', 'dist/lib/client/index.js');

/** From this version on `@redis/client` publishes its calls on diagnostics channels. */
const CHANNELS_SINCE = [5, 12] as const;

/** The clients before `@redis/client`: redis 3 has this file, redis 4.0 has the other package. */
const TOO_OLD = [fileOf('redis', 'index.js'), fileOf('@node-redis/client', 'dist/lib/client/index.js')];

/** Patches the copies of `@redis/client` that have no diagnostics channels. Returns the undo. */
function patchLoadedNodeRedis(): () => void {
  const undo = TOO_OLD.map((pattern) =>
    whenModuleLoaded(pattern, () => ({
      reason: 'it is older than redis 4.1',
      remedy: 'Update redis to 4.1 or later.',
    })),
  );
  return undoAll([...undo, patchLoadedClients()]);
}

function patchLoadedClients(): () => void {
  return whenModuleLoaded(CLIENT, (exports, path): InstrumentedCopy | UnrecordedCopy => {
    // Without a package.json it is taken for a new one: a call must never have two spans.
    const [major, minor] = versionAt(CLIENT, path) ?? CHANNELS_SINCE;
    if (major > CHANNELS_SINCE[0] || (major === CHANNELS_SINCE[0] && minor >= CHANNELS_SINCE[1]))
      return { undo: () => undefined };
    const prototype = prototypeOf(exports);
    const send: unknown = prototype === undefined ? undefined : Reflect.get(prototype, 'sendCommand');
    if (prototype === undefined || typeof send !== 'function') return UNKNOWN_SHAPE;
    if (isWrappedByOthers(send)) return RECORDED_BY_OTHERS;
    if ('_executeMulti' in prototype) return { undo: undoAll(patchVersion5(prototype)) };
    const queue = prototypeOf(
      applicationRequire().cache[path.replace(/index\.js$/, 'commands-queue.js')]?.exports,
    );
    return queue === undefined ? UNKNOWN_SHAPE : { undo: undoAll(patchVersion4(prototype, queue)) };
  });
}

function prototypeOf(exports: unknown): object | undefined {
  const { default: made } = (exports ?? {}) as { readonly default?: { readonly prototype?: object } };
  return made?.prototype;
}

/**
 * Each command goes through `sendCommand()`, each batch through one of two methods; what a
 * connection begins with does not.
 */
function patchVersion5(prototype: object): (() => void)[] {
  return [
    patchCall(prototype, 'sendCommand', (client, [args]) => {
      if (!Array.isArray(args)) return undefined;
      const [name, ...rest] = args as unknown[];
      if (typeof name !== 'string') return undefined;
      if (name === 'SELECT') databases.set(client._self ?? client, Number(rest[0]));
      return beginCommand(SCOPE, name, rest, targetOf(client));
    }),
    patchCall(prototype, '_executeMulti', (client, args) =>
      beginBatch(SCOPE, 'MULTI', sizeOf(args), targetOf(client)),
    ),
    patchCall(prototype, '_executePipeline', (client, args) =>
      beginBatch(SCOPE, 'PIPELINE', sizeOf(args), targetOf(client)),
    ),
    patchConnect(prototype),
  ];
}

const CONNECTING = createContextKey('nestjs-telemetry.redis-connecting');

/**
 * Version 4 hands every command to its queue by a private method, so the queue is patched. Whose
 * queue it is shows when a client connects, and when it sends a batch or a command of the
 * application's own.
 */
function patchVersion4(prototype: object, queue: object): (() => void)[] {
  const clients = new WeakMap<object, NodeRedisClient>();
  let sending: NodeRedisClient | undefined;
  let batches = 0;
  const whileSending = <T>(client: NodeRedisClient, send: () => T): T => {
    const outer = sending;
    sending = client;
    try {
      return send();
    } finally {
      sending = outer;
    }
  };
  return [
    patch<Call>(
      prototype,
      'sendCommand',
      (original) =>
        function (...args) {
          return whileSending(this, () => original.apply(this, args));
        },
      { once: true },
    ),
    patch<Call>(
      prototype,
      'connect',
      (original, state) =>
        function (...args) {
          const inside = context.active().setValue(CONNECTING, this);
          return state.active
            ? context.with(inside, () => recordConnect(this, () => original.apply(this, args)))
            : original.apply(this, args);
        },
      { once: true },
    ),
    patch<Call>(
      prototype,
      'multiExecutor',
      (original, state) =>
        function (...args) {
          if (!state.active) return original.apply(this, args);
          const mode = args.some((arg) => typeof arg === 'symbol') ? 'MULTI' : 'PIPELINE';
          const running = beginBatch(SCOPE, mode, sizeOf(args), targetOf(this));
          batches += 1;
          try {
            // The commands are queued before the call first waits for anything.
            return follow(
              whileSending(this, () => original.apply(this, args)),
              running,
            );
          } finally {
            batches -= 1;
          }
        },
      { once: true },
    ),
    patch<AddCommand>(
      queue,
      'addCommand',
      (original, state) =>
        function (args, ...rest) {
          const client = sending ?? (context.active().getValue(CONNECTING) as NodeRedisClient | undefined);
          if (client !== undefined && !clients.has(this)) clients.set(this, client);
          const [name, ...values] = args;
          if (!state.active || batches > 0 || typeof name !== 'string')
            return original.call(this, args, ...rest);
          const running = beginCommand(SCOPE, name, values, targetOf(clients.get(this)));
          return follow(original.call(this, args, ...rest), running);
        },
      { once: true },
    ),
  ];
}

function patchCall(
  prototype: object,
  name: string,
  begin: (client: NodeRedisClient, args: unknown[]) => RunningOperation | undefined,
): () => void {
  return patch<Call>(
    prototype,
    name,
    (original: Call, state: Patch) =>
      function (...args) {
        if (!state.active) return original.apply(this, args);
        const running = begin(this, args);
        try {
          return follow(original.apply(this, args), running);
        } catch (error) {
          if (running !== undefined) endOperation(running, error);
          throw error;
        }
      },
    { once: true },
  );
}

function patchConnect(prototype: object): () => void {
  return patch<Call>(
    prototype,
    'connect',
    (original, state) =>
      function (...args) {
        return state.active
          ? recordConnect(this, () => original.apply(this, args))
          : original.apply(this, args);
      },
    { once: true },
  );
}

function recordConnect(client: NodeRedisClient, connect: () => unknown): unknown {
  return follow(connect(), beginConnect(SCOPE, targetOf(client)));
}

/** Ends the operation with the promise, which is returned as it is. */
function follow(result: unknown, running: RunningOperation | undefined): unknown {
  if (running === undefined) return result;
  if (result instanceof Promise) {
    result.then(
      () => {
        endAnswered(running, undefined);
      },
      (error: unknown) => {
        endAnswered(running, error);
      },
    );
  } else {
    endOperation(running);
  }
  return result;
}

/** What `SELECT` has chosen, where it was not the option. */
const databases = new WeakMap<object, number>();

function targetOf(client: NodeRedisClient | undefined): RedisTarget {
  // A client that had connected before telemetry started.
  if (client === undefined) return { database: 0 };
  const { socket, database = 0 } = client.options ?? {};
  const selected = databases.get(client._self ?? client);
  const target = { database: selected ?? database };
  if (socket?.path !== undefined) return { ...target, serverAddress: socket.path };
  return { ...target, serverAddress: socket?.host ?? 'localhost', serverPort: socket?.port ?? 6379 };
}

function sizeOf([commands]: unknown[]): number {
  return Array.isArray(commands) ? commands.length : 0;
}
