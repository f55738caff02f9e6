import { type AnyMethod, originalOf } from '../../invocation/wrap-method.js';
import { tracedMethods } from '../../tracing/trace.decorator.js';
import { type ModulesLike } from '../nest/nest-modules.js';
import { classesIn, type ContainerClass, prototypesOf } from './container-classes.js';

/** A method as it was written, by the name that its spans tell. */
export interface WrittenMethod {
  /** `OrderService.process`. */
  readonly name: string;
  readonly method: AnyMethod;
  /** The class it belongs to; undefined where that is not known. */
  readonly writtenIn: AnyMethod | undefined;
}

/** Methods by their names; undefined for a name that several of them have. */
type MethodsByName = Map<string, WrittenMethod | undefined>;

/**
 * Every method of these applications that can have spans, and every one that `@Trace()` decorates.
 * Methods of two classes with the same name cannot be distinguished: neither is listed.
 */
export function findMethods(applications: Iterable<ModulesLike>): WrittenMethod[] {
  const found: MethodsByName = new Map();
  for (const application of applications)
    for (const owner of ownersIn(application)) addMethodsOf(owner, found);
  const traced: MethodsByName = new Map();
  for (const { name, method } of tracedMethods())
    add({ name, method: originalOf(method), writtenIn: found.get(name)?.writtenIn }, traced);
  // What is traced is known for sure, while a class may have got another decorator's function in
  // its place.
  return [...new Map([...found, ...traced]).values()].filter((method) => method !== undefined);
}

function ownersIn(application: ModulesLike): Set<ContainerClass> {
  const modules = [...application.values()].map(({ controllers, providers, injectables }) => ({
    controllers,
    providers: new Map([...injectables, ...providers]),
  }));
  return classesIn(modules);
}

function addMethodsOf(owner: ContainerClass, found: MethodsByName): void {
  const seen = new Set<string>();
  for (const prototype of prototypesOf(owner)) {
    const declarer: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
    const writtenIn = typeof declarer === 'function' ? (declarer as AnyMethod) : undefined;
    for (const key of Object.getOwnPropertyNames(prototype)) {
      const value: unknown = Object.getOwnPropertyDescriptor(prototype, key)?.value;
      if (typeof value !== 'function' || key === 'constructor') continue;
      const method = originalOf(value as AnyMethod);
      // Some spans are named after the class that was asked, others after the one that declares the
      // method.
      const names = new Set([writtenIn?.name, seen.has(key) ? undefined : owner.name]);
      for (const name of names) if (name) add({ name: `${name}.${key}`, method, writtenIn }, found);
      seen.add(key);
    }
  }
}

function add(method: WrittenMethod, found: MethodsByName): void {
  const isOther = found.has(method.name) && found.get(method.name)?.method !== method.method;
  found.set(method.name, isOther ? undefined : method);
}
