import { context } from '@opentelemetry/api';

import { patch } from '../../invocation/patch.js';
import { type Undo } from '../../process/undo-all.js';
import { type DocumentLike } from './graphql.interface.js';
import { findOperation, Operation, type OperationStart } from './operation.js';
import { linksOf } from './subscriptions.js';

/** `app.graphql`, with which the routes and sockets of Mercurius execute operations. */
interface ExecuteLike {
  (
    this: unknown,
    source: unknown,
    context: unknown,
    variables: unknown,
    operationName: unknown,
  ): Promise<ExecutionLike>;
  addHook(name: string, hook: (...args: unknown[]) => Promise<undefined>): void;
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
 * Records the operations that Mercurius executes on a Fastify instance, or refuses before it
 * executes anything, each with its span active from parsing to the result. Returns the undo.
 */
export function instrumentMercurius(app: object): Undo {
  return patch<ExecuteLike>(app, 'graphql', (graphql, patched) => {
    const progress = new WeakMap<object, Progress>();
    noticePhases(graphql, progress);
    const execute = (self: unknown, args: unknown[]): unknown => {
      const [source, given, variables, operationName] = args;
      const contextValue = typeof given === 'object' && given !== null ? given : {};
      const operation = patched.active ? Operation.start(contextValue, startOf(contextValue)) : undefined;
      if (operation === undefined) return Reflect.apply(graphql, self, args);
      // Its compiled queries take an empty name for none.
      const name = operationName === '' ? undefined : operationName;
      progress.set(contextValue, { operationName: name, since: performance.now() });
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
    return new Proxy(graphql, { apply: (_target, self, args: unknown[]) => execute(self, args) });
  });
}

function startOf({ operationsCount = 1, reply, request }: MercuriusContext): OperationStart {
  if (reply !== undefined || request === undefined)
    return { batched: operationsCount > 1, notesFailures: true };
  return { root: true, links: linksOf(request.headers), notesFailures: true };
}

function noticePhases(graphql: ExecuteLike, progress: WeakMap<object, Progress>): void {
  const onStep = (hook: string, contextAt: number, phase?: string): void => {
    graphql.addHook(hook, (...args: unknown[]) => {
      const contextValue = args[contextAt] as object;
      const step = progress.get(contextValue);
      if (step === undefined) return Promise.resolve(undefined);
      const operation = Operation.of(contextValue);
      if (phase !== undefined) operation?.phase(phase, step.since);
      step.since = performance.now();
      const node = hook === 'preExecution' && findOperation(args[1] as DocumentLike, step.operationName);
      if (node) operation?.identify(node);
      return Promise.resolve(undefined);
    });
  };
  onStep('preParsing', 2);
  onStep('preValidation', 2, 'graphql.parse');
  onStep('preExecution', 2, 'graphql.validate');
  onStep('onResolution', 1, 'graphql.execute');
}
