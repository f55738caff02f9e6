import { types } from 'node:util';

import { type Attributes, type Context, context, type Span, trace } from '@opentelemetry/api';

import {
  ATTR_CODE_FUNCTION_NAME,
  ATTR_NESTJS_GRAPHQL_FIELD,
  ATTR_NESTJS_REPEAT_COUNT,
  ATTR_NESTJS_REPEAT_DURATION_MS,
  ATTR_NESTJS_REPEAT_ERRORS,
  ATTR_NESTJS_REPEAT_MAX_MS,
} from '../../config/semantic-conventions.constants.js';
import { shouldStartSpan, tracerFor } from '../../runtime/tracers.js';
import { recordFailure } from '../../tracing/error-policy.js';
import { SpanCall } from '../../tracing/run-in-span.js';
import { type PathLike, type ResolveInfoLike } from './graphql.interface.js';
import { isOperationError } from './graphql-errors.js';
import { type ResolverMethod } from './instrument-schema.js';

/** Failures of one operation that are kept; one is enough to show why it failed. */
const MAX_FAILURES = 20;

/** The resolver methods that one operation calls: their spans, and what they threw. */
export class ResolverCalls {
  private repeated: Map<object, RepeatedCalls> | undefined;
  private failures: Map<string, unknown> | undefined;

  /** @param context of the operation; its span is above those of the resolvers */
  constructor(private readonly context: Context) {}

  /** What was thrown, at most 20 failures of different fields. */
  get thrown(): readonly unknown[] {
    return this.failures === undefined ? [] : [...this.failures.values()];
  }

  /** What was thrown for the field with that path, undefined when that is not known. */
  thrownAt(path: readonly (string | number)[]): unknown {
    return this.failures?.get(path.join('.'));
  }

  /** Runs a resolver method in a span; calls for items of a list or for references share one. */
  record(resolver: ResolverMethod, info: ResolveInfoLike, fn: () => unknown): unknown {
    if (resolver.traced) return context.with(this.context, () => this.watch(info, fn));
    if (resolver.ofReferences || isBelowList(info.path))
      return this.repeatedCalls(resolver, info).run(info.path, fn);
    const { className, methodName } = resolver;
    const options = {
      attributes: attributesOf(resolver),
      isError: (error: unknown) => {
        this.noteFailure(info.path, error);
        return isOperationError(error);
      },
    };
    if (!shouldStartSpan(undefined, this.context)) return context.with(this.context, fn);
    const call = new SpanCall(tracerFor(className), `${className}.${methodName}`, options, this.context);
    let result: unknown;
    try {
      result = call.enter() ? fn() : call.run(fn);
    } catch (error) {
      throw call.threw(error);
    }
    return call.returned(result);
  }

  /** Runs a resolver method without a span, and only notes what it throws. */
  watch(info: ResolveInfoLike, fn: () => unknown): unknown {
    const note = (error: unknown): never => {
      this.noteFailure(info.path, error);
      throw error;
    };
    let result: unknown;
    try {
      result = fn();
    } catch (error) {
      return note(error);
    }
    return types.isPromise(result) ? result.catch(note) : result;
  }

  /** Ends the spans that stand for several calls. */
  end(): void {
    if (this.repeated === undefined) return;
    for (const calls of this.repeated.values()) calls.end();
    this.repeated = undefined;
  }

  private repeatedCalls(resolver: ResolverMethod, info: ResolveInfoLike): RepeatedCalls {
    this.repeated ??= new Map();
    // The place in the document: one resolver may be in two lists, and one list have references of
    // any type.
    const place = resolver.ofReferences ? resolver : (info.fieldNodes[0] ?? resolver);
    let calls = this.repeated.get(place);
    if (calls === undefined) {
      const { className, methodName } = resolver;
      const options = { attributes: attributesOf(resolver) };
      const span = tracerFor(className).startSpan(`${className}.${methodName}`, options, this.context);
      calls = new RepeatedCalls(span, this.context, (path, error) => {
        this.noteFailure(path, error);
      });
      this.repeated.set(place, calls);
    }
    return calls;
  }

  private noteFailure(path: PathLike, error: unknown): void {
    this.failures ??= new Map();
    if (this.failures.size < MAX_FAILURES) this.failures.set(printPath(path), error);
  }
}

const attributesByResolver = new WeakMap<ResolverMethod, Attributes>();

function attributesOf(resolver: ResolverMethod): Attributes {
  const known = attributesByResolver.get(resolver);
  if (known !== undefined) return known;
  const { className, methodName, field } = resolver;
  const attributes = Object.freeze({
    [ATTR_CODE_FUNCTION_NAME]: `${className}.${methodName}`,
    [ATTR_NESTJS_GRAPHQL_FIELD]: field,
  });
  attributesByResolver.set(resolver, attributes);
  return attributes;
}

function isBelowList(path: PathLike): boolean {
  for (let step: PathLike | undefined = path.prev; step !== undefined; step = step.prev) {
    if (typeof step.key === 'number') return true;
  }
  return false;
}

function printPath(path: PathLike): string {
  return path.prev === undefined ? String(path.key) : `${printPath(path.prev)}.${path.key}`;
}

/** The calls of one resolver for a list: one span from the first start to the last end. */
class RepeatedCalls {
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
    // A null that is not allowed ends an operation before all of its fields are resolved.
    span.end(this.running > 0 ? undefined : this.lastEnd);
  }

  private fail(path: PathLike, error: unknown, startedAt: number): void {
    // Only the first: a hundred items may fail alike.
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
