import { type Type } from '@nestjs/common';
import { type Attributes, trace } from '@opentelemetry/api';

import { ATTR_CODE_FUNCTION_NAME } from '../../config/semantic-conventions.constants.js';
import { type AnyMethod, isMarked, wrapMethod } from '../../invocation/wrap-method.js';
import { currentRuntime } from '../../runtime/runtime-state.js';
import { tracerFor } from '../../runtime/tracers.js';
import { runInSpan } from '../../tracing/run-in-span.js';
import { TRACED_METHOD } from '../../tracing/trace.decorator.js';

/** Metadata by which NestJS finds the handlers of each kind of entry point, and how the kind is called. */
const HANDLER_KINDS: readonly (readonly [metadata: string, kind: string])[] = [
  ['method', 'http'],
  ['microservices:pattern', 'rpc'],
  ['websockets:message_mapping', 'ws'],
];

const WRAPPED_HANDLER = Symbol.for('nestjs-telemetry.wrapped-handler');

/** What is used of NestJS's `ModulesContainer`. */
export interface ModulesLike {
  values(): Iterable<{
    readonly controllers: ReadonlyMap<unknown, WrapperLike>;
    readonly providers: ReadonlyMap<unknown, WrapperLike>;
  }>;
}

interface WrapperLike {
  readonly metatype: unknown;
}

/**
 * Gives every handler of the application a span `OrdersController.find` below the span of its request. The methods are
 * replaced on their prototypes, before routes are made of them: an interceptor would put Nest's whole Observable
 * pipeline on every request, and a proxy would break `#private` fields. A handler that `@Trace()` decorates has its
 * span already. The wrappers stay and do nothing when no telemetry runs.
 */
export function wrapHandlers(modules: ModulesLike): void {
  for (const { controllers, providers } of modules.values()) {
    for (const { metatype } of [...controllers.values(), ...providers.values()]) {
      if (typeof metatype === 'function') wrapHandlersOf((metatype as Type).prototype);
    }
  }
}

function wrapHandlersOf(start: unknown): void {
  let prototype = start as object | null | undefined;
  while (prototype !== null && prototype !== undefined && prototype !== Object.prototype) {
    for (const key of Object.getOwnPropertyNames(prototype)) wrapHandler(prototype, key);
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
}

function wrapHandler(prototype: object, key: string): void {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, key);
  const method: unknown = descriptor?.value;
  if (descriptor?.configurable !== true || typeof method !== 'function' || key === 'constructor') return;
  const kind = HANDLER_KINDS.find(([metadata]) => Reflect.hasMetadata(metadata, method))?.[1];
  if (kind === undefined || isMarked(method, TRACED_METHOD)) return;
  const value = wrapMethod(
    method as AnyMethod,
    (original) => traceHandler(original, key, kind),
    WRAPPED_HANDLER,
  );
  Object.defineProperty(prototype, key, { ...descriptor, value });
}

interface HandlerSpan {
  readonly scope: string;
  readonly name: string;
  readonly attributes: Attributes;
}

function traceHandler(original: AnyMethod, method: string, kind: string): AnyMethod {
  // A handler of a base class serves several controllers: the span is named after the one that was asked.
  const spans = new WeakMap<object, HandlerSpan>();
  const describe = (owner: object): HandlerSpan => {
    let span = spans.get(owner.constructor);
    if (span === undefined) {
      const scope = owner.constructor.name;
      const name = `${scope}.${method}`;
      span = { scope, name, attributes: { [ATTR_CODE_FUNCTION_NAME]: name, 'nestjs.type': kind } };
      spans.set(owner.constructor, span);
    }
    return span;
  };
  return function (...args) {
    const active =
      currentRuntime()?.config.instrumentation.nest !== undefined && trace.getActiveSpan() !== undefined;
    if (!active || typeof this !== 'object' || this === null) return original.apply(this, args);
    const { scope, name, attributes } = describe(this);
    return runInSpan(tracerFor(scope), name, { attributes }, () => original.apply(this, args));
  };
}
