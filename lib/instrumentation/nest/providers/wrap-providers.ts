import { type Attributes, type Span, trace } from '@opentelemetry/api';
import {
  ATTR_CODE_FUNCTION_NAME,
  ATTR_NESTJS_CLASS,
  ATTR_NESTJS_MODULE,
} from '../../../config/semantic-conventions.constants.js';
import { type AnyMethod, isMarked, wrapMethod } from '../../../invocation/wrap-method.js';
import { type ProviderCandidate, type SelectProvider } from './record-providers.js';
import { type ProviderMethod, providerMethodsOf } from './provider-methods.js';
import { warnOnce } from '../../../errors/warnings.js';
import { createSpanNotes } from '../span-notes.js';
import { invokeAndFollow } from '../../../invocation/follow-result.js';
import { tracerFor } from '../../../runtime/tracers.js';
import { runInSpan } from '../../../tracing/run-in-span.js';
import { RepeatedCalls } from './repeated-calls.js';

const WRAPPED_PROVIDER = Symbol.for('nestjs-telemetry.wrapped-provider');

/** A method that is replaced, for as many applications as want it. */
interface Replacement {
  users: number;
  undo(): void;
}

const replacements = new WeakMap<object, Map<string, Replacement>>();

/**
 * Gives the selected methods of a class a span `OrderService.find` around each call below a span that is recorded. They
 * are replaced on the prototype of the class itself, the inherited ones too: a base class that others use stays as it
 * is, and instances are never proxied. Returns the undo.
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
  // By another copy of this package, or on a base class that is selected too: its spans are named after this class.
  if (isMarked(method, WRAPPED_PROVIDER)) return undefined;
  const replacement: Replacement = {
    users: 1,
    undo: () => {
      // Somebody else replaced the method meanwhile: theirs calls ours, which calls through until it is wanted again.
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

/** False for a method that the class overrides with a recorded one: it is only reached through `super`. */
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
 * Calls `tell` right before the span ends, while it can still have children. The API has no such event, and a span
 * processor would be asked for every span there is; this touches only the one that is waited for.
 */
export function beforeEnd(span: Span, tell: () => void): void {
  const list = listeners.getOrMake(span, () => []);
  list.push(tell);
  if (list.length > 1) return;
  const before = Object.getOwnPropertyDescriptor(span, 'end');
  const end = span.end.bind(span);
  span.end = (endTime) => {
    if (before === undefined) Reflect.deleteProperty(span, 'end');
    else Object.defineProperty(span, 'end', before);
    for (const each of list.splice(0)) attempt(each);
    end(endTime);
  };
}

function attempt(tell: () => void): void {
  try {
    tell();
  } catch (error) {
    warnOnce('nest:repeated-calls', `Telemetry could not record repeated calls: ${String(error)}`);
  }
}

/** What all spans of one method of one class have in common. */
export interface ProviderCall {
  readonly scope: string;
  readonly name: string;
  readonly options: { readonly attributes: Attributes };
}

/** Calls of one method below one parent that have spans of their own; what comes after is folded into one. */
const INDIVIDUAL_CALLS = 10;

/** Calls that were made below a span, by method. */
const callsBelow = createSpanNotes<Map<ProviderCall, RepeatedCalls>>('calls-below');

/** Makes a call in a span of its own or, when its parent has many alike, counted and timed for the one that stands for them. */
function recordProviderCall<T>(parent: Span, call: ProviderCall, invoke: () => T): T {
  const calls = callsBelow.getOrMake(parent, () => new Map());
  let repeated = calls.get(call);
  if (repeated === undefined) {
    repeated = new RepeatedCalls(parent, call);
    calls.set(call, repeated);
  }
  repeated.started += 1;
  if (repeated.started <= INDIVIDUAL_CALLS) {
    return runInSpan(tracerFor(call.scope), call.name, call.options, invoke);
  }
  return invokeAndFollow(invoke, repeated.fold());
}
