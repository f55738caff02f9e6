import { type Attributes, context, trace } from '@opentelemetry/api';

import {
  ATTR_CODE_FUNCTION_NAME,
  ATTR_NESTJS_CONTROLLER,
  ATTR_NESTJS_HANDLER,
  ATTR_NESTJS_MODULE,
  ATTR_NESTJS_STAGE,
  ATTR_NESTJS_TYPE,
} from '../../config/semantic-conventions.constants.js';
import { type AnyMethod, isMarked, wrapMethod } from '../../invocation/wrap-method.js';
import { noteHandler } from '../../logging/request-scope.js';
import { currentRuntime } from '../../runtime/sdk-runtime.js';
import { shouldStartSpan, tracerFor } from '../../runtime/tracers.js';
import { SpanCall } from '../../tracing/run-in-span.js';
import { TRACED_METHOD } from '../../tracing/trace.decorator.js';
import { type ContainerClass, isClass, prototypesOf } from '../container/container-classes.js';
import { moduleNameOfClass, type ModulesLike } from './nest-modules.js';
import { describeOfficialSpan } from './official-instrumentation.js';

const HTTP = 'http';
/** Metadata by which NestJS finds handlers, and their kind of entry point. */
const HANDLER_KINDS: readonly (readonly [metadata: string, kind: string])[] = [
  ['method', HTTP],
  ['microservices:pattern', 'rpc'],
  ['websockets:message_mapping', 'ws'],
];

/** Marks every handler that has its span from here. */
export const WRAPPED_HANDLER = Symbol.for('nestjs-telemetry.wrapped-handler');

/**
 * Gives every handler of the application a span `OrdersController.find` below the span of its
 * request. The methods are replaced on their prototypes, before routes are made of them: an
 * interceptor would add Nest's whole Observable pipeline to every request, and a proxy would break
 * `#private` fields. The wrappers stay and do nothing when no telemetry runs.
 */
export function wrapHandlers(modules: ModulesLike): void {
  for (const { controllers, providers } of modules.values()) {
    for (const { metatype } of [...controllers.values(), ...providers.values()]) {
      if (isClass(metatype)) wrapHandlersOf(metatype);
    }
  }
}

/** A test suite starts hundreds of applications with the same classes. */
const done = new WeakSet<object>();

function wrapHandlersOf(owner: ContainerClass): void {
  for (const prototype of prototypesOf(owner)) {
    if (done.has(prototype)) return;
    done.add(prototype);
    for (const key of Object.getOwnPropertyNames(prototype)) wrapHandler(prototype, key);
  }
}

function wrapHandler(prototype: object, key: string): void {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, key);
  const method: unknown = descriptor?.value;
  if (descriptor?.configurable !== true || typeof method !== 'function' || key === 'constructor') return;
  const kind = HANDLER_KINDS.find(([metadata]) => Reflect.hasMetadata(metadata, method))?.[1];
  if (kind === undefined) return;
  const tracedAlready = isMarked(method, TRACED_METHOD);
  if (tracedAlready && kind !== HTTP) return;
  const value = wrapMethod(
    method as AnyMethod,
    (original) => (tracedAlready ? noteHandlerOf(original, key) : traceHandler(original, key, kind)),
    WRAPPED_HANDLER,
  );
  Object.defineProperty(prototype, key, { ...descriptor, value });
}

interface HandlerSpan {
  readonly scope: string;
  readonly name: string;
  readonly options: { readonly attributes: Attributes };
}

function traceHandler(original: AnyMethod, method: string, kind: string): AnyMethod {
  // A handler of a base class serves several controllers: the span is named after the called one.
  const spans = new WeakMap<object, HandlerSpan>();
  const describe = (controller: object): HandlerSpan => {
    const span = describeHandler(controller, method, kind);
    spans.set(controller, span);
    return span;
  };
  return function (...args) {
    const caller = context.active();
    const parent = trace.getSpan(caller);
    const traced = currentRuntime()?.config.instrumentation.nest !== undefined && parent !== undefined;
    if (!traced || typeof this !== 'object' || this === null) return original.apply(this, args);
    const { scope, name, options } = spans.get(this.constructor) ?? describe(this.constructor);
    if (kind === HTTP) {
      noteHandler(caller, name);
      if (describeOfficialSpan(parent, options.attributes)) return original.apply(this, args);
    }
    if (!shouldStartSpan(undefined, caller)) return original.apply(this, args);
    const call = new SpanCall(tracerFor(scope), name, options, caller);
    let result: unknown;
    try {
      result = call.enter() ? original.apply(this, args) : call.run(() => original.apply(this, args));
    } catch (error) {
      throw call.threw(error);
    }
    return call.returned(result);
  };
}

/** For a handler that `@Trace()` gives its span. */
function noteHandlerOf(original: AnyMethod, method: string): AnyMethod {
  return function (...args) {
    if (typeof this === 'object' && this !== null)
      noteHandler(context.active(), `${nameOf(this.constructor)}.${method}`);
    return original.apply(this, args);
  };
}

function describeHandler(controller: object, method: string, kind: string): HandlerSpan {
  const scope = nameOf(controller);
  const name = `${scope}.${method}`;
  const moduleName = moduleNameOfClass(controller);
  // Frozen: encoders of spans may recognise the object.
  const attributes = Object.freeze({
    [ATTR_CODE_FUNCTION_NAME]: name,
    [ATTR_NESTJS_TYPE]: kind,
    [ATTR_NESTJS_STAGE]: 'handler',
    [ATTR_NESTJS_CONTROLLER]: scope,
    [ATTR_NESTJS_HANDLER]: method,
    ...(moduleName !== undefined && { [ATTR_NESTJS_MODULE]: moduleName }),
  });
  return { scope, name, options: Object.freeze({ attributes }) };
}

function nameOf(type: object): string {
  return 'name' in type && typeof type.name === 'string' ? type.name : 'anonymous';
}
