import { AsyncLocalStorage } from 'node:async_hooks';

import { findNestPinoStorage, type RequestStore } from '../../lib/logging/request-scope.js';

describe("nestjs-pino's storage", () => {
  const before = Object.getOwnPropertyDescriptor(AsyncLocalStorage.prototype, 'getStore');

  afterEach(() => {
    expect(Object.getOwnPropertyDescriptor(AsyncLocalStorage.prototype, 'getStore')).toEqual(before);
  });

  it('is the one that is looked into, which finds what it would have found', () => {
    const storage = new AsyncLocalStorage<RequestStore>();
    const store = {} as RequestStore;
    let read: unknown;
    const found = storage.run(store, () => findNestPinoStorage(() => (read = storage.getStore())));
    expect(found).toBe(storage);
    expect(read).toBe(store);
  });

  it('is not known where nothing is looked into', () => {
    expect(findNestPinoStorage(() => undefined)).toBeUndefined();
  });

  it('is found, and left as it was, also where looking into it fails', () => {
    const storage = new AsyncLocalStorage<RequestStore>();
    const look = (): never => {
      storage.getStore();
      throw new Error('no logger yet');
    };
    expect(findNestPinoStorage(look)).toBe(storage);
  });
});
