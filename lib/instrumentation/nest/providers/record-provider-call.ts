import { type Attributes, type Span } from '@opentelemetry/api';

import { invokeAndFollow } from '../../../invocation/follow-result.js';
import { tracerFor } from '../../../runtime/tracers.js';
import { runInSpan } from '../../../tracing/run-in-span.js';
import { createSpanNotes } from '../span-notes.js';
import { RepeatedCalls } from './repeated-calls.js';

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
export function recordProviderCall<T>(parent: Span, call: ProviderCall, invoke: () => T): T {
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
