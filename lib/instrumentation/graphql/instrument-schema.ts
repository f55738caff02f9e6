import { context } from '@opentelemetry/api';

import { patch } from '../../invocation/patch.js';
import { type AnyMethod, isMarked } from '../../invocation/wrap-method.js';
import { type Undo, undoAll } from '../../process/undo-all.js';
import { currentRuntime } from '../../runtime/sdk-runtime.js';
import { TRACED_METHOD } from '../../tracing/trace.decorator.js';
import { type ContainerClass, isClass, prototypesOf } from '../container/container-classes.js';
import { type FieldLike, type ResolveInfoLike, type SchemaLike, type TypeLike } from './graphql.interface.js';
import { Operation } from './operation.js';
import { beginSubscription, followEvents } from './subscriptions.js';

const WRAPPED = Symbol.for('nestjs-telemetry.graphql-resolver');

/**
 * Gives each field that a method of a resolver class resolves its span, guards, pipes and
 * interceptors included, below the operation. All of Nest's ways to a method meet in the fields of
 * the schema, request-scoped ones too. Other fields stay as they are. Returns the undo.
 */
export function instrumentSchema(schema: SchemaLike, resolvers: ReadonlyMap<string, ResolverMethod>): Undo {
  const undo: Undo[] = [];
  const subscriptions = schema.getSubscriptionType?.()?.name;
  for (const type of Object.values(schema.getTypeMap())) {
    // Input types have fields without interfaces, and nothing resolves them.
    if (type.getFields === undefined || type.getInterfaces === undefined) continue;
    const reference = resolvers.get(`${type.name}.${REFERENCE}`);
    if (reference !== undefined)
      for (const holder of [type, type.extensions?.apollo?.subgraph ?? {}])
        undo.push(replace(holder, REFERENCE_MEMBER, (original) => resolveThrough(reference, original)));
    for (const field of Object.values(type.getFields())) {
      const resolver = resolverOf(type, field, resolvers);
      if (resolver === undefined) continue;
      undo.push(
        type.name === subscriptions
          ? replace(field, 'subscribe', (original) => subscribeThrough(resolver, original))
          : replace(field, 'resolve', (original) => resolveThrough(resolver, original)),
      );
    }
  }
  return undoAll(undo);
}

function resolverOf(
  type: TypeLike,
  field: FieldLike,
  resolvers: ReadonlyMap<string, ResolverMethod>,
): ResolverMethod | undefined {
  // A field resolver of an interface resolves the field of each type that has it.
  const owners = [type, ...(type.getInterfaces?.() ?? [])];
  const owner = owners.find(({ name }) => resolvers.has(`${name}.${field.name}`));
  return owner === undefined ? undefined : resolvers.get(`${owner.name}.${field.name}`);
}

/** Once for each function, however many applications are made of one schema. */
function replace(holder: object, member: string, wrap: (original: AnyMethod) => AnyMethod): Undo {
  return patch(holder, member, (original) =>
    WRAPPED in original ? original : Object.assign(wrap(original), { [WRAPPED]: true }),
  );
}

/** Context and info come last, for fields and for references. */
function resolveThrough(resolver: ResolverMethod, original: AnyMethod): AnyMethod {
  return function (...args) {
    const operation = Operation.of(args.at(-2));
    if (operation === undefined || operation.leavesResolversAlone) return original.apply(this, args);
    return operation.resolve(resolver, args.at(-1) as ResolveInfoLike, () => original.apply(this, args));
  };
}

function subscribeThrough(resolver: ResolverMethod, original: AnyMethod): AnyMethod {
  return function (...args) {
    if (currentRuntime() === undefined) return original.apply(this, args);
    const contextValue = args.at(-2);
    const info = args.at(-1) as ResolveInfoLike;
    const { operation, leave } = beginSubscription(contextValue, info);
    if (operation === undefined) return original.apply(this, args);
    const setUp = async (): Promise<unknown> => {
      try {
        const stream: unknown = await operation.resolve(resolver, info, () => original.apply(this, args));
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

/** Where Mercurius (on a type) and Apollo's subgraphs (in its extensions) keep a resolver. */
const REFERENCE_MEMBER = 'resolveReference';

/** Its name in `findResolvers()`, as in the map of resolvers that Nest makes. */
const REFERENCE = '__resolveReference';

/**
 * Finds the methods that `@Query()`, `@Mutation()`, `@Subscription()`, `@ResolveField()` and
 * `@ResolveReference()` decorate, by field.
 */
export function findResolvers(modules: ModulesLike): ReadonlyMap<string, ResolverMethod> {
  const found = new Map<string, ResolverMethod>();
  for (const { providers } of modules.values()) {
    for (const { metatype } of providers.values()) {
      if (isClass(metatype)) collect(metatype, found);
    }
  }
  return found;
}

function collect(type: ContainerClass, found: Map<string, ResolverMethod>): void {
  const seen = new Set<string>();
  for (const prototype of prototypesOf(type)) {
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
  }
}

function fieldOf(type: ContainerClass, method: object, methodName: string): string | undefined {
  const own = read('graphql:resolver_type', method);
  const isField = read('graphql:resolve_property', method) !== undefined;
  if (!ROOT_TYPES.has(own) && !isField) return undefined;
  const parent = own ?? read('graphql:resolver_type', type);
  const name = read('graphql:resolver_name', method) ?? methodName;
  return typeof parent === 'string' && typeof name === 'string' ? `${parent}.${name}` : undefined;
}

function referenceOf(type: ContainerClass): string | undefined {
  const parent = read('graphql:resolver_type', type);
  return typeof parent === 'string' ? `${parent}.${REFERENCE}` : undefined;
}

function read(key: string, target: object): unknown {
  return (Reflect as MetadataReflection).getMetadata?.(key, target);
}
