import { AsyncLocalStorage } from 'node:async_hooks';
import { type EventEmitter } from 'node:events';

import { type Context, type ContextManagementToken, type ContextManager } from '@opentelemetry/api';

import { isContext } from '../engine/start-active.js';
import { LinkedContext } from './linked-context.js';

/** Carries the active OpenTelemetry context on an AsyncLocalStorage. */
export class AsyncLocalStorageContextManager implements ContextManager {
  private readonly storage = new AsyncLocalStorage<Context>();

  active(): Context {
    return this.storage.getStore() ?? LinkedContext.ROOT;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    const entered = isContext(context) ? context : this.active();
    // Without a closure of ours: each is a frame in the stack traces of the application.
    if (thisArg === undefined)
      return this.storage.run(entered, fn as (...values: A) => ReturnType<F>, ...args);
    return this.storage.run(entered, () => fn.apply(thisArg, args));
  }

  bind<T>(context: Context, target: T): T {
    const { storage } = this;
    if (typeof target === 'function') return bindFunction(storage, context, target as T & BindableFunction);
    if (isEventEmitter(target)) {
      // Bytes that arrive on a socket have no context.
      const emit = target.emit.bind(target);
      target.emit = (event: string | symbol, ...args: unknown[]) =>
        storage.run(context, () => emit(event, ...args));
    }
    return target;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    this.storage.disable();
    return this;
  }

  /**
   * Makes `context` active until the token is disposed. Call it after the first `await` of an async
   * function, or its caller sees the context too; `context.with()` has no such trap.
   */
  attach(context: Context): ContextManagementToken {
    const previous = this.storage.getStore();
    this.storage.enterWith(isContext(context) ? context : this.active());
    let attached = true;
    return {
      dispose: () => {
        if (!attached) return;
        attached = false;
        this.storage.enterWith(previous ?? LinkedContext.ROOT);
      },
    };
  }

  /** Makes `context` active and returns the previous one: `with()` without its stack frames. */
  enter(context: Context): Context {
    const previous = this.active();
    this.storage.enterWith(context);
    return previous;
  }
}

function bindFunction<T extends BindableFunction>(
  storage: AsyncLocalStorage<Context>,
  context: Context,
  target: T,
): T {
  const bound = function (this: unknown, ...args: unknown[]): unknown {
    return storage.run(context, () => target.apply(this, args));
  };
  Object.defineProperty(bound, 'length', { value: target.length, configurable: true });
  return bound as T; // the same parameters and result
}

type BindableFunction = (...args: unknown[]) => unknown;

function isEventEmitter(value: unknown): value is EventEmitter {
  const { emit, on } = Object(value) as Partial<EventEmitter>;
  return typeof value === 'object' && typeof emit === 'function' && typeof on === 'function';
}
