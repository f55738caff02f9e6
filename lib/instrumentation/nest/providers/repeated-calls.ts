import { type Attributes, type Context, context, type Span, trace } from '@opentelemetry/api';

import { isFailure } from '../../../invocation/is-failure.js';
import { type ResultObserver } from '../../../invocation/result-observer.interface.js';
import { tracerFor } from '../../../runtime/tracers.js';
import { recordFailure } from '../../../tracing/error-policy.js';
import {
  ATTR_NESTJS_REPEAT_COUNT,
  ATTR_NESTJS_REPEAT_DURATION_MS,
  ATTR_NESTJS_REPEAT_ERRORS,
  ATTR_NESTJS_REPEAT_KEPT,
  ATTR_NESTJS_REPEAT_MAX_MS,
} from '../../../config/semantic-conventions.constants.js';
import { type ProviderCall, beforeEnd } from './wrap-providers.js';

/** Failed calls that keep spans of their own; further ones are counted. */
const MAX_KEPT_FAILURES = 10;

/** A call, from and to instants of `performance.now()`. */
interface Period {
  readonly startedAt: number;
  readonly endedAt: number;
}

/**
 * The calls of one method below one parent. However many there are, it holds a few numbers: from the first that is
 * folded on, one span tells how many they were and what they took, next to one of the slowest and some of the failed.
 */
export class RepeatedCalls {
  /** Calls begun so far, those with spans of their own included. */
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
        this.tell();
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

  private tell(): void {
    if (this.count === 0) return;
    const { slowest } = this;
    const max = slowest === undefined ? 0 : lengthOf(slowest);
    this.open(this.firstStart, {
      [ATTR_NESTJS_REPEAT_COUNT]: this.count,
      [ATTR_NESTJS_REPEAT_DURATION_MS]: rounded(this.total),
      [ATTR_NESTJS_REPEAT_MAX_MS]: rounded(max),
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

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1_000) / 1_000;
}
