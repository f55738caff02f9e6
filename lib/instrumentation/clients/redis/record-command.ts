import { trace } from '@opentelemetry/api';

import {
  ATTR_DB_OPERATION_BATCH_SIZE,
  ATTR_DB_QUERY_TEXT,
  ATTR_DB_RESPONSE_STATUS_CODE,
} from '../../../config/semantic-conventions.constants.js';
import { DatabaseClient, type DatabaseOperation, recordingModeFor } from '../database/database-client.js';

/** Where a command goes. */
export interface RedisTarget {
  readonly database: number;
  readonly serverAddress?: string | undefined;
  readonly serverPort?: number | undefined;
}

/** Records the commands of one Redis client. */
export class RedisRecorder extends DatabaseClient {
  /** @param scope name of the tracer */
  constructor(scope: string) {
    super('redis', scope);
  }

  /**
   * Begins the operation of a command, with a span `redis.get` inside a span. What a connection says
   * by itself is left alone, and so are pollers: commands that block, outside a span or below one
   * that is over.
   *
   * @param args what follows the name; values are left out of the text
   */
  beginCommand(
    command: string,
    args: readonly unknown[],
    target: RedisTarget,
  ): DatabaseOperation | undefined {
    const mode = recordingModeFor();
    const name = command.toUpperCase();
    if (mode === undefined || HANDSHAKE.has(name)) return undefined;
    if (isBlockingCommand(command, args) && trace.getActiveSpan()?.isRecording() !== true) return undefined;
    const describe = () => ({ [ATTR_DB_QUERY_TEXT]: describeCommand(command, args) });
    return this.begin(mode, labelsOf(name, target), describe, spanName(command));
  }

  /** Begins the operation of a pipeline or transaction: one for all of its commands. */
  beginBatch(mode: 'MULTI' | 'PIPELINE', size: number, target: RedisTarget): DatabaseOperation | undefined {
    const recording = recordingModeFor();
    const describe = () => ({ [ATTR_DB_OPERATION_BATCH_SIZE]: size });
    return recording && this.begin(recording, labelsOf(mode, target), describe, spanName(mode));
  }

  /** Opening a connection is worth a span to who waits for it, and is no operation to be measured. */
  beginConnect({ serverAddress, serverPort }: Omit<RedisTarget, 'database'>): DatabaseOperation | undefined {
    if (recordingModeFor() !== 'span') return undefined;
    const labels = { operation: 'CONNECT', serverAddress, serverPort };
    return this.begin('span', labels, undefined, 'redis.connect');
  }
}

function spanName(command: string): string {
  return `redis.${command.toLowerCase()}`;
}

function labelsOf(operation: string, { database, serverAddress, serverPort }: RedisTarget) {
  return { operation, namespace: String(database), serverAddress, serverPort };
}

/**
 * A node of a cluster that names another one has not failed: the client asks that one, in a
 * separate operation. A caller without a cluster client gets the error, and records it.
 */
export function endAnswered(operation: DatabaseOperation, error: unknown): void {
  const redirection = error instanceof Error ? /^(?:MOVED|ASK)(?= )/.exec(error.message)?.[0] : undefined;
  if (redirection !== undefined) operation.span?.setAttribute(ATTR_DB_RESPONSE_STATUS_CODE, redirection);
  operation.end(redirection === undefined ? error : undefined);
}

/**
 * How a connection introduces itself, and asks its way about a cluster; it does so in whichever
 * request happens to need it.
 */
const HANDSHAKE = new Set('HELLO AUTH CLIENT INFO READONLY QUIT SELECT CLUSTER ASKING SENTINEL'.split(' '));

const MAX_TEXT = 1024;

/** Commands whose arguments are all names of keys. */
const KEYS_ONLY = new Set(
  'DEL UNLINK EXISTS MGET TOUCH WATCH SINTER SUNION SDIFF SUNIONSTORE SINTERSTORE SDIFFSTORE RENAME RENAMENX RPOPLPUSH PFCOUNT PFMERGE'.split(
    ' ',
  ),
);
/** Commands that begin with a subcommand or an option instead of a key. */
const SUBCOMMANDS = new Set(
  'ACL CLIENT CLUSTER COMMAND CONFIG DEBUG FUNCTION LATENCY MEMORY MODULE OBJECT PUBSUB SCRIPT SLOWLOG XGROUP XINFO'.split(
    ' ',
  ),
);
/** Commands without a key: whatever they carry is a value. */
const VALUES_ONLY = new Set('AUTH HELLO ECHO PING'.split(' '));
/** Commands that run a script: it, the number of keys, the keys, the arguments. */
const SCRIPTS = new Set('EVAL EVAL_RO EVALSHA EVALSHA_RO FCALL FCALL_RO'.split(' '));

/**
 * Writes a Redis command as its name, its keys and a `?` for each value: `SET user:1 ?`. Keys are
 * shown, for they say what an operation was about; do not write secrets into them.
 *
 * @param args what follows the name
 */
export function describeCommand(command: string, args: readonly unknown[]): string {
  const name = command.toUpperCase();
  const shown = args.map((arg, index) => (isShown(name, args, index) ? textOf(arg) : '?'));
  return [name, ...shown].join(' ').slice(0, MAX_TEXT);
}

function isShown(name: string, args: readonly unknown[], index: number): boolean {
  if (SCRIPTS.has(name)) return index > 0 && index <= Number(args[1]) + 1;
  if (KEYS_ONLY.has(name)) return true;
  if (VALUES_ONLY.has(name)) return false;
  // A key may follow the subcommand (`OBJECT ENCODING key`), but so may a value (`CONFIG SET name
  // value`).
  return index === 0 || (index === 1 && SUBCOMMANDS.has(name) && (name === 'OBJECT' || name.startsWith('X')));
}

function textOf(arg: unknown): string {
  if (typeof arg === 'string') return arg;
  if (typeof arg === 'number') return String(arg);
  return Buffer.isBuffer(arg) ? arg.toString('latin1') : '?';
}

const BLOCKING = /^(?:BLPOP|BRPOP|BRPOPLPUSH|BLMOVE|BLMPOP|BZPOPMIN|BZPOPMAX|BZMPOP|WAIT|WAITAOF)$/i;

/** True for a command that waits on the server until something comes. */
export function isBlockingCommand(command: string, args: readonly unknown[]): boolean {
  if (BLOCKING.test(command)) return true;
  return (
    /^XREAD(?:GROUP)?$/i.test(command) && args.some((arg) => typeof arg === 'string' && /^BLOCK$/i.test(arg))
  );
}
