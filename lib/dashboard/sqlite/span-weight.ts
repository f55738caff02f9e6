import { type TraceState } from '@opentelemetry/api';
import { TraceState as ListedMembers } from '@opentelemetry/core';

import { thresholdIn } from '../../engine/sampling-threshold.js';

/** A caller may claim any probability: one span must not hide all others. */
const MAX_WEIGHT = 1_000_000;

/** Spans of one ratio have one state. */
let last: { readonly state: TraceState | undefined; readonly count: number } = { state: undefined, count: 1 };

/**
 * How many spans one stands for, by the probability that its trace state says; undefined for itself alone. A whole number, so that sums
 * are exact: of 2.5 it is 2 or 3, by the id of the span, so that sums are right on the whole.
 */
export function weightOf(state: TraceState | undefined, idLow: number): number | undefined {
  if (state === undefined) return undefined;
  if (last.state !== state)
    last = { state, count: Math.min(MAX_WEIGHT, thresholdIn(state)?.adjustedCount ?? 1) };
  const { count } = last;
  const whole = Math.floor(count);
  const weight = (idLow >>> 0) / 2 ** 32 < count - whole ? whole + 1 : whole;
  return weight === 1 ? undefined : weight;
}

/** The same of a trace state as text. */
export function weightOfText(state: string | undefined, idLow: number): number | undefined {
  return state?.includes('th:') === true ? weightOf(new ListedMembers(state), idLow) : undefined;
}
