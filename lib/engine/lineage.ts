import { setImmediate } from 'node:timers';

import { type Context, type Span, type SpanOptions, type TimeInput, trace } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';

import { hrTimeToMilliseconds, timeInputToHrTime } from './time-input.js';

/** Found on every span of this process; the key is shared with other copies of this package. */
export const LINEAGE = Symbol.for('nestjs-telemetry.lineage');

/** The `endedTurn` of a span that is over with its end, because the span above it was open then and decides. */
export const ENDED_BEFORE_PARENT = -1;

/** Whether a span of this process has ended, and which span of this process it is below. */
export interface Lineage {
  readonly span: Span;
  /** Whether `end()` was called. */
  readonly ended: boolean;
  /** The turn of the event loop in which it ended, as `markTurn()` returned it, or `ENDED_BEFORE_PARENT`. */
  readonly endedTurn: number;
  /** Value of `performance.now()` when it ended. */
  readonly endedAt: number;
  /** The span above it in this process; undefined for a local root. */
  readonly localParent: Lineage | undefined;
  /** A span further up below which everything has ended, so that long chains of ended spans are walked once. */
  shortcut?: Lineage | undefined;
}

/** The lineage of a span; undefined for remote spans and for those of a tracer provider that is not ours. */
export function lineageOf(span: Span | undefined): Lineage | undefined {
  return (span as { readonly [LINEAGE]?: Lineage } | undefined)?.[LINEAGE];
}

/**
 * Returns the local root of `start` if that span and every span above it in this process have ended: then no work of that
 * trace is running any more, and what begins in its context begins its own trace. Returns undefined while one is open.
 *
 * A span counts as open until the turn of the event loop in which it ended is over. So listeners of a response, and what
 * was put off with `setImmediate()` or `process.nextTick()` before it, belong to the request in any order.
 */
export function endedRootOf(start: Lineage): Lineage | undefined {
  let link = start;
  for (;;) {
    if (!link.ended || !isTurnOver(link.endedTurn)) {
      if (link !== start) start.shortcut = link;
      return undefined;
    }
    const above = link.shortcut ?? link.localParent;
    if (above === undefined) return link;
    link = above;
  }
}

/** The local root a span is below: the span of the request, the message or the job. */
export function localRootOf(start: Lineage): Lineage {
  let link = start;
  for (;;) {
    const above = link.shortcut ?? link.localParent;
    if (above === undefined) return link;
    link = above;
  }
}

/**
 * Returns the options that start a span in its own trace, with a link to the local root, if the trace of its parent
 * has ended; undefined if the span is a child as usual. A span that is recorded afterwards, with a start time before that
 * end, is a child.
 */
export function optionsAfterEnd(parent: Lineage, options: SpanOptions): SpanOptions | undefined {
  const root = endedRootOf(parent);
  if (root === undefined || beganBefore(options.startTime, root.span)) return undefined;
  const link = { context: root.span.spanContext() };
  return { ...options, root: true, links: Array.isArray(options.links) ? [...options.links, link] : [link] };
}

/** For how long, in milliseconds, what still runs after the end of a trace is named after it. */
const NAMED_AFTER_END_MS = 60_000;

/**
 * Returns `context` without its span if the trace of that span ended more than a minute ago, else `context`. Log lines after
 * the answer of a request carry its ids, but those of a timer or a subscription that it began do not for ever.
 */
export function withoutEndedTrace(context: Context): Context {
  const lineage = lineageOf(trace.getSpan(context));
  if (lineage?.ended !== true) return context;
  const root = endedRootOf(lineage);
  if (root === undefined || performance.now() - root.endedAt < NAMED_AFTER_END_MS) return context;
  return trace.deleteSpan(context);
}

function beganBefore(startTime: TimeInput | undefined, root: Span & Partial<ReadableSpan>): boolean {
  if (startTime === undefined || root.endTime === undefined) return false;
  return hrTimeToMilliseconds(timeInputToHrTime(startTime)) <= hrTimeToMilliseconds(root.endTime);
}

let count = 0;
let scheduled = false;
let lastMark = -1;
let callbacks: { readonly mark: number; readonly callback: () => void }[] = [];

/** Marks the current turn of the event loop, for `isTurnOver()`. */
export function markTurn(): number {
  // Ours runs after all immediates that were set before it; one that is set already is too early for those since.
  if (scheduled) lastMark = count + 1;
  else {
    lastMark = count;
    schedule();
  }
  return lastMark;
}

/** Whether everything that was due in the marked turn has run: callbacks, and immediates that were set before the mark. */
function isTurnOver(mark: number): boolean {
  return count > mark;
}

/** Calls `callback` when the turn that was marked last is over. It must not throw. */
export function afterTurn(callback: () => void): void {
  const mark = scheduled ? lastMark : markTurn();
  callbacks.push({ mark, callback });
}

function schedule(): void {
  scheduled = true;
  // EventEmitter2 returns its immediates to the emitter, who may write them as JSON, and an immediate refers to the next one.
  Object.assign(setImmediate(countUp), { toJSON: noJson });
}

function noJson(): undefined {
  return undefined;
}

function countUp(): void {
  count += 1;
  scheduled = false;
  if (lastMark >= count) schedule();
  if (callbacks.length === 0) return;
  const waiting = callbacks;
  callbacks = waiting.filter(({ mark }) => !isTurnOver(mark));
  for (const { mark, callback } of waiting) if (isTurnOver(mark)) callback();
}
