import { type Attributes, context } from '@opentelemetry/api';

import { ATTR_DB_QUERY_TEXT } from '../../../config/semantic-conventions.constants.js';
import { followResult } from '../../../invocation/follow-result.js';
import { beginOperation, endOperation, observesOperation } from '../database/record-operation.js';
import { collectionOf, commandName, describeMongodbCommand } from './describe-command.js';
import {
  type MongodbConnection,
  type MongodbDocument,
  type MongodbNamespace,
  type SendMongodbCommand,
} from './mongodb-module.interface.js';

const SCOPE = 'nestjs-telemetry/mongodb';

type AnswerCallback = (error: unknown, response: unknown) => unknown;

/** What the driver says by itself; it does so in whichever request happens to open or close a connection. */
const OF_THE_DRIVER = new Set([
  'hello',
  'ismaster',
  'isMaster',
  'saslStart',
  'saslContinue',
  'authenticate',
  'getnonce',
  'endSessions',
]);

/** Runs one command of a connection in a span, `find users`. */
export function recordCommand(
  connection: MongodbConnection,
  send: SendMongodbCommand,
  args: Parameters<SendMongodbCommand>,
): unknown {
  const [namespace, command, , last] = args;
  const observes = observesOperation();
  const name = commandName(command);
  if (observes === undefined || OF_THE_DRIVER.has(name)) return send.apply(connection, args);
  const collection = collectionOf(command, name);
  const labels = labelsOf(connection, namespace, name, collection);
  const describe = (): Attributes => ({
    [ATTR_DB_QUERY_TEXT]: describeMongodbCommand(command, name, collection),
  });
  const running = beginOperation(observes, labels, { scope: SCOPE, name: labels.summary, describe });
  // Before version 6.2 the driver calls back, and from a socket: there the context of the caller is gone.
  if (isCallback(last)) {
    const caller = context.active();
    const [, , options, , ...rest] = args;
    const answer = (error: unknown, response: unknown): unknown => {
      endOperation(running, error ?? writeErrorIn(response));
      return context.with(caller, () => last(error, response));
    };
    return send.call(connection, namespace, command, options, answer, ...rest);
  }
  return followResult(send.apply(connection, args), {
    onSuccess: (response) => {
      endOperation(running, writeErrorIn(response));
    },
    onError: (error) => {
      endOperation(running, error);
    },
  });
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
    system: 'mongodb',
    operation,
    summary: collection === undefined ? operation : `${operation} ${collection}`,
    collection,
    namespace: namespace.db,
    serverAddress: host ?? (address === '' ? undefined : address),
    serverPort: port === undefined ? undefined : Number(port),
  };
}

/** A write that the server refuses is answered with `ok: 1`: the driver throws further up, outside of the command. */
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

/** Responses are documents, or the driver's view of bytes that reads a field when it is asked for. */
function readWriteErrors(response: object): readonly MongodbDocument[] | undefined {
  const lazy = response as { has?: (name: string) => boolean; toObject?: () => unknown };
  const isLazy = typeof lazy.has === 'function' && typeof lazy.toObject === 'function';
  if (isLazy && lazy.has?.('writeErrors') !== true) return undefined;
  const document = isLazy ? lazy.toObject?.() : response;
  const { writeErrors } = document as { readonly writeErrors?: unknown };
  return Array.isArray(writeErrors) ? (writeErrors as MongodbDocument[]) : undefined;
}
