import { context } from '@opentelemetry/api';

import { type DocumentLike, type OperationNodeLike } from './graphql.interface.js';
import { Operation, type OperationStart } from './operation.js';
import { linksOf } from './subscriptions.js';

/**
 * `app.graphql` of a Fastify instance with Mercurius: what each of its routes and sockets executes
 * operations with.
 */
interface ExecuteLike {
  (
    this: unknown,
    source: unknown,
    context: unknown,
    variables: unknown,
    operationName: unknown,
  ): Promise<ExecutionLike>;
  addHook(name: string, hook: (...args: never[]) => Promise<undefined>): void;
}

interface ExecutionLike {
  readonly errors?: readonly unknown[] | undefined;
}

/** What is used of Mercurius's context. */
interface MercuriusContext {
  readonly operationsCount?: number;
  readonly reply?: unknown;
  /** Of the socket, for what did not come by a request with a reply. */
  readonly request?: { readonly headers?: unknown };
}

interface Progress {
  readonly operationName: unknown;
  since: number;
}

/**
 * Records the operations that Mercurius executes on a Fastify instance, each with its span active
 * from parsing to the result; what Mercurius refuses before it executes anything, too. Returns the
 * undo.
 */
export function instrumentMercurius(app: { graphql?: ExecuteLike }): () => void {
  const { graphql } = app;
  if (graphql === undefined) return () => undefined;
  const progress = new WeakMap<object, Progress>();
  let active = true;
  noticePhases(graphql, progress);

  const execute = (self: unknown, args: unknown[]): unknown => {
    const [source, given, variables, operationName] = args;
    const contextValue = typeof given === 'object' && given !== null ? given : {};
    const operation = active ? Operation.start(contextValue, startOf(contextValue)) : undefined;
    if (operation === undefined) return Reflect.apply(graphql, self, args);
    progress.set(contextValue, { operationName, since: performance.now() });
    const call = [source, contextValue, variables, operationName];
    return context.with(operation.context, async () => {
      try {
        const execution = (await Reflect.apply(graphql, self, call)) as ExecutionLike;
        operation.end(execution.errors);
        return execution;
      } catch (error) {
        operation.end([error]);
        throw error;
      }
    });
  };
  // A proxy, because it has members that change, such as its schema.
  const recording = new Proxy(graphql, { apply: (_target, self, args: unknown[]) => execute(self, args) });
  app.graphql = recording;
  return () => {
    active = false;
    if (app.graphql === recording) app.graphql = graphql;
  };
}

function startOf({ operationsCount = 1, reply, request }: MercuriusContext): OperationStart {
  if (reply !== undefined || request === undefined)
    return { batched: operationsCount > 1, notesFailures: true };
  return { root: true, links: linksOf(request.headers), notesFailures: true };
}

function noticePhases(graphql: ExecuteLike, progress: WeakMap<object, Progress>): void {
  const next = (contextValue: object, phase: string | undefined): Progress | undefined => {
    const step = progress.get(contextValue);
    if (step === undefined) return undefined;
    if (phase !== undefined) Operation.of(contextValue)?.phase(phase, step.since);
    step.since = performance.now();
    return step;
  };
  graphql.addHook('preParsing', (_schema: unknown, _source: unknown, contextValue: object) => {
    next(contextValue, undefined);
    return Promise.resolve(undefined);
  });
  graphql.addHook('preValidation', (_schema: unknown, _document: unknown, contextValue: object) => {
    next(contextValue, 'graphql.parse');
    return Promise.resolve(undefined);
  });
  graphql.addHook('preExecution', (_schema: unknown, document: DocumentLike, contextValue: object) => {
    const step = next(contextValue, 'graphql.validate');
    const node = step === undefined ? undefined : findOperation(document, step.operationName);
    if (node !== undefined) Operation.of(contextValue)?.identify(node);
    return Promise.resolve(undefined);
  });
  graphql.addHook('onResolution', (_execution: unknown, contextValue: object) => {
    next(contextValue, 'graphql.execute');
    return Promise.resolve(undefined);
  });
}

function findOperation({ definitions }: DocumentLike, name: unknown): OperationNodeLike | undefined {
  const operations = definitions.filter(
    (definition): definition is OperationNodeLike => definition.kind === 'OperationDefinition',
  );
  if (typeof name !== 'string' || name === '') return operations[0];
  return operations.find((operation) => operation.name?.value === name);
}
