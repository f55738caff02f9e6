import { type Link } from '@opentelemetry/api';

import { findConnectionOrigin } from '../websockets/connections.js';
import { type ResolveInfoLike } from './graphql.interface.js';
import { Operation } from './operation.js';

/** A subscription that is being set up; `leave` reports how that ended. */
interface Subscribing {
  readonly operation: Operation | undefined;
  readonly leave: (error?: unknown) => void;
}

/** What is read of a context value to find the request that a socket was opened with. */
interface SocketContext {
  readonly req?: {
    readonly headers?: unknown;
    readonly extra?: { readonly request?: { readonly headers?: unknown } };
  };
  readonly request?: { readonly headers?: unknown };
  readonly reply?: { readonly request?: { readonly headers?: unknown } };
}

/** The operation that was started for a subscription; else starts it. */
export function beginSubscription(contextValue: unknown, { operation: node }: ResolveInfoLike): Subscribing {
  const known = Operation.of(contextValue);
  // The code that started it ends it.
  if (known !== undefined) return { operation: known, leave: () => undefined };
  const links = linksOf(headersOf(contextValue));
  const operation = Operation.start(contextValue, { root: true, links, node });
  return {
    operation,
    leave: (error) => {
      operation?.end(error === undefined ? [] : [error]);
    },
  };
}

/** Links to the request that opened a socket, else to what its parameters name. */
export function linksOf(headers: unknown, connectionParams?: unknown): Link[] {
  const origin =
    findConnectionOrigin(headers, 'graphql') ?? findConnectionOrigin(connectionParams, 'graphql');
  return origin === undefined ? [] : [{ context: origin }];
}

/**
 * A stream that records each event from its arrival until the next one is read: its fields are
 * resolved and the result sent in between. Each is its own trace, linked to the subscription.
 */
export function followEvents(
  stream: unknown,
  contextValue: unknown,
  subscription: Operation,
  { operation: node }: ResolveInfoLike,
): unknown {
  if (!isAsyncIterable(stream) || typeof contextValue !== 'object' || contextValue === null) return stream;
  const source = stream[Symbol.asyncIterator]();
  const { spanContext } = subscription;
  const links = spanContext === undefined ? [] : [{ context: spanContext }];
  let event: Operation | undefined;
  const endEvent = (): void => {
    event?.endWithFailures();
    event = undefined;
  };
  const followed: AsyncIterableIterator<unknown> = {
    next: async () => {
      endEvent();
      const result = await source.next();
      if (result.done !== true) {
        const start = { kind: 'event', root: true, links, node, notesFailures: true } as const;
        event = Operation.start(contextValue, start);
      }
      return result;
    },
    [Symbol.asyncIterator]: () => followed,
  };
  // Readers of the stream check whether these exist.
  if (source.return !== undefined) {
    followed.return = async (value?: unknown) => {
      endEvent();
      return (await source.return?.(value)) ?? { value, done: true };
    };
  }
  if (source.throw !== undefined) {
    followed.throw = async (error?: unknown) => {
      endEvent();
      return (await source.throw?.(error)) ?? { value: undefined, done: true };
    };
  }
  return followed;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

function headersOf(contextValue: unknown): unknown {
  const { req, request, reply } = (contextValue ?? {}) as SocketContext;
  return req?.headers ?? req?.extra?.request?.headers ?? request?.headers ?? reply?.request?.headers;
}
