import { type Type } from '@nestjs/common';

import { isMarked } from '../../invocation/wrap-method.js';
import { TRACED_METHOD } from '../../tracing/trace.decorator.js';

/** What is used of NestJS's `ModulesContainer`. */
export interface ModulesLike {
  values(): Iterable<{ readonly providers: ReadonlyMap<unknown, { readonly metatype: unknown }> }>;
}

/** A method of a resolver class that resolves a field of the schema. */
export interface ResolverMethod {
  readonly className: string;
  readonly methodName: string;
  /** `Query.orders`, `Order.items`; `Order.__resolveReference` for the one that finds orders for other subgraphs. */
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
export function referenceTo(typeName: string): string {
  return `${typeName}.${REFERENCE}`;
}

/**
 * Finds the methods that `@Query()`, `@Mutation()`, `@Subscription()`, `@ResolveField()` and `@ResolveReference()` decorate,
 * by field.
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
