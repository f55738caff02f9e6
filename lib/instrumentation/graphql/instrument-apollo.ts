import { type DocumentLike, type DriverOptions, type OperationNodeLike } from './graphql.interface.js';
import { findOperation, Operation } from './operation.js';
import { linksOf } from './subscriptions.js';

/** What is used of Apollo Server's `GraphQLRequestContext`. */
interface RequestContextLike {
  readonly contextValue: unknown;
  readonly source?: string;
  readonly operation?: OperationNodeLike | undefined;
  readonly errors?: readonly unknown[] | undefined;
  readonly requestIsBatched?: boolean;
}

/** What is implemented of an `ApolloServerPlugin`. */
interface ApolloPlugin {
  requestDidStart(request: RequestContextLike): Promise<RequestListener | undefined>;
  unexpectedErrorProcessingRequest(event: {
    readonly requestContext: RequestContextLike;
    readonly error: unknown;
  }): Promise<void>;
}

/** Without `willResolveField`, which makes Apollo Server call all plugins for each field. */
interface RequestListener {
  parsingDidStart(): Promise<() => Promise<void>>;
  validationDidStart(): Promise<() => Promise<void>>;
  didResolveOperation(request: RequestContextLike): Promise<void>;
  executionDidStart(): Promise<{ executionDidEnd(): Promise<void> }>;
  willSendResponse(request: RequestContextLike): Promise<void>;
}

/** The plugin that records the operations of an Apollo Server while `isActive`. */
export function createApolloPlugin(isActive: () => boolean): ApolloPlugin {
  return {
    requestDidStart: ({ contextValue, requestIsBatched = false }) => {
      const operation = isActive() ? Operation.start(contextValue, { batched: requestIsBatched }) : undefined;
      return Promise.resolve(operation === undefined ? undefined : listenTo(operation));
    },
    unexpectedErrorProcessingRequest: ({ requestContext, error }) => {
      Operation.of(requestContext.contextValue)?.end([error]);
      return Promise.resolve();
    },
  };
}

function listenTo(operation: Operation): RequestListener {
  const phase = (name: string): (() => Promise<void>) => {
    const since = performance.now();
    return () => {
      operation.phase(name, since);
      return Promise.resolve();
    };
  };
  return {
    parsingDidStart: () => Promise.resolve(phase('graphql.parse')),
    validationDidStart: () => Promise.resolve(phase('graphql.validate')),
    didResolveOperation: ({ operation: node, source }) => {
      if (node !== undefined) operation.identify(node, source);
      return Promise.resolve();
    },
    executionDidStart: () => Promise.resolve({ executionDidEnd: phase('graphql.execute') }),
    willSendResponse: ({ errors }) => {
      operation.end(errors);
      return Promise.resolve();
    },
  };
}

/** What is used of graphql-ws's server options. */
interface GraphqlWsOptions {
  readonly context?: unknown;
  readonly onOperation?: unknown;
}

interface ExecutionArgs {
  readonly document: DocumentLike;
  readonly operationName?: string | null;
  readonly contextValue?: unknown;
}

interface SocketLike {
  readonly connectionParams?: unknown;
  readonly extra?: { readonly request?: { readonly headers?: unknown } };
}

type Callback = (...args: unknown[]) => unknown;

/**
 * Changes driver options so that their graphql-ws server records each operation, from the creation
 * of its context to its result or its stream of events.
 *
 * @param driverSource source text of the driver's `start` methods
 */
export function withRecordedSockets(
  options: DriverOptions,
  driverSource: string,
  isActive: () => boolean,
): void {
  const given = options.subscriptions ?? defaultSubscriptions(options, driverSource);
  const own = given['graphql-ws'];
  if (own === undefined || own === false || own === null) return;
  const socketOptions = own === true ? {} : (own as GraphqlWsOptions);
  options.subscriptions = {
    ...given,
    'graphql-ws': { ...socketOptions, ...recordOperations(socketOptions, options.context, isActive) },
  };
}

/**
 * What the driver uses for `installSubscriptionHandlers: true` alone: `subscriptions-transport-ws`
 * in `@nestjs/apollo` 13, `graphql-ws` in 14. A client speaks one of the two protocols, and only
 * the source of the driver shows which one is its default; otherwise the option stays unset.
 */
function defaultSubscriptions(
  { installSubscriptionHandlers }: DriverOptions,
  driverSource: string,
): Readonly<Record<string, unknown>> {
  if (installSubscriptionHandlers !== true) return {};
  const isDefault =
    /(["'`])graphql-ws\1/.test(driverSource) && !driverSource.includes('subscriptions-transport-ws');
  return isDefault ? { 'graphql-ws': {} } : {};
}

function recordOperations(
  { context, onOperation }: GraphqlWsOptions,
  fallback: unknown,
  isActive: () => boolean,
): GraphqlWsOptions {
  const makeContext = context ?? fallback;
  return {
    context: async (...call: unknown[]): Promise<unknown> => {
      const value: unknown =
        typeof makeContext === 'function' ? await (makeContext as Callback)(...call) : makeContext;
      if (isActive()) startOperation(value, call[0] as SocketLike, call[3] as ExecutionArgs);
      return value;
    },
    onOperation: (...call: unknown[]): unknown => {
      const [, , , args, result] = call as [unknown, unknown, unknown, ExecutionArgs, unknown];
      Operation.of(args.contextValue)?.end(errorsOf(result));
      return typeof onOperation === 'function' ? (onOperation as Callback)(...call) : undefined;
    },
  };
}

function startOperation(
  contextValue: unknown,
  socket: SocketLike,
  { document, operationName }: ExecutionArgs,
): void {
  const node = findOperation(document, operationName);
  const links = linksOf(socket.extra?.request?.headers, socket.connectionParams);
  Operation.start(contextValue, { root: true, links, node });
}

function errorsOf(result: unknown): readonly unknown[] {
  const errors: unknown =
    typeof result === 'object' && result !== null && 'errors' in result ? result.errors : undefined;
  return Array.isArray(errors) ? errors : [];
}
