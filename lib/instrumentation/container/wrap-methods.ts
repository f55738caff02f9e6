import { type Attributes, context, type Span } from '@opentelemetry/api';

import { type InstrumentationConfig } from '../../config/instrumentation.js';
import { ATTR_CODE_FUNCTION_NAME } from '../../config/semantic-conventions.constants.js';
import { type AnyMethod, isMarked, wrapMethod } from '../../invocation/wrap-method.js';
import { currentRuntime } from '../../runtime/sdk-runtime.js';
import { shouldStartSpan, tracerFor } from '../../runtime/tracers.js';
import { SpanCall } from '../../tracing/run-in-span.js';
import { TRACED_METHOD } from '../../tracing/trace.decorator.js';
import { type ContainerClass, prototypesOf } from './container-classes.js';

/**
 * Methods of the application's own classes that a library calls, and what the span around such a
 * call says.
 */
export interface MethodRule {
  /** The switch of `instrumentation` that must be on at the time of the call. */
  readonly switchedBy: keyof InstrumentationConfig;
  /** Attributes of the span; undefined for a method of that class that is none of this rule's. */
  describe(method: AnyMethod, key: string, owner: ContainerClass): Attributes | undefined;
  /** Attributes that only the call knows, added to the others. Default none. */
  describeCall?(args: readonly unknown[]): Attributes | undefined;
  /**
   * The span that such a call has already: it gets the attributes, and none is opened. Default: one
   * is opened.
   */
  spanOfCall?(args: readonly unknown[]): Span | undefined;
}

interface MethodSpan {
  readonly scope: string;
  readonly name: string;
  readonly attributes: Attributes;
}

const WRAPPED = Symbol.for('nestjs-telemetry.wrapped-method');

/**
 * Gives the methods that a rule describes a span `OrderListener.handle` around each call. They are
 * replaced on their prototypes, so `#private` fields, metadata and identity stay as they are; a
 * method that `@Trace()` decorates has its span already. The wrappers stay and do nothing when no
 * telemetry runs.
 */
export function wrapMethods(classes: Iterable<ContainerClass>, rules: readonly MethodRule[]): void {
  for (const owner of classes) {
    if (isDone(rules, owner)) continue;
    for (const prototype of prototypesOf(owner)) {
      for (const key of Object.getOwnPropertyNames(prototype)) wrapMember(prototype, key, owner, rules);
    }
  }
}

/**
 * Classes by the rules that were applied to them: a test suite starts hundreds of applications with
 * the same ones.
 */
const done = new WeakMap<readonly MethodRule[], WeakSet<ContainerClass>>();

function isDone(rules: readonly MethodRule[], owner: ContainerClass): boolean {
  let owners = done.get(rules);
  if (owners === undefined) done.set(rules, (owners = new WeakSet()));
  if (owners.has(owner)) return true;
  owners.add(owner);
  return false;
}

function wrapMember(
  prototype: object,
  key: string,
  owner: ContainerClass,
  rules: readonly MethodRule[],
): void {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, key);
  const method: unknown = descriptor?.value;
  if (descriptor?.configurable !== true || typeof method !== 'function' || key === 'constructor') return;
  if (isMarked(method, TRACED_METHOD) || declarerOf(key, owner) !== prototype) return;
  const rule = rules.find((each) => each.describe(method as AnyMethod, key, owner) !== undefined);
  if (rule === undefined) return;
  const value = wrapMethod(
    method as AnyMethod,
    (original) => traceCalls(original, key, prototype, rule),
    WRAPPED,
  );
  if (value !== method) Object.defineProperty(prototype, key, { ...descriptor, value });
}

/** The prototype whose method is called when an instance of `owner` is asked for `key`. */
function declarerOf(key: string, owner: ContainerClass): object | undefined {
  for (const prototype of prototypesOf(owner)) if (Object.hasOwn(prototype, key)) return prototype;
  return undefined;
}

function traceCalls(original: AnyMethod, key: string, declarer: object, rule: MethodRule): AnyMethod {
  // A method of a base class serves several classes, and is in some no listener, or called by what
  // overrides it.
  const spans = new WeakMap<object, MethodSpan | false>();
  const describe = (owner: ContainerClass): MethodSpan | false => {
    let span = spans.get(owner);
    if (span === undefined) {
      const attributes =
        declarerOf(key, owner) === declarer ? rule.describe(original, key, owner) : undefined;
      const name = `${owner.name}.${key}`;
      span =
        attributes !== undefined &&
        Object.freeze({
          scope: owner.name,
          name,
          attributes: Object.freeze({ [ATTR_CODE_FUNCTION_NAME]: name, ...attributes }),
        });
      spans.set(owner, span);
    }
    return span;
  };
  return function (...args) {
    const caller = context.active();
    if (
      currentRuntime()?.config.instrumentation[rule.switchedBy] !== true ||
      !shouldStartSpan(undefined, caller)
    ) {
      return original.apply(this, args);
    }
    const span = typeof this === 'object' && this !== null && describe(this.constructor as ContainerClass);
    if (span === false) return original.apply(this, args);
    if (rule.spanOfCall !== undefined) {
      rule.spanOfCall(args)?.setAttributes(span.attributes);
      return original.apply(this, args);
    }
    const more = rule.describeCall?.(args);
    const attributes = more === undefined ? span.attributes : { ...span.attributes, ...more };
    const call = new SpanCall(tracerFor(span.scope), span.name, { attributes }, caller);
    let result: unknown;
    try {
      result = call.enter() ? original.apply(this, args) : call.run(() => original.apply(this, args));
    } catch (error) {
      throw call.threw(error);
    }
    return call.returned(result);
  };
}
