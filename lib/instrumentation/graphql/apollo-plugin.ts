import { type OperationNodeLike } from './graphql.interface.js';
import { Operation } from './operation.js';

/** What is used of Apollo Server's `GraphQLRequestContext`. */
interface RequestContextLike {
  readonly contextValue: unknown;
  readonly source?: string;
  readonly operation?: OperationNodeLike | undefined;
  readonly errors?: readonly unknown[] | undefined;
  readonly requestIsBatched?: boolean;
}

/** What is implemented of an `ApolloServerPlugin`. */
export interface ApolloPlugin {
  requestDidStart(request: RequestContextLike): Promise<RequestListener | undefined>;
  unexpectedErrorProcessingRequest(event: {
    readonly requestContext: RequestContextLike;
    readonly error: unknown;
  }): Promise<void>;
}

/** Without `willResolveField`: a plugin that has it makes Apollo Server call all plugins for each field. */
interface RequestListener {
  parsingDidStart(): Promise<() => Promise<void>>;
  validationDidStart(): Promise<() => Promise<void>>;
  didResolveOperation(request: RequestContextLike): Promise<void>;
  executionDidStart(): Promise<{ executionDidEnd(): Promise<void> }>;
  willSendResponse(request: RequestContextLike): Promise<void>;
}

/** Makes the plugin that records the operations of an Apollo Server while `isActive`. */
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
