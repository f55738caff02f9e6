import { types } from 'node:util';

import {
  type Context,
  context,
  type Link,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';

import {
  ATTR_CODE_FUNCTION_NAME,
  ATTR_ERROR_TYPE,
  ATTR_GRAPHQL_DOCUMENT,
  ATTR_GRAPHQL_OPERATION_NAME,
  ATTR_GRAPHQL_OPERATION_TYPE,
  ATTR_NESTJS_GRAPHQL_ERROR_COUNT,
  ATTR_NESTJS_GRAPHQL_FIELD,
} from '../../config/semantic-conventions.constants.js';
import { recordGraphqlEvent, recordGraphqlOperation } from '../../metrics/graphql-metrics.js';
import { opensSpan } from '../../runtime/opens-span.js';
import { currentRuntime } from '../../runtime/runtime-state.js';
import { tracerFor } from '../../runtime/tracers.js';
import { messageOf, recordFailure } from '../../tracing/error-policy.js';
import { runInSpan } from '../../tracing/run-in-span.js';
import { type ResolverMethod } from './find-resolvers.js';
import { type OperationNodeLike, type PathLike, type ResolveInfoLike } from './graphql.interface.js';
import {
  type GraphqlErrorLike,
  isOperationError,
  operationErrorType,
  thrownError,
} from './graphql-errors.js';
import { boundOperationName, cutName, UNRESOLVED } from './operation-names.js';
import { RepeatedCalls } from './repeated-calls.js';
import { sanitizeDocument } from './sanitize-document.js';

const SCOPE = 'nestjs-telemetry/graphql';

/** Failures of one operation that are kept; one is enough to tell why it failed. */
const MAX_FAILURES = 20;

/** Parsing, validating and executing that takes longer than this, in milliseconds, is shown. */
const SLOW_PHASE_MS = 5;

export interface OperationStart {
  /** Whether it came over a socket: then it is a trace of its own. Default false. */
  readonly root?: boolean;
  readonly links?: Link[];
  /** Whether the same request brings others, so that it cannot be named after this one. Default false. */
  readonly batched?: boolean;
  /** `event` for one event of a subscription. Default `operation`. */
  readonly kind?: 'operation' | 'event';
  /** Whether whoever ends it has not got the errors as they were thrown, so that they must be noted. Default false. */
  readonly notesFailures?: boolean;
}

/** Which operation runs with which context value; each operation is executed with one of its own. */
const operations = new WeakMap<object, Operation>();

/** One GraphQL operation, from its request to its result: its span, those of its resolvers, its measurement. */
export class Operation {
  readonly context: Context;
  private readonly span: Span | undefined;
  /** What was active where it came from: the span of its request. */
  private readonly caller: Context;
  private readonly startedAt = performance.now();
  private repeated: Map<object, RepeatedCalls> | undefined;
  /** What resolvers threw, by the path of the field. */
  private failures: Map<string, unknown> | undefined;
  private type: string | undefined;
  private name = UNRESOLVED;
  private ended = false;

  private constructor(private readonly start: OperationStart) {
    const caller = context.active();
    this.caller = caller;
    const { root = false, links = [] } = start;
    if (opensSpan(start)) {
      // Below a request it is a part of it; over a socket there is nothing above it.
      const kind = root ? SpanKind.SERVER : SpanKind.INTERNAL;
      this.span = tracerFor(SCOPE).startSpan('GraphQL Operation', { kind, root, links }, caller);
    }
    this.context = this.span === undefined ? caller : trace.setSpan(caller, this.span);
  }

  /** Starts the operation that is executed with that context value; undefined where nothing is recorded. */
  static start(contextValue: unknown, start: OperationStart = {}): Operation | undefined {
    if (typeof contextValue !== 'object' || contextValue === null) return undefined;
    if (currentRuntime() === undefined || isTracingSuppressed(context.active())) return undefined;
    const operation = new Operation(start);
    operations.set(contextValue, operation);
    return operation;
  }

  static of(contextValue: unknown): Operation | undefined {
    return typeof contextValue === 'object' && contextValue !== null
      ? operations.get(contextValue)
      : undefined;
  }

  /** Identity of its span, to link to. */
  get spanContext(): ReturnType<Span['spanContext']> | undefined {
    return this.span?.spanContext();
  }

  /** Whether its resolvers can be called as they stand. */
  get leavesResolversAlone(): boolean {
    return this.span?.isRecording() !== true && this.start.notesFailures !== true;
  }

  /** Names the operation, once it is known which one of the document it is. */
  identify({ operation, name, loc }: OperationNodeLike, source = loc?.source?.body): void {
    const { span, start } = this;
    this.type = operation;
    this.name = boundOperationName(name?.value);
    if (span?.isRecording() !== true) return;
    const spanName = this.name === name?.value ? `${operation} ${this.name}` : operation;
    span.updateName(start.kind === 'event' ? `${spanName} event` : spanName);
    span.setAttribute(ATTR_GRAPHQL_OPERATION_TYPE, operation);
    if (name !== undefined) span.setAttribute(ATTR_GRAPHQL_OPERATION_NAME, cutName(name.value));
    if (source !== undefined) span.setAttribute(ATTR_GRAPHQL_DOCUMENT, sanitizeDocument(source));
    if (start.root !== true && start.batched !== true) this.describeRequest(operation, name?.value);
  }

  /** Shows a step that began at `since`, of `performance.now()`, and ends now; only when it was slow. */
  phase(name: string, since: number): void {
    if (this.span?.isRecording() !== true || performance.now() - since < SLOW_PHASE_MS) return;
    tracerFor(SCOPE).startSpan(name, { startTime: since }, this.context).end();
  }

  /** Runs a resolver method and gives back what it returns; calls for the items of a list share one span. */
  resolve(resolver: ResolverMethod, info: ResolveInfoLike, fn: () => unknown): unknown {
    if (this.span?.isRecording() !== true) return this.noting(info, fn);
    if (resolver.traced) return context.with(this.context, () => this.noting(info, fn));
    if (isBelowList(info.path)) return this.repeatedCalls(resolver, info).run(info.path, fn);
    const { className, methodName } = resolver;
    return context.with(this.context, () =>
      runInSpan(
        tracerFor(className),
        `${className}.${methodName}`,
        {
          attributes: attributesOf(resolver),
          isError: (error) => {
            this.noteFailure(info.path, error);
            return isOperationError(error);
          },
        },
        fn,
      ),
    );
  }

  /** Ends it with the errors of its result, as they were thrown or as the response has them. */
  end(errors: readonly unknown[] = []): void {
    if (this.ended) return;
    this.ended = true;
    const { span, name, type, startedAt } = this;
    if (this.repeated !== undefined) for (const calls of this.repeated.values()) calls.end();
    const thrown = errors.map((error) => this.asThrown(error));
    const decisive = thrown.find(isOperationError);
    const errorType = decisive === undefined ? undefined : operationErrorType(decisive);
    if (span?.isRecording() === true && thrown.length > 0) describeErrors(span, thrown, decisive, errorType);
    const record = this.start.kind === 'event' ? recordGraphqlEvent : recordGraphqlOperation;
    const durationSeconds = (performance.now() - startedAt) / 1000;
    record({ name, type, errorType, durationSeconds, context: this.context });
    span?.end();
  }

  /** Ends it with what its resolvers threw; for whoever never sees the result. */
  endWithFailures(): void {
    this.end(this.failures === undefined ? [] : [...this.failures.values()]);
  }

  private noting(info: ResolveInfoLike, fn: () => unknown): unknown {
    if (this.start.notesFailures !== true) return fn();
    const note = (error: unknown): never => {
      this.noteFailure(info.path, error);
      throw error;
    };
    try {
      const result = fn();
      return types.isPromise(result) ? result.catch(note) : result;
    } catch (error) {
      return note(error);
    }
  }

  private noteFailure(path: PathLike, error: unknown): void {
    if (this.ended) return;
    this.failures ??= new Map();
    if (this.failures.size < MAX_FAILURES) this.failures.set(printPath(path), error);
  }

  private repeatedCalls(resolver: ResolverMethod, info: ResolveInfoLike): RepeatedCalls {
    this.repeated ??= new Map();
    // The place in the document: the same resolver may be asked for in two lists.
    const place = info.fieldNodes[0] ?? resolver;
    let calls = this.repeated.get(place);
    if (calls === undefined) {
      const { className, methodName } = resolver;
      const attributes = attributesOf(resolver);
      const name = `${className}.${methodName}`;
      const span = tracerFor(className).startSpan(name, { attributes }, this.context);
      calls = new RepeatedCalls(span, this.context, (path, error) => {
        this.noteFailure(path, error);
      });
      this.repeated.set(place, calls);
    }
    return calls;
  }

  /** Formatting leaves the text of an error and where it happened: what was thrown there says more. */
  private asThrown(error: unknown): unknown {
    if (error instanceof Error) return error;
    const path = (error as GraphqlErrorLike | null)?.path?.join('.');
    return (path === undefined ? undefined : this.failures?.get(path)) ?? error;
  }

  private describeRequest(type: string, name: string | undefined): void {
    const server = trace.getSpan(this.caller);
    if (server === undefined || !('kind' in server) || server.kind !== SpanKind.SERVER) return;
    server.setAttribute(ATTR_GRAPHQL_OPERATION_TYPE, type);
    if (name !== undefined) server.setAttribute(ATTR_GRAPHQL_OPERATION_NAME, cutName(name));
  }
}

const resolverAttributes = new WeakMap<ResolverMethod, Record<string, string>>();

function attributesOf(resolver: ResolverMethod): Record<string, string> {
  let attributes = resolverAttributes.get(resolver);
  if (attributes === undefined) {
    const { className, methodName, field } = resolver;
    attributes = Object.freeze({
      [ATTR_CODE_FUNCTION_NAME]: `${className}.${methodName}`,
      [ATTR_NESTJS_GRAPHQL_FIELD]: field,
    });
    resolverAttributes.set(resolver, attributes);
  }
  return attributes;
}

function describeErrors(
  span: Span,
  errors: readonly unknown[],
  decisive: unknown,
  errorType: string | undefined,
): void {
  span.setAttribute(ATTR_NESTJS_GRAPHQL_ERROR_COUNT, errors.length);
  if (errorType === undefined) return;
  const thrown = thrownError(decisive);
  if (thrown instanceof Error) recordFailure(span, thrown, () => true);
  span.setAttribute(ATTR_ERROR_TYPE, errorType);
  span.setStatus({ code: SpanStatusCode.ERROR, message: textOf(thrown) });
}

function textOf(error: unknown): string {
  const message = (error as GraphqlErrorLike | null)?.message;
  return typeof message === 'string' ? message : messageOf(error);
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
