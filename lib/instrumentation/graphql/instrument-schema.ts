import { type Type } from '@nestjs/common';
import { context } from '@opentelemetry/api';

import { isMarked } from '../../invocation/wrap-method.js';
import { undoAll } from '../../process/undo-all.js';
import { currentRuntime } from '../../runtime/sdk-runtime.js';
import { TRACED_METHOD } from '../../tracing/trace.decorator.js';
import {
  type FieldLike,
  type FieldResolver,
  type ReferenceResolver,
  type ResolveInfoLike,
  type SchemaLike,
  type TypeLike,
} from './graphql.interface.js';
import { Operation } from './operation.js';
import { beginSubscription, followEvents } from './subscriptions.js';

const WRAPPED = Symbol.for('nestjs-telemetry.graphql-resolver');

/**
 * Gives each field that a method of a resolver class resolves its span, guards, pipes and
 * interceptors included, below the operation that asks for it. The fields of the schema are where
 * all of Nest's ways to a method meet, request-scoped ones too. Fields without such a method are
 * left alone. Returns the undo.
 */
export function instrumentSchema(
  schema: SchemaLike,
  resolvers: ReadonlyMap<string, ResolverMethod>,
): () => void {
  const undo: (() => void)[] = [];
  const subscriptions = schema.getSubscriptionType?.()?.name;
  for (const type of Object.values(schema.getTypeMap())) {
    // Input types have fields without interfaces, and nothing resolves them.
    if (type.getFields === undefined || type.getInterfaces === undefined) continue;
    undo.push(...instrumentReferences(type, resolvers));
    for (const field of Object.values(type.getFields())) {
      const resolver = resolverOf(type, field, resolvers);
      if (resolver === undefined) continue;
      const isSubscription = type.name === subscriptions;
      undo.push(
        isSubscription
          ? replace(field, 'subscribe', (original) => subscribeThrough(resolver, original))
          : replace(field, 'resolve', (original) => resolveThrough(resolver, original)),
      );
    }
  }
  return undoAll(undo);
}

function instrumentReferences(
  type: TypeLike,
  resolvers: ReadonlyMap<string, ResolverMethod>,
): (() => void)[] {
  const resolver = resolvers.get(referenceTo(type.name));
  if (resolver === undefined) return [];
  return [type, type.extensions?.apollo?.subgraph ?? {}].map((holder) =>
    replace(holder, 'resolveReference', (original) => resolveReferenceThrough(resolver, original)),
  );
}

function resolverOf(
  type: TypeLike,
  field: FieldLike,
  resolvers: ReadonlyMap<string, ResolverMethod>,
): ResolverMethod | undefined {
  const own = resolvers.get(`${type.name}.${field.name}`);
  if (own !== undefined) return own;
  // A field resolver that was written for an interface resolves the field of each type that has it.
  const parent = type.getInterfaces?.().find(({ name }) => resolvers.has(`${name}.${field.name}`));
  return parent === undefined ? undefined : resolvers.get(`${parent.name}.${field.name}`);
}

function replace<K extends string, F extends FieldResolver | ReferenceResolver>(
  holder: Partial<Record<K, F | undefined>>,
  member: K,
  wrap: (original: F) => F,
): () => void {
  const original = holder[member];
  if (original === undefined || WRAPPED in original) return () => undefined;
  const wrapped = Object.assign(wrap(original), { [WRAPPED]: true });
  holder[member] = wrapped;
  return () => {
    if (holder[member] === wrapped) holder[member] = original;
  };
}

function resolveThrough(resolver: ResolverMethod, original: FieldResolver): FieldResolver {
  return function (source, args, contextValue, info) {
    const operation = Operation.of(contextValue);
    if (operation === undefined || operation.leavesResolversAlone)
      return original.call(this, source, args, contextValue, info);
    return operation.resolve(resolver, info, () => original.call(this, source, args, contextValue, info));
  };
}

function resolveReferenceThrough(resolver: ResolverMethod, original: ReferenceResolver): ReferenceResolver {
  return function (...args) {
    // A tuple whose middle is open has no type for its end.
    const [contextValue, info] = args.slice(-2) as [unknown, ResolveInfoLike];
    const operation = Operation.of(contextValue);
    if (operation === undefined || operation.leavesResolversAlone) return original.apply(this, args);
    return operation.resolve(resolver, info, () => original.apply(this, args));
  };
}

function subscribeThrough(resolver: ResolverMethod, original: FieldResolver): FieldResolver {
  return function (source, args, contextValue, info) {
    if (currentRuntime() === undefined) return original.call(this, source, args, contextValue, info);
    const { operation, leave } = beginSubscription(contextValue, info);
    if (operation === undefined) return original.call(this, source, args, contextValue, info);
    const setUp = async (): Promise<unknown> => {
      try {
        const stream: unknown = await operation.resolve(resolver, info, () =>
          original.call(this, source, args, contextValue, info),
        );
        leave();
        return followEvents(stream, contextValue, operation, info);
      } catch (error) {
        leave(error);
        throw error;
      }
    };
    return context.with(operation.context, setUp);
  };
}

/** What is used of NestJS's `ModulesContainer`. */
export interface ModulesLike {
  values(): Iterable<{ readonly providers: ReadonlyMap<unknown, { readonly metatype: unknown }> }>;
}

/** A method of a resolver class that resolves a field of the schema. */
export interface ResolverMethod {
  readonly className: string;
  readonly methodName: string;
  /**
   * `Query.orders`, `Order.items`; `Order.__resolveReference` for the one that finds orders for
   * other subgraphs.
   */
  readonly field: string;
  /** Whether it is called for each of a list of references. */
  readonly ofReferences: boolean;
  /** Whether `@Trace()` gives it a span already. */
  readonly traced: boolean;
}

interface MetadataReflection {
  readonly getMetadata?: (key: string, target: object) => unknown;
}

const ROOT_TYPES = new Set<unknown>(['Query', 'Mutation', 'Subscription']);

/** Named like the field that Nest makes of the method in its map of resolvers. */
const REFERENCE = '__resolveReference';

/** The name in `findResolvers()` of what resolves references to a type. */
function referenceTo(typeName: string): string {
  return `${typeName}.${REFERENCE}`;
}

/**
 * Finds the methods that `@Query()`, `@Mutation()`, `@Subscription()`, `@ResolveField()` and
 * `@ResolveReference()` decorate, by field.
 */
export function findResolvers(modules: ModulesLike): ReadonlyMap<string, ResolverMethod> {
  const found = new Map<string, ResolverMethod>();
  for (const { providers } of modules.values()) {
    for (const { metatype } of providers.values()) {
      if (typeof metatype === 'function') collect(metatype as Type, found);
    }
  }
  return found;
}

function collect(type: Type, found: Map<string, ResolverMethod>): void {
  const seen = new Set<string>();
  let prototype = type.prototype as object | null | undefined;
  while (prototype !== null && prototype !== undefined && prototype !== Object.prototype) {
    for (const methodName of Object.getOwnPropertyNames(prototype)) {
      if (seen.has(methodName)) continue;
      seen.add(methodName);
      const method: unknown = Object.getOwnPropertyDescriptor(prototype, methodName)?.value;
      if (typeof method !== 'function' || methodName === 'constructor') continue;
      const ofReferences = read('graphql:resolve_reference', method) !== undefined;
      const field = ofReferences ? referenceOf(type) : fieldOf(type, method, methodName);
      if (field === undefined) continue;
      const traced = isMarked(method, TRACED_METHOD);
      found.set(field, { className: type.name, methodName, field, ofReferences, traced });
    }
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
}

function fieldOf(type: Type, method: object, methodName: string): string | undefined {
  const own = read('graphql:resolver_type', method);
  const isField = read('graphql:resolve_property', method) !== undefined;
  if (!ROOT_TYPES.has(own) && !isField) return undefined;
  const parent = own ?? read('graphql:resolver_type', type);
  const name = read('graphql:resolver_name', method) ?? methodName;
  return typeof parent === 'string' && typeof name === 'string' ? `${parent}.${name}` : undefined;
}

function referenceOf(type: Type): string | undefined {
  const parent = read('graphql:resolver_type', type);
  return typeof parent === 'string' ? referenceTo(parent) : undefined;
}

function read(key: string, target: object): unknown {
  return (Reflect as MetadataReflection).getMetadata?.(key, target);
}
