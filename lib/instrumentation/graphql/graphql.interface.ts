/**
 * Shapes of `graphql`, `@nestjs/graphql`, `@apollo/server` and `mercurius` as far as they are used;
 * none is imported.
 */

export interface ResolveInfoLike {
  readonly path: PathLike;
  readonly fieldNodes: readonly object[];
  readonly operation: OperationNodeLike;
}

export interface PathLike {
  readonly prev: PathLike | undefined;
  readonly key: string | number;
}

export interface OperationNodeLike {
  readonly kind: string;
  readonly operation: string;
  readonly name?: { readonly value: string } | undefined;
  readonly loc?: { readonly source?: { readonly body?: string } } | undefined;
}

export interface DocumentLike {
  readonly definitions: readonly (OperationNodeLike | { readonly kind: string })[];
  readonly loc?: OperationNodeLike['loc'];
}

export interface SchemaLike {
  getTypeMap(): Readonly<Record<string, TypeLike>>;
  getSubscriptionType?(): TypeLike | null | undefined;
}

export interface TypeLike {
  readonly name: string;
  readonly extensions?: { readonly apollo?: { readonly subgraph?: object } } | null;
  getFields?(): Readonly<Record<string, FieldLike>>;
  getInterfaces?(): readonly TypeLike[];
}

export interface FieldLike {
  readonly name: string;
}

/** What a GraphQL driver of Nest is started with, once defaults and schema are in. */
export interface DriverOptions {
  readonly path?: string;
  readonly schema?: SchemaLike | null;
  readonly context?: unknown;
  plugins?: unknown[];
  /** Of a federation gateway. */
  server?: { plugins?: unknown[]; readonly path?: string };
  readonly installSubscriptionHandlers?: boolean;
  subscriptions?: Readonly<Record<string, unknown>> | undefined;
}

export interface DriverLike {
  readonly httpAdapterHost?: { readonly httpAdapter?: HttpAdapterLike | null };
  start: (this: DriverLike, options: DriverOptions) => Promise<unknown>;
}

export interface HttpAdapterLike {
  getType(): string;
  getInstance(): unknown;
  use(path: string, middleware: (request: object, response: unknown, next: () => void) => void): unknown;
}
