import { type Attributes, type Context, context, type Span, trace } from '@opentelemetry/api';

import {
  ATTR_CODE_FUNCTION_NAME,
  ATTR_NESTJS_CLASS,
  ATTR_NESTJS_MODULE,
  ATTR_NESTJS_REPEAT_COUNT,
  ATTR_NESTJS_REPEAT_DURATION_MS,
  ATTR_NESTJS_REPEAT_ERRORS,
  ATTR_NESTJS_REPEAT_KEPT,
  ATTR_NESTJS_REPEAT_MAX_MS,
} from '../../../config/semantic-conventions.constants.js';
import { warnOnce } from '../../../errors/warnings.js';
import { invokeAndFollow } from '../../../invocation/follow-result.js';
import { isFailure } from '../../../invocation/is-failure.js';
import { patch } from '../../../invocation/patch.js';
import { type ResultObserver } from '../../../invocation/settlement.js';
import { type AnyMethod, isMarked, wrapMethod } from '../../../invocation/wrap-method.js';
import { type Undo } from '../../../process/undo-all.js';
import { tracerFor } from '../../../runtime/tracers.js';
import { recordFailure } from '../../../tracing/error-policy.js';
import { runInSpan } from '../../../tracing/run-in-span.js';
import { createSpanNotes, toMicroseconds } from '../span-notes.js';
import { type ProviderMethod, providerMethodsOf } from './provider-methods.js';
import { type ProviderCandidate, type SelectProvider } from './record-providers.js';

const WRAPPED_PROVIDER = Symbol.for('nestjs-telemetry.wrapped-provider');

/** A method that is replaced, for as many applications as use it. */
interface Replacement {
  users: number;
  undo(): void;
}

const replacements = new WeakMap<object, Map<string, Replacement>>();

/**
 * Gives the selected methods of a class a span `OrderService.find` around each call below a
 * recorded span. They are replaced on the prototype of the class itself, inherited ones too: base
 * classes and instances stay as they are. Returns the undo.
 */
export function wrapProvider(candidate: ProviderCandidate, select: SelectProvider): () => void {
  const isSelected = select(candidate);
  if (isSelected === undefined) return () => undefined;
  const used = [...providerMethodsOf(candidate.type)]
    .filter(({ key }) => isSelected(key))
    .map((method) => replace(candidate, method))
    .filter((replacement) => replacement !== undefined);
  return () => {
    for (const replacement of used.splice(0)) {
      replacement.users -= 1;
      if (replacement.users === 0) replacement.undo();
    }
  };
}

function replace(
  { type, moduleName }: ProviderCandidate,
  { key, descriptor, inherited }: ProviderMethod,
): Replacement | undefined {
  const prototype = type.prototype as object;
  const methods = replacements.get(prototype) ?? new Map<string, Replacement>();
  const known = methods.get(key);
  if (known !== undefined) {
    known.users += 1;
    return known;
  }
  const method = descriptor.value as AnyMethod;
  // By another copy of this package, or on a base class: its spans are named after this class.
  if (isMarked(method, WRAPPED_PROVIDER)) return undefined;
  const replacement: Replacement = {
    users: 1,
    undo: () => {
      // The replacement of another library calls ours, which calls through until it is used again.
      if (Object.getOwnPropertyDescriptor(prototype, key)?.value !== value) return;
      methods.delete(key);
      if (inherited) Reflect.deleteProperty(prototype, key);
      else Object.defineProperty(prototype, key, descriptor);
    },
  };
  const value = wrapMethod(
    method,
    (original) => recordCalls(original, prototype, key, moduleName, replacement),
    WRAPPED_PROVIDER,
  );
  Object.defineProperty(prototype, key, { ...descriptor, configurable: true, value });
  replacements.set(prototype, methods.set(key, replacement));
  return replacement;
}

function recordCalls(
  original: AnyMethod,
  prototype: object,
  key: string,
  moduleName: string,
  replacement: Replacement,
): AnyMethod {
  const calls = new WeakMap<object, ProviderCall | false>();
  const describe = (type: object): ProviderCall | false => {
    const call = isCalledFirst(type, prototype, key) && describeCall(type, key, moduleName);
    calls.set(type, call);
    return call;
  };
  return function (...args) {
    const parent = trace.getActiveSpan();
    if (parent?.isRecording() !== true || replacement.users === 0) return original.apply(this, args);
    if (typeof this !== 'object' || this === null) return original.apply(this, args);
    const call = calls.get(this.constructor) ?? describe(this.constructor);
    if (call === false) return original.apply(this, args);
    return recordProviderCall(parent, call, () => original.apply(this, args));
  };
}

/** False for a method that the class overrides with a recorded one: only `super` calls it. */
function isCalledFirst(type: object, prototype: object, key: string): boolean {
  let level = 'prototype' in type ? (type.prototype as object | null) : null;
  while (level !== null && level !== prototype) {
    if (replacements.get(level)?.has(key) === true) return false;
    level = Object.getPrototypeOf(level) as object | null;
  }
  return true;
}

function describeCall(type: object, key: string, moduleName: string): ProviderCall {
  const scope = 'name' in type && typeof type.name === 'string' ? type.name : 'anonymous';
  const name = `${scope}.${key}`;
  const attributes: Attributes = Object.freeze({
    [ATTR_CODE_FUNCTION_NAME]: name,
    [ATTR_NESTJS_CLASS]: scope,
    [ATTR_NESTJS_MODULE]: moduleName,
  });
  return Object.freeze({ scope, name, options: Object.freeze({ attributes }) });
}

const listeners = createSpanNotes<(() => void)[]>('before-end');

/**
 * Calls `callback` right before the span ends, while it can still have children. The API has no
 * such event, and a span processor would be called for every span there is.
 */
function beforeEnd(span: Span, callback: () => void): void {
  const list = listeners.getOrMake(span, () => []);
  list.push(callback);
  if (list.length > 1) return;
  const undo: Undo = patch(
    span,
    'end',
    (end) =>
      function (this: Span, endTime) {
        undo();
        for (const each of list.splice(0)) attempt(each);
        end.call(this, endTime);
      },
  );
}

function attempt(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    warnOnce('nest:repeated-calls', `Telemetry could not record repeated calls: ${String(error)}`);
  }
}

/** What all spans of one method of one class have in common. */
interface ProviderCall {
  readonly scope: string;
  readonly name: string;
  readonly options: { readonly attributes: Attributes };
}

/** Calls of one method below one parent that have their own spans; later ones share one. */
const INDIVIDUAL_CALLS = 10;

/** Calls that were made below a span, by method. */
const callsBelow = createSpanNotes<Map<ProviderCall, RepeatedCalls>>('calls-below');

/** Makes a call in its own span, or counted for the one span of many alike. */
function recordProviderCall<T>(parent: Span, call: ProviderCall, invoke: () => T): T {
  const calls = callsBelow.getOrMake(parent, () => new Map());
  let repeated = calls.get(call);
  if (repeated === undefined) calls.set(call, (repeated = new RepeatedCalls(parent, call)));
  repeated.started += 1;
  if (repeated.started <= INDIVIDUAL_CALLS) {
    return runInSpan(tracerFor(call.scope), call.name, call.options, invoke);
  }
  return invokeAndFollow(invoke, repeated.fold());
}

/** Failed calls that keep their own spans; further ones are counted. */
const MAX_KEPT_FAILURES = 10;

/** A call, from and to instants of `performance.now()`. */
interface Period {
  readonly startedAt: number;
  readonly endedAt: number;
}

/**
 * The calls of one method below one parent, in a few numbers: one span shows how many were folded
 * and how long they took, next to a span of the slowest and of some that failed.
 */
class RepeatedCalls {
  /** Calls begun so far, those with their own spans included. */
  started = 0;
  private count = 0;
  private failures = 0;
  private total = 0;
  private firstStart = Number.POSITIVE_INFINITY;
  private lastEnd = 0;
  private slowest: Period | undefined;
  private keptFailures = 0;
  private parentContext: Context | undefined;

  constructor(
    private readonly parent: Span,
    private readonly call: ProviderCall,
  ) {}

  /** Begins a folded call; the observer ends it. */
  fold(): ResultObserver {
    if (this.parentContext === undefined) {
      this.parentContext = trace.setSpan(context.active(), this.parent);
      beforeEnd(this.parent, () => {
        this.summarize();
      });
    }
    const startedAt = performance.now();
    return {
      onSuccess: () => {
        const period = this.add(startedAt);
        if (this.slowest === undefined || lengthOf(period) > lengthOf(this.slowest)) this.slowest = period;
      },
      onError: (error) => {
        this.keepFailure(this.add(startedAt), error);
      },
      onResubscribe: () => this.fold(),
    };
  }

  private add(startedAt: number): Period {
    const endedAt = performance.now();
    this.count += 1;
    this.total += endedAt - startedAt;
    this.firstStart = Math.min(this.firstStart, startedAt);
    this.lastEnd = endedAt;
    return { startedAt, endedAt };
  }

  private keepFailure(period: Period, error: unknown): void {
    if (isFailure(error)) this.failures += 1;
    if (this.keptFailures >= MAX_KEPT_FAILURES) return;
    this.keptFailures += 1;
    const span = this.open(period.startedAt, { [ATTR_NESTJS_REPEAT_KEPT]: 'failed' });
    recordFailure(span, error);
    span.end(period.endedAt);
  }

  private summarize(): void {
    if (this.count === 0) return;
    const { slowest } = this;
    const max = slowest === undefined ? 0 : lengthOf(slowest);
    this.open(this.firstStart, {
      [ATTR_NESTJS_REPEAT_COUNT]: this.count,
      [ATTR_NESTJS_REPEAT_DURATION_MS]: toMicroseconds(this.total),
      [ATTR_NESTJS_REPEAT_MAX_MS]: toMicroseconds(max),
      ...(this.failures > 0 && { [ATTR_NESTJS_REPEAT_ERRORS]: this.failures }),
    }).end(this.lastEnd);
    if (slowest === undefined || this.count === 1) return;
    this.open(slowest.startedAt, { [ATTR_NESTJS_REPEAT_KEPT]: 'slowest' }).end(slowest.endedAt);
  }

  private open(startTime: number, more: Attributes): Span {
    const { scope, name, options } = this.call;
    const attributes = { ...options.attributes, ...more };
    return tracerFor(scope).startSpan(name, { attributes, startTime }, this.parentContext);
  }
}

function lengthOf({ startedAt, endedAt }: Period): number {
  return endedAt - startedAt;
}
