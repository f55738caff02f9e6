import { types } from 'node:util';

import { type Context, context, type Span, trace } from '@opentelemetry/api';

import { recordFailure } from '../../tracing/error-policy.js';
import {
  ATTR_NESTJS_REPEAT_COUNT,
  ATTR_NESTJS_REPEAT_DURATION_MS,
  ATTR_NESTJS_REPEAT_ERRORS,
  ATTR_NESTJS_REPEAT_MAX_MS,
} from '../../config/semantic-conventions.constants.js';
import { type PathLike } from './graphql.interface.js';
import { isOperationError } from './graphql-errors.js';

/** The calls of one resolver for the items of a list: one span from the begin of the first to the end of the last. */
export class RepeatedCalls {
  private readonly context: Context;
  private count = 0;
  private running = 0;
  private failures = 0;
  private totalMs = 0;
  private maxMs = 0;
  private lastEnd = 0;

  constructor(
    private readonly span: Span,
    parent: Context,
    private readonly onFailure: (path: PathLike, error: unknown) => void,
  ) {
    this.context = trace.setSpan(parent, span);
  }

  /** Runs one of the calls and gives back what it returns. */
  run(path: PathLike, fn: () => unknown): unknown {
    const startedAt = performance.now();
    this.count += 1;
    this.running += 1;
    let result: unknown;
    try {
      result = context.with(this.context, fn);
    } catch (error) {
      this.fail(path, error, startedAt);
      throw error;
    }
    if (!types.isPromise(result)) {
      this.finish(startedAt);
      return result;
    }
    return result.then(
      (value: unknown) => {
        this.finish(startedAt);
        return value;
      },
      (error: unknown) => {
        this.fail(path, error, startedAt);
        throw error;
      },
    );
  }

  end(): void {
    const { span, count, failures } = this;
    if (count > 1) {
      span.setAttribute(ATTR_NESTJS_REPEAT_COUNT, count);
      span.setAttribute(ATTR_NESTJS_REPEAT_DURATION_MS, this.totalMs);
      span.setAttribute(ATTR_NESTJS_REPEAT_MAX_MS, this.maxMs);
      if (failures > 0) span.setAttribute(ATTR_NESTJS_REPEAT_ERRORS, failures);
    }
    // A null that is not allowed ends an operation while some of its fields are still being resolved.
    span.end(this.running > 0 ? undefined : this.lastEnd);
  }

  private fail(path: PathLike, error: unknown, startedAt: number): void {
    // One is told; a hundred items that fail alike would say the same a hundred times.
    if (this.failures === 0) recordFailure(this.span, error, isOperationError);
    this.failures += 1;
    this.onFailure(path, error);
    this.finish(startedAt);
  }

  private finish(startedAt: number): void {
    this.lastEnd = performance.now();
    const ms = this.lastEnd - startedAt;
    this.running -= 1;
    this.totalMs += ms;
    if (ms > this.maxMs) this.maxMs = ms;
  }
}
