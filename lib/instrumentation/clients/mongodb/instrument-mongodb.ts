import { context } from '@opentelemetry/api';

import { ATTR_DB_QUERY_TEXT } from '../../../config/semantic-conventions.constants.js';
import { ownersOf } from '../../../invocation/patch.js';
import { undoAll } from '../../../process/undo-all.js';
import { defineInstrumentation } from '../../define-instrumentation.js';
import { type Call, patchCalls } from '../../patch-calls.js';
import { bindCallback, DatabaseClient, recordingModeFor } from '../database/database-client.js';
import { fileOf, patchCopy, whenModuleLoaded } from '../loaded-modules.js';

const CONNECTION = fileOf('mongodb', 'lib/cmap/connection.js');

export const mongodb = defineInstrumentation({
  packages: ['mongodb'],
  clients: { mongodb: { replaces: ['@opentelemetry/instrumentation-mongodb'], start: patchMongodb } },
  patch: patchMongodb,
});

/**
 * Gives each MongoDB command made inside a span a CLIENT span, `find users`, of the driver itself
 * and of Mongoose, TypeORM or MikroORM on it. Patches the prototype of the driver's connections, so
 * clients that exist already are covered, and `monitorCommands` need not be set. Without an
 * argument every copy of mongodb that is or will be loaded is patched; pass the module where it
 * cannot be found: in a bundle or in jest. Returns the undo.
 */
function patchMongodb(mongodb?: MongodbModule): () => void {
  if (mongodb !== undefined) return patchModule(mongodb);
  return whenModuleLoaded(CONNECTION, (exports) => {
    const { Connection } = exports as { readonly Connection?: { readonly prototype: object } };
    return patchCopy(Connection?.prototype, 'command', patchCommand);
  });
}

function patchCommand(prototype: object): () => void {
  return patchCalls(prototype, 'command', recordCommand);
}

/**
 * The module does not export its connections: the first session leads to the pools of its client,
 * and the first connection out of one to their prototype.
 */
function patchModule({ MongoClient }: MongodbModule): () => void {
  const undo: (() => void)[] = [];
  const met = new Set<object>();
  const meet = (prototype: object | undefined, patch: (prototype: object) => () => void): void => {
    if (prototype === undefined || met.has(prototype)) return;
    met.add(prototype);
    undo.push(patch(prototype));
  };
  const patchPool = (prototype: object): (() => void) =>
    patchCalls<object>(prototype, 'checkOut', async (pool, checkOut, args) => {
      const connection = (await checkOut.apply(pool, args)) as MongodbConnection; // the promise of it
      meet(ownersOf(connection, 'command').at(-1), patchCommand);
      return connection;
    });
  undo.push(
    patchCalls<MongodbClient>(MongoClient.prototype, 'startSession', (client, startSession, args) => {
      for (const { pool } of client.topology?.s?.servers?.values() ?? [])
        meet(pool && ownersOf(pool, 'checkOut').at(-1), patchPool);
      return startSession.apply(client, args);
    }),
  );
  return undoAll(undo);
}

/** Shape of `mongodb` as far as it is used here; mongodb is never imported. */
export interface MongodbModule {
  readonly MongoClient: { readonly prototype: object };
}

/** A connection of the driver; every command of every operation passes through it. */
interface MongodbConnection {
  /** `host:port`, or the path of a Unix domain socket. */
  readonly address?: string;
}

type MongodbDocument = Readonly<Record<string, unknown>>;

interface MongodbNamespace {
  readonly db: string;
  readonly collection?: string | undefined;
}

/** The namespace, the command, its options, and what differs between versions. */
type CommandArguments = [namespace: MongodbNamespace, command: MongodbDocument, ...rest: unknown[]];
export type SendMongodbCommand = Call<MongodbConnection, CommandArguments>;

/** What is passed on the way from a client to its connections. */
interface MongodbClient {
  readonly topology?: {
    readonly s?: { readonly servers?: ReadonlyMap<string, { readonly pool?: object }> };
  };
}

const CLIENT = new DatabaseClient('mongodb', 'nestjs-telemetry/mongodb');

type AnswerCallback = (this: unknown, ...results: unknown[]) => unknown;

/**
 * What the driver says by itself; it does so in whichever request happens to open or close a
 * connection.
 */
const DRIVER_COMMANDS = new Set(
  'hello ismaster isMaster saslStart saslContinue authenticate getnonce endSessions'.split(' '),
);

/** Runs one command of a connection in a span, `find users`. */
export function recordCommand(
  connection: MongodbConnection,
  send: SendMongodbCommand,
  args: CommandArguments,
): unknown {
  const [namespace, command, , last] = args;
  const mode = recordingModeFor();
  const name = commandName(command);
  if (mode === undefined || DRIVER_COMMANDS.has(name)) return send.apply(connection, args);
  const collection = collectionOf(command, name);
  const operation = CLIENT.begin(mode, labelsOf(connection, namespace, name, collection), () => ({
    [ATTR_DB_QUERY_TEXT]: describeMongodbCommand(command, name, collection),
  }));
  // Before version 6.2 the driver calls back, and from a socket: there the context of the caller is
  // gone.
  if (!isCallback(last)) return operation.follow(send.apply(connection, args), writeErrorIn);
  const answer = bindCallback(last, context.active(), (error, response) => {
    operation.end(error ?? writeErrorIn(response));
  });
  return send.apply(connection, [namespace, command, args[2], answer, ...args.slice(4)]);
}

/** From version 6.6 on there is a class in this place: the one of the answer. */
function isCallback(last: unknown): last is AnswerCallback {
  if (typeof last !== 'function') return false;
  // A function has a prototype that can be replaced or none; a class has one that cannot.
  return Object.getOwnPropertyDescriptor(last, 'prototype')?.writable !== false && !('make' in last);
}

function labelsOf(
  { address = '' }: MongodbConnection,
  namespace: MongodbNamespace,
  operation: string,
  collection: string | undefined,
) {
  const [, host, port] = /^(.*):(\d+)$/.exec(address) ?? [];
  return {
    operation,
    summary: collection === undefined ? operation : `${operation} ${collection}`,
    collection,
    namespace: namespace.db,
    serverAddress: host ?? (address === '' ? undefined : address),
    serverPort: port === undefined ? undefined : Number(port),
  };
}

/**
 * A write that the server refuses is answered with `ok: 1`: the driver throws further up, outside
 * of the command.
 */
function writeErrorIn(response: unknown): Error | undefined {
  if (typeof response !== 'object' || response === null) return undefined;
  const [first] = readWriteErrors(response) ?? [];
  if (first === undefined) return undefined;
  const { code, errmsg } = first;
  return Object.assign(new Error(typeof errmsg === 'string' ? errmsg : 'write error'), {
    name: 'MongoWriteError',
    code,
  });
}

/**
 * Responses are documents, or the driver's view of bytes that reads a field when it is asked for.
 */
function readWriteErrors(response: object): readonly MongodbDocument[] | undefined {
  const lazy = response as { has?: (name: string) => boolean; toObject?: () => unknown };
  const isLazy = typeof lazy.has === 'function' && typeof lazy.toObject === 'function';
  if (isLazy && lazy.has?.('writeErrors') !== true) return undefined;
  const document = isLazy ? lazy.toObject?.() : response;
  const { writeErrors } = document as { readonly writeErrors?: unknown };
  return Array.isArray(writeErrors) ? (writeErrors as MongodbDocument[]) : undefined;
}

const MAX_TEXT = 2048;
const MAX_DEPTH = 8;
/** Of a list, as a pipeline is one; documents to insert are not shown at all. */
const MAX_ITEMS = 16;

/** Fields of a command that describe it; the others belong to the session, the cursor or the driver. */
const SHOWN = 'filter query pipeline update updates deletes sort projection key fields hint indexes'.split(
  ' ',
);

/** The name of a command: the first of its fields. */
function commandName(command: MongodbDocument): string {
  for (const name in command) return name;
  return 'command';
}

/**
 * The collection a command is about; undefined for one about a database, a session or the server.
 */
function collectionOf(command: MongodbDocument, name: string): string | undefined {
  const target = name === 'getMore' ? command.collection : command[name];
  return typeof target === 'string' && target !== '' ? target : undefined;
}

/**
 * Writes a command with its fields and operators, and `?` for each value:
 * `{"find":"users","filter":{"age":{"$gt":"?"}}}`.
 */
export function describeMongodbCommand(
  command: MongodbDocument,
  name: string,
  collection: string | undefined,
): string {
  const shown: Record<string, unknown> = { [name]: collection ?? '?' };
  for (const field of SHOWN)
    if (field !== name && field in command) shown[field] = shapeOf(command[field], 0);
  return JSON.stringify(shown).slice(0, MAX_TEXT);
}

function shapeOf(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth >= MAX_DEPTH) return '?';
  if (Array.isArray(value)) return shapeOfList(value, depth);
  // What is no plain document (ObjectId, Date, Buffer, RegExp) is a value.
  const prototype: unknown = Object.getPrototypeOf(value);
  const isMap = value instanceof Map;
  if (!isMap && prototype !== null && Object.getPrototypeOf(prototype) !== null) return '?';
  const entries: Iterable<[unknown, unknown]> = isMap
    ? (value as Map<unknown, unknown>)
    : Object.entries(value);
  const shape: Record<string, unknown> = {};
  for (const [key, inner] of entries) shape[String(key)] = shapeOf(inner, depth + 1);
  return shape;
}

/** A list of values (`$in`) has one shape however long it is. */
function shapeOfList(list: readonly unknown[], depth: number): unknown {
  const documents = list.filter((item) => typeof item === 'object' && item !== null && !Array.isArray(item));
  if (documents.length === 0) return list.length === 0 ? [] : '?';
  const shapes = documents.slice(0, MAX_ITEMS).map((item) => shapeOf(item, depth + 1));
  return shapes.every((shape) => shape === '?') ? '?' : shapes;
}
