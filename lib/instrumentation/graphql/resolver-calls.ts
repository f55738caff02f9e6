import { types } from 'node:util';

import { type Attributes, type Context, context } from '@opentelemetry/api';

import {
  ATTR_CODE_FUNCTION_NAME,
  ATTR_NESTJS_GRAPHQL_FIELD,
} from '../../config/semantic-conventions.constants.js';
import { opensSpan } from '../../runtime/opens-span.js';
import { tracerFor } from '../../runtime/tracers.js';
import { SpanCall } from '../../tracing/run-in-span.js';
import { type ResolverMethod } from './find-resolvers.js';
import { type PathLike, type ResolveInfoLike } from './graphql.interface.js';
import { isOperationError } from './graphql-errors.js';
import { RepeatedCalls } from './repeated-calls.js';

/** Failures of one operation that are kept; one is enough to tell why it failed. */
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

  /** Runs a resolver method in a span and gives back what it returns; the calls for the items of a list, or for references, share one. */
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
    if (!opensSpan(undefined, this.context)) return context.with(this.context, fn);
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
    // The place in the document: the same resolver may be asked for in two lists, and references of any type in one.
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
  let attributes = attributesByResolver.get(resolver);
  if (attributes === undefined) {
    const { className, methodName, field } = resolver;
    attributes = Object.freeze({
      [ATTR_CODE_FUNCTION_NAME]: `${className}.${methodName}`,
      [ATTR_NESTJS_GRAPHQL_FIELD]: field,
    });
    attributesByResolver.set(resolver, attributes);
  }
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
