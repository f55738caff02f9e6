import { endOperation, type RunningOperation } from '../database/record-operation.js';
import { followTracedCalls } from '../follow-traced-calls.js';
import {
  fileOf,
  findLoadedModules,
  type InstrumentedCopy,
  RECORDED_BY_OTHERS,
  UNKNOWN_SHAPE,
  type UnrecordedCopy,
  whenModuleLoaded,
} from '../loaded-modules.js';
import { isWrappedByOthers } from '../patch-method.js';
import { IoredisCalls } from './ioredis-calls.js';
import { type IoredisModule } from './ioredis-module.interface.js';
import { patchIoredis } from './patch-ioredis.js';
import { beginBatch, beginCommand, type RedisTarget } from './record-command.js';

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

/** One for all: a client may be patched by one instrumentation and announce its commands to another. */
const calls = new IoredisCalls();

/**
 * Gives each ioredis command, pipeline and transaction made inside a span a CLIENT span, `redis.get`. Commands outside a
 * span (connection set-up, blocking pollers) are left alone, they would each be a trace of their own. Returns the undo.
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
  return () => {
    for (const stop of undo) stop();
  };
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

/** OpenTelemetry's instrumentation and agents wrap the method whose calls the channels tell of. */
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
