import { AsyncLocalStorage } from 'node:async_hooks';

import { type Logger } from 'pino';

/** What nestjs-pino keeps for each request: `PinoLogger.assign` replaces the logger. */
export interface RequestStore {
  logger: Logger;
  responseLogger?: Logger | undefined;
}

/**
 * The storage in which nestjs-pino looks for its request store; undefined where it looks in none. It is exported nowhere, so it is
 * taken for the one that is asked while `look` makes nestjs-pino look.
 */
export function findNestPinoStorage(look: () => unknown): AsyncLocalStorage<RequestStore> | undefined {
  const { prototype } = AsyncLocalStorage;
  const original = Object.getOwnPropertyDescriptor(prototype, 'getStore');
  if (original === undefined) return undefined;
  const read = original.value as (this: AsyncLocalStorage<RequestStore>) => RequestStore | undefined;
  const asked: AsyncLocalStorage<RequestStore>[] = [];
  Object.defineProperty(prototype, 'getStore', {
    ...original,
    value(this: AsyncLocalStorage<RequestStore>) {
      asked.push(this);
      return read.call(this);
    },
  });
  try {
    look();
  } catch {
    // It has no logger yet; it may have looked nevertheless.
  } finally {
    Object.defineProperty(prototype, 'getStore', original);
  }
  return asked[0];
}
