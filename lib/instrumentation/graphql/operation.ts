import {
  type Context,
  context,
  type Link,
  type Span,
  type SpanContext,
  SpanKind,
  trace,
} from '@opentelemetry/api';

import {
  ATTR_GRAPHQL_DOCUMENT,
  ATTR_GRAPHQL_OPERATION_NAME,
  ATTR_GRAPHQL_OPERATION_TYPE,
} from '../../config/semantic-conventions.constants.js';
import { isTracingSuppressed } from '../../engine/suppressed-tracing.js';
import { recordGraphqlEvent, recordGraphqlOperation } from '../../metrics/graphql-metrics.js';
import { currentRuntime } from '../../runtime/sdk-runtime.js';
import { shouldStartSpan, tracerFor } from '../../runtime/tracers.js';
import { type DocumentLike, type OperationNodeLike, type ResolveInfoLike } from './graphql.interface.js';
import { describeErrors, type GraphqlErrorLike } from './graphql-errors.js';
import { type ResolverMethod } from './instrument-schema.js';
import { ResolverCalls } from './resolver-calls.js';

const SCOPE = 'nestjs-telemetry/graphql';

/** Parsing, validating and executing that takes longer than this, in milliseconds, is shown. */
const SLOW_PHASE_MS = 5;

export interface OperationStart {
  /** The operation where it is known before it starts, so that samplers know its name. */
  readonly node?: OperationNodeLike | undefined;
  /** Whether it came over a socket: then it is its own trace. Default false. */
  readonly root?: boolean;
  readonly links?: Link[];
  /** Whether the same request has others, and cannot be named after this one. Default false. */
  readonly batched?: boolean;
  /** `event` for one event of a subscription. Default `operation`. */
  readonly kind?: 'operation' | 'event';
  /** Whether errors must be noted as they are thrown: `end()` is called without. Default false. */
  readonly notesFailures?: boolean;
}

/** Operations by their context values; each execution has a different one. */
const operations = new WeakMap<object, Operation>();

/** One GraphQL operation, from its request to its result, with its resolvers and measurement. */
export class Operation {
  readonly context: Context;
  private readonly span: Span | undefined;
  /** What was active where it came from: the span of its request. */
  private readonly caller: Context;
  private readonly calls: ResolverCalls;
  private readonly startedAt = performance.now();
  private type: string | undefined;
  private name = UNRESOLVED;
  private ended = false;

  private constructor(private readonly start: OperationStart) {
    this.caller = context.active();
    const { root = false, links = [], node } = start;
    if (shouldStartSpan(start)) {
      // Below a request it is a part of it; over a socket there is nothing above it.
      const kind = root ? SpanKind.SERVER : SpanKind.INTERNAL;
      const name = node === undefined ? 'GraphQL Operation' : spanNameOf(node, start);
      this.span = tracerFor(SCOPE).startSpan(name, { kind, root, links }, this.caller);
    }
    this.context = this.span === undefined ? this.caller : trace.setSpan(this.caller, this.span);
    this.calls = new ResolverCalls(this.context);
  }

  /** Starts the operation of a context value; undefined where nothing is recorded. */
  static start(contextValue: unknown, start: OperationStart = {}): Operation | undefined {
    if (typeof contextValue !== 'object' || contextValue === null) return undefined;
    if (currentRuntime() === undefined || isTracingSuppressed(context.active())) return undefined;
    const operation = new Operation(start);
    operations.set(contextValue, operation);
    if (start.node !== undefined) operation.identify(start.node);
    return operation;
  }

  static of(contextValue: unknown): Operation | undefined {
    return typeof contextValue === 'object' && contextValue !== null
      ? operations.get(contextValue)
      : undefined;
  }

  /** Identity of its span, to link to. */
  get spanContext(): SpanContext | undefined {
    return this.span?.spanContext();
  }

  /** Whether its resolvers can be called directly. */
  get leavesResolversAlone(): boolean {
    const { root, notesFailures } = this.start;
    return this.span?.isRecording() !== true && notesFailures !== true && root !== true;
  }

  /** Names the operation, once it is known which one of the document it is. */
  identify(node: OperationNodeLike, source = node.loc?.source?.body): void {
    const { span, start } = this;
    const { operation, name } = node;
    this.type = operation;
    this.name = boundOperationName(name?.value);
    if (span?.isRecording() !== true) return;
    span.updateName(spanNameOf(node, start));
    nameSpan(span, operation, name?.value);
    if (source !== undefined) span.setAttribute(ATTR_GRAPHQL_DOCUMENT, sanitizeDocument(source));
    if (start.root === true || start.batched === true) return;
    const server = trace.getSpan(this.caller);
    if (server !== undefined && 'kind' in server && server.kind === SpanKind.SERVER)
      nameSpan(server, operation, name?.value);
  }

  /** Records a slow step that began at `since`, of `performance.now()`, and ends now. */
  phase(name: string, since: number): void {
    if (this.span?.isRecording() !== true || performance.now() - since < SLOW_PHASE_MS) return;
    tracerFor(SCOPE).startSpan(name, { startTime: since }, this.context).end();
  }

  resolve(resolver: ResolverMethod, info: ResolveInfoLike, fn: () => unknown): unknown {
    if (this.span?.isRecording() === true) return this.calls.record(resolver, info, fn);
    const run = this.start.notesFailures === true ? () => this.calls.watch(info, fn) : fn;
    // On a socket, what opened it is active, not the trace that is not sampled.
    return this.start.root === true ? context.with(this.context, run) : run();
  }

  /** Ends it with the errors of its result, as they were thrown or as the response has them. */
  end(errors: readonly unknown[] = []): void {
    if (this.ended) return;
    this.ended = true;
    const { span, name, type, startedAt } = this;
    this.calls.end();
    const thrown = errors.map((error) => this.asThrown(error));
    const errorType = describeErrors(span, thrown);
    const record = this.start.kind === 'event' ? recordGraphqlEvent : recordGraphqlOperation;
    const durationSeconds = (performance.now() - startedAt) / 1000;
    record({ name, type, errorType, durationSeconds, context: this.context });
    span?.end();
  }

  /** Ends it with what its resolvers threw; for callers that never see the result. */
  endWithFailures(): void {
    this.end(this.calls.thrown);
  }

  /** What was thrown where a formatted error happened, which only has text and path. */
  private asThrown(error: unknown): unknown {
    if (error instanceof Error) return error;
    const path = (error as GraphqlErrorLike | null)?.path;
    return (path === undefined ? undefined : this.calls.thrownAt(path)) ?? error;
  }
}

function spanNameOf({ operation, name }: OperationNodeLike, { kind }: OperationStart): string {
  const bound = boundOperationName(name?.value);
  const spanName = bound === name?.value ? `${operation} ${bound}` : operation;
  return kind === 'event' ? `${spanName} event` : spanName;
}

function nameSpan(span: Span, type: string, name: string | undefined): void {
  span.setAttribute(ATTR_GRAPHQL_OPERATION_TYPE, type);
  if (name !== undefined) span.setAttribute(ATTR_GRAPHQL_OPERATION_NAME, name.slice(0, MAX_LENGTH));
}

/** Stands for every operation that has no name. */
const UNNAMED = '<anonymous>';

/** Stands for operations that were not found: the document is not valid, or has another name. */
const UNRESOLVED = '<unresolved>';

/** Stands for every name after the first ones. */
const OTHER = '_OTHER';

/** An application has tens of operations; hundreds come from an abusive client. */
const MAX_NAMES = 200;

/** Longer ones are generated, and would fill the memory. */
const MAX_LENGTH = 128;

const names = new Set<string>();

/** The operation of that name, which may be `''` as in graphql-js; without a name, the first. */
export function findOperation({ definitions }: DocumentLike, name: unknown): OperationNodeLike | undefined {
  return definitions.find(
    (definition): definition is OperationNodeLike =>
      definition.kind === 'OperationDefinition' &&
      (typeof name !== 'string' || (definition as OperationNodeLike).name?.value === name),
  );
}

/**
 * The name of an operation in span names and labels: the client chooses it, so only the first 200
 * names of this process are kept apart.
 */
export function boundOperationName(name: string | null | undefined): string {
  if (name === undefined || name === null || name === '') return UNNAMED;
  if (names.has(name)) return name;
  if (names.size >= MAX_NAMES || name.length > MAX_LENGTH) return OTHER;
  names.add(name);
  return name;
}

const MAX_DOCUMENT_LENGTH = 2_048;
const MAX_CACHED = 200;

/** Block strings, strings, comments, numbers; not names such as `line1` and `$v2`. */
const LITERALS = /"""(?:\\"""|[^])*?"""|"(?:\\.|[^"\\\n])*"|#[^\n\r]*|(?<![\w$])-?\d[\w.+-]*/g;

const cache = new Map<string, string>();

/**
 * The document of an operation without what a user may have typed: strings and numbers become `*`,
 * comments and indentation are removed. Cut after 2,048 characters.
 */
export function sanitizeDocument(source: string): string {
  const known = cache.get(source);
  if (known !== undefined) return known;
  // The length of a document is the client's choice: read twice the limit, for the indentation.
  const head = source.slice(0, 2 * MAX_DOCUMENT_LENGTH);
  const sanitized = endOpenString(head)
    .replace(LITERALS, (literal) => (literal.startsWith('#') ? ' ' : '*'))
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, MAX_DOCUMENT_LENGTH);
  if (cache.size < MAX_CACHED && source.length <= MAX_DOCUMENT_LENGTH) cache.set(source, sanitized);
  return sanitized;
}

/** Removes a string that the cut left without its end. */
function endOpenString(head: string): string {
  const rest = head.replace(LITERALS, (literal) =>
    literal.startsWith('"') ? ' '.repeat(literal.length) : literal,
  );
  const open = rest.replace(/#[^\n\r]*/g, (comment) => ' '.repeat(comment.length)).indexOf('"');
  return open === -1 ? head : head.slice(0, open);
}
