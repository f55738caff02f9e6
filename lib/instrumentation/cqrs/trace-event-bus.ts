import { type Attributes } from '@opentelemetry/api';

import { ATTR_NESTJS_TYPE } from '../../config/semantic-conventions.constants.js';
import { opensSpan } from '../../runtime/opens-span.js';
import { currentRuntime } from '../../runtime/runtime-state.js';
import { tracerFor } from '../../runtime/tracers.js';
import { runInSpan } from '../../tracing/run-in-span.js';
import { type ReplaceMethod } from '../container/patch-class.js';
import { nameOfMessage } from './cqrs-handler.rules.js';
import { type Saga, traceSaga } from './sagas.js';

const SCOPE = 'nestjs-telemetry/cqrs';

/** What an `EventBus` of `@nestjs/cqrs` is told by. */
export const EVENT_BUS_METHODS = ['publish', 'publishAll', 'registerSaga'] as const;

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/**
 * Each `publish()` and `publishAll()` gets a span, `publish OrderPlacedEvent`, below which the handlers and sagas are that the
 * event reaches, whenever they run: in this process an event has one publisher, and its trace goes on.
 */
export const EVENT_BUS_PATCH: Readonly<Record<string, ReplaceMethod>> = {
  publish(original: AnyFunction) {
    return function (this: unknown, ...args: unknown[]) {
      if (!isOn()) return original.apply(this, args);
      return recordPublish([args[0]], () => original.apply(this, args));
    };
  },
  publishAll(original: AnyFunction) {
    return function (this: unknown, ...args: unknown[]) {
      const [events] = args;
      if (!isOn() || !Array.isArray(events) || events.length === 0) return original.apply(this, args);
      return recordPublish(events, () => original.apply(this, args));
    };
  },
  registerSaga(original: AnyFunction) {
    return function (this: unknown, saga: unknown, ...args: unknown[]) {
      const traced = typeof saga === 'function' ? traceSaga(saga as Saga) : saga;
      return original.call(this, traced, ...args);
    };
  },
};

function isOn(): boolean {
  return currentRuntime()?.config.instrumentation.cqrs === true && opensSpan();
}

function recordPublish<T>(events: readonly unknown[], publish: () => T): T {
  const names = [...new Set(events.map(nameOfMessage))];
  const attributes: Attributes = {
    [ATTR_NESTJS_TYPE]: 'event',
    'nestjs.cqrs.event': names.join(', '),
    ...(events.length > 1 && { 'nestjs.cqrs.event.count': events.length }),
  };
  const name = names.length === 1 ? `publish ${names[0] ?? ''}` : 'publish';
  return runInSpan(tracerFor(SCOPE), name, { attributes }, publish);
}
