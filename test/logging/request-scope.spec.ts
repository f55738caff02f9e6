import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { type Context, context, ROOT_CONTEXT } from '@opentelemetry/api';
import { PinoLogger } from 'nestjs-pino';

import {
  findNestPinoStorage,
  followRequestScope,
  type RequestStore,
  runInRequestScope,
  withRequestScope,
} from '../../lib/logging/request-scope.js';
import { TelemetryLogger } from '../../lib/logging/telemetry-logger.js';
import { type ObservedLogging, observeLogging, stopObserving } from './observe-logging.js';

describe('a logging scope that a context carries', () => {
  let logging: ObservedLogging;
  let pino: PinoLogger;

  beforeEach(() => {
    logging = observeLogging();
    pino = new PinoLogger({ pinoHttp: { logger: logging.logger! } });
    followRequestScope();
  });

  afterEach(() => {
    stopObserving(logging);
  });

  const runInScope = <T>(fn: () => T): T => context.with(withRequestScope(context.active()), fn);

  /** What a line written here says was assigned. */
  function assigned(): unknown {
    new TelemetryLogger('Here').logInfo('here');
    return logging.lines().at(-1)!.step;
  }

  it('is one for each context, and follows its asynchronous calls', async () => {
    const scoped = async (step: string): Promise<unknown> =>
      runInScope(async () => {
        pino.assign({ step });
        await nextTurn();
        return assigned();
      });
    expect(await Promise.all([scoped('one'), scoped('two')])).toEqual(['one', 'two']);
    expect(assigned()).toBeUndefined();
  });

  it('is another one within a scope, also after the application ran something in a scope of its own there', () => {
    runInScope(() => {
      pino.assign({ step: 'outer' });
      pino.runInContext(() => {
        pino.assign({ step: 'own' });
        expect(assigned()).toBe('own');
      });
      expect(assigned()).toBe('outer');
      runInScope(() => {
        expect(assigned()).toBeUndefined();
        pino.assign({ step: 'inner' });
        pino.runInContext(() => {
          expect(assigned()).toBeUndefined();
        });
        expect(assigned()).toBe('inner');
      });
      expect(assigned()).toBe('outer');
    });
  });

  it('is nearer than the scope it was opened in, and farther than the one that is opened in it', () => {
    pino.runInContext(() => {
      pino.assign({ step: 'around' });
      runInScope(() => {
        expect(assigned()).toBeUndefined();
        pino.assign({ step: 'carried' });
        pino.runInContext(
          () => {
            expect(assigned()).toBe('carried');
          },
          { inherit: true },
        );
        expect(assigned()).toBe('carried');
      });
      expect(assigned()).toBe('around');
    });
  });

  it('is left behind with its context, also after the application ran something in a scope of its own there', () => {
    runInScope(() => {
      pino.assign({ step: 'request' });
      pino.runInContext(() => undefined);
    });
    expect(assigned()).toBeUndefined();
    expect(() => {
      pino.assign({ step: 'nowhere' });
    }).toThrow('out of request scope');
  });

  it('is entered where no context carries one', () => {
    runInRequestScope(() => {
      pino.assign({ step: 'entered' });
      expect(assigned()).toBe('entered');
    });
    expect(() => {
      pino.assign({ step: 'nowhere' });
    }).toThrow('out of request scope');
  });

  it('does not hold on to the scopes of the work that led to it', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const scopes: WeakRef<object>[] = [];
    let last: Context = ROOT_CONTEXT;
    const work = async (depth: number): Promise<void> => {
      pino.runInContext(() => undefined);
      pino.assign({ depth });
      scopes.push(new WeakRef(pino.logger));
      await nextTurn();
      last = withRequestScope(ROOT_CONTEXT);
      if (depth < 5) await context.with(last, () => work(depth + 1));
    };
    await runInScope(() => work(0));
    await nextTurn();
    collect();
    // Whoever called first may still find what the first scope was left with.
    expect(scopes.slice(1, -1).filter((scope) => scope.deref() !== undefined)).toEqual([]);
    expect(last).not.toBe(ROOT_CONTEXT);
  });
});

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
