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
  /** `Query.orders`, `Order.items`. */
  readonly field: string;
  /** Whether `@Trace()` gives it a span already. */
  readonly traced: boolean;
}

interface MetadataReflection {
  readonly getMetadata?: (key: string, target: object) => unknown;
}

const ROOT_TYPES = new Set<unknown>(['Query', 'Mutation', 'Subscription']);

/** Finds the methods that `@Query()`, `@Mutation()`, `@Subscription()` and `@ResolveField()` decorate, by field. */
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
      const field = fieldOf(type, method, methodName);
      if (field === undefined) continue;
      found.set(field, { className: type.name, methodName, field, traced: isMarked(method, TRACED_METHOD) });
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

function read(key: string, target: object): unknown {
  return (Reflect as MetadataReflection).getMetadata?.(key, target);
}
