import { type Attributes, trace } from '@opentelemetry/api';
import { isObservable, tap } from 'rxjs';

import {
  ATTR_NESTJS_CQRS_COMMAND,
  ATTR_NESTJS_CQRS_EVENT,
  ATTR_NESTJS_CQRS_EVENT_COUNT,
  ATTR_NESTJS_CQRS_QUERY,
  ATTR_NESTJS_CQRS_SAGA,
  ATTR_NESTJS_TYPE,
} from '../../config/semantic-conventions.constants.js';
import { currentRuntime } from '../../runtime/sdk-runtime.js';
import { shouldStartSpan, tracerFor } from '../../runtime/tracers.js';
import { recordException } from '../../tracing/error-policy.js';
import { runInSpan } from '../../tracing/run-in-span.js';
import { type LibraryClass } from '../container/patch-class.js';
import { type MethodRule } from '../container/wrap-methods.js';
import { type Call, recordWhen } from '../patch-calls.js';

const SCOPE = 'nestjs-telemetry/cqrs';

/**
 * The event bus: each `publish()` and `publishAll()` gets a span, `publish OrderPlacedEvent`, below
 * which the handlers and sagas are that the event reaches, whenever they run: in this process an
 * event has one publisher, and its trace goes on.
 */
export const CQRS_CLASSES: readonly LibraryClass[] = [
  {
    name: 'cqrs-event-bus',
    knownBy: ['publish', 'publishAll', 'registerSaga'],
    calls: {
      publish: recordWhen(isOn, (bus, publish, args) =>
        recordPublish([args[0]], () => publish.apply(bus, args)),
      ),
      publishAll: recordWhen(isOn, (bus, publishAll, args) => {
        const [events] = args;
        if (!Array.isArray(events) || events.length === 0) return publishAll.apply(bus, args);
        return recordPublish(events, () => publishAll.apply(bus, args));
      }),
      registerSaga: (bus, register: Call<unknown>, [saga, ...rest]: unknown[]) =>
        register.call(bus, typeof saga === 'function' ? traceSaga(saga as Saga) : saga, ...rest),
    },
  },
];

function isOn(): boolean {
  return currentRuntime()?.config.instrumentation.cqrs === true && shouldStartSpan();
}

function recordPublish<T>(events: readonly unknown[], publish: () => T): T {
  const names = [...new Set(events.map(nameOfMessage))];
  const attributes: Attributes = {
    [ATTR_NESTJS_TYPE]: 'event',
    [ATTR_NESTJS_CQRS_EVENT]: names.join(', '),
    ...(events.length > 1 && { [ATTR_NESTJS_CQRS_EVENT_COUNT]: events.length }),
  };
  const name = names.length === 1 ? `publish ${names[0] ?? ''}` : 'publish';
  return runInSpan(tracerFor(SCOPE), name, { attributes }, publish);
}

/**
 * Handlers of `@nestjs/cqrs`: one span per command, query or event handled,
 * `CreateOrderHandler.execute`, with the class of what is handled. The buses of commands and
 * queries have none, it would say the same a second time; a command without a handler
 * fails in the span of its caller.
 */
export const cqrsHandlerRules: readonly MethodRule[] = [
  handlerRule('command', '__commandHandler__', 'execute', (name) => ({ [ATTR_NESTJS_CQRS_COMMAND]: name })),
  handlerRule('query', '__queryHandler__', 'execute', (name) => ({ [ATTR_NESTJS_CQRS_QUERY]: name })),
  handlerRule('event', '__eventsHandler__', 'handle', (name) => ({ [ATTR_NESTJS_CQRS_EVENT]: name })),
];

/** @param metadata what NestJS finds the handlers of that kind by, on their classes */
function handlerRule(
  kind: 'command' | 'query' | 'event',
  metadata: string,
  method: string,
  describeMessage: (name: string) => Attributes,
): MethodRule {
  return {
    switchedBy: 'cqrs',
    describe: (_method, key, owner) =>
      key === method && Reflect.hasMetadata(metadata, owner) ? { [ATTR_NESTJS_TYPE]: kind } : undefined,
    describeCall([message]) {
      const saga = typeof message === 'object' && message !== null ? sagas.get(message) : undefined;
      const described = describeMessage(nameOfMessage(message));
      return { ...described, ...(saga !== undefined && { [ATTR_NESTJS_CQRS_SAGA]: saga }) };
    },
  };
}

/** The class of a command, query or event. */
function nameOfMessage(message: unknown): string {
  if (typeof message !== 'object' || message === null) return typeof message;
  const { constructor } = message as { constructor?: { name?: unknown } };
  return typeof constructor?.name === 'string' && constructor.name !== '' ? constructor.name : 'Object';
}

/** Which saga asked for a command; none for one that was executed directly. */
const sagas = new WeakMap<object, string>();

/** A saga as the event bus registers it: bound to its class, its name the method's. */
type Saga = (events$: unknown) => unknown;

/**
 * A saga whose commands know where they came from, and whose failure is recorded on the span of the
 * event that caused it.
 */
function traceSaga(saga: Saga): Saga {
  const traced: Saga = (events$) => {
    const commands$ = saga(events$);
    if (!isObservable(commands$)) return commands$;
    return commands$.pipe(
      tap({
        next: (command) => {
          if (typeof command === 'object' && command !== null) sagas.set(command, saga.name);
        },
        error: (error: unknown) => {
          const span = trace.getActiveSpan();
          if (span?.isRecording() === true) recordException(span, error);
        },
      }),
    );
  };
  return Object.defineProperty(traced, 'name', { value: saga.name });
}
