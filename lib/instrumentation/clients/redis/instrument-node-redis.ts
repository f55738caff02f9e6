import { context, createContextKey } from '@opentelemetry/api';

import { applicationRequire } from '../../../process/application-modules.js';
import { undoAll } from '../../../process/undo-all.js';
import { type Call, patchCalls } from '../../patch-calls.js';
import { followTracedCalls } from '../channels.js';
import { type DatabaseOperation } from '../database/database-client.js';
import { fileOf, isSince, patchCopy, type PatchedCopy, whenModuleLoaded } from '../loaded-modules.js';
import { endAnswered, RedisRecorder, type RedisTarget } from './record-command.js';

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

const RECORDER = new RedisRecorder('nestjs-telemetry/redis');

/**
 * Gives each command, pipeline and transaction of `redis` 4 to 6 made inside a span a CLIENT span,
 * `redis.get`. From 5.12 on it publishes its calls on diagnostics channels; the prototypes of older
 * copies are patched, so it does not matter when they were loaded. Returns the undo.
 */
export function instrumentNodeRedis(): () => void {
  return undoAll([
    followTracedCalls(
      'node-redis:command',
      (message: CommandMessage) =>
        // Its batch has a span for all of them.
        message.batchMode === undefined
          ? RECORDER.beginCommand(message.command, message.args.slice(1), message)
          : undefined,
      { end: endAnswered },
    ),
    followTracedCalls(
      'node-redis:batch',
      (message: BatchMessage) => RECORDER.beginBatch(message.batchMode, message.batchSize, message),
      { end: endAnswered },
    ),
    followTracedCalls('node-redis:connect', (target: Omit<RedisTarget, 'database'>) =>
      RECORDER.beginConnect(target),
    ),
    ...TOO_OLD.map((pattern) =>
      whenModuleLoaded(pattern, () => ({
        reason: 'it is older than redis 4.1',
        remedy: 'Update redis to 4.1 or later.',
      })),
    ),
    whenModuleLoaded(CLIENT, (exports, path) =>
      isSince(CLIENT, path, CHANNELS_SINCE) ? () => undefined : patchClient(exports, path),
    ),
  ]);
}

/** Patches a copy of `@redis/client` that has no diagnostics channels. */
function patchClient(exports: unknown, path: string): PatchedCopy {
  return patchCopy(prototypeOf(exports), 'sendCommand', (prototype) => {
    if ('_executeMulti' in prototype) return undoAll(patchVersion5(prototype));
    const queue = prototypeOf(
      applicationRequire().cache[path.replace(/index\.js$/, 'commands-queue.js')]?.exports,
    );
    return queue && undoAll(patchVersion4(prototype, queue));
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
    patchFollowed(prototype, 'sendCommand', (client, [args]) => {
      if (!Array.isArray(args)) return undefined;
      const [name, ...rest] = args as unknown[];
      if (typeof name !== 'string') return undefined;
      if (name === 'SELECT') databases.set(client._self ?? client, Number(rest[0]));
      return RECORDER.beginCommand(name, rest, targetOf(client));
    }),
    patchFollowed(prototype, '_executeMulti', (client, args) =>
      RECORDER.beginBatch('MULTI', sizeOf(args), targetOf(client)),
    ),
    patchFollowed(prototype, '_executePipeline', (client, args) =>
      RECORDER.beginBatch('PIPELINE', sizeOf(args), targetOf(client)),
    ),
    patchFollowed(prototype, 'connect', (client) => RECORDER.beginConnect(targetOf(client))),
  ];
}

/** Has `begin` begin the operation of each call, which ends with the promise of the call. */
function patchFollowed(
  prototype: object,
  name: string,
  begin: (client: NodeRedisClient, args: unknown[]) => DatabaseOperation | undefined,
): () => void {
  return patchCalls<NodeRedisClient>(prototype, name, (client, original, args) => {
    const operation = begin(client, args);
    try {
      return follow(original.apply(client, args), operation);
    } catch (error) {
      operation?.end(error);
      throw error;
    }
  });
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
  const whileSending = (client: NodeRedisClient, send: Call<NodeRedisClient>, args: unknown[]): unknown => {
    const outer = sending;
    sending = client;
    try {
      return send.apply(client, args);
    } finally {
      sending = outer;
    }
  };
  return [
    patchCalls(prototype, 'sendCommand', whileSending),
    patchCalls<NodeRedisClient>(prototype, 'connect', (client, connect, args) =>
      context.with(context.active().setValue(CONNECTING, client), () =>
        follow(connect.apply(client, args), RECORDER.beginConnect(targetOf(client))),
      ),
    ),
    patchCalls<NodeRedisClient>(prototype, 'multiExecutor', (client, execute, args) => {
      const mode = args.some((arg) => typeof arg === 'symbol') ? 'MULTI' : 'PIPELINE';
      const operation = RECORDER.beginBatch(mode, sizeOf(args), targetOf(client));
      batches += 1;
      try {
        // The commands are queued before the call first waits for anything.
        return follow(whileSending(client, execute, args), operation);
      } finally {
        batches -= 1;
      }
    }),
    patchCalls<object, [readonly unknown[], ...unknown[]]>(queue, 'addCommand', (self, addCommand, args) => {
      const client = sending ?? (context.active().getValue(CONNECTING) as NodeRedisClient | undefined);
      if (client !== undefined && !clients.has(self)) clients.set(self, client);
      const [name, ...values] = args[0];
      if (batches > 0 || typeof name !== 'string') return addCommand.apply(self, args);
      const operation = RECORDER.beginCommand(name, values, targetOf(clients.get(self)));
      return follow(addCommand.apply(self, args), operation);
    }),
  ];
}

/** Ends the operation with the promise, which is returned as it is. */
function follow(result: unknown, operation: DatabaseOperation | undefined): unknown {
  if (operation === undefined) return result;
  if (result instanceof Promise) {
    const end = (error?: unknown): void => {
      endAnswered(operation, error);
    };
    result.then(() => {
      end();
    }, end);
  } else {
    operation.end();
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
