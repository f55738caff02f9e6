import { ModuleRef } from '@nestjs/core';

/** What is used of NestJS's `ModulesContainer`. */
export interface ContainerModules {
  values(): Iterable<{
    readonly controllers: ReadonlyMap<unknown, ContainerEntry>;
    readonly providers: ReadonlyMap<unknown, ContainerEntry>;
  }>;
}

interface ContainerEntry {
  /** The class, or the factory of a provider that is made by one. */
  readonly metatype: unknown;
  /** undefined while a factory has not run. */
  readonly instance?: unknown;
}

/** Anything `new` can be called on. */
export type ContainerClass = abstract new (...args: never[]) => object;

/** Every instance the container holds by now. */
export function* instancesIn(modules: ContainerModules): Generator<object> {
  for (const { controllers, providers } of modules.values()) {
    for (const { metatype, instance } of [...controllers.values(), ...providers.values()]) {
      // Each module has its own class for it, which holds nothing of the application.
      if (metatype === ModuleRef) continue;
      if (typeof instance === 'object' && instance !== null) yield instance;
    }
  }
}

/**
 * Every class the container makes an instance of, each once; those of factories only after the
 * factory has run.
 */
export function classesIn(modules: ContainerModules): Set<ContainerClass> {
  const classes = new Set<ContainerClass>();
  for (const { controllers, providers } of modules.values()) {
    for (const { metatype } of [...controllers.values(), ...providers.values()]) {
      if (isClass(metatype)) classes.add(metatype);
    }
  }
  for (const instance of instancesIn(modules)) {
    const made = classOf(instance);
    if (made !== undefined) classes.add(made);
  }
  return classes;
}

/** The prototypes from a class's own up to, but without, `Object.prototype`. */
export function* prototypesOf(start: ContainerClass): Generator<object> {
  let prototype = start.prototype as object | null | undefined;
  while (prototype !== null && prototype !== undefined && prototype !== Object.prototype) {
    yield prototype;
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
}

/**
 * The prototype by which a library's class is recognised: the uppermost one of `start` with methods
 * of all these names. A subclass that overrides them calls this one in the end.
 */
export function findPrototype(start: ContainerClass, methods: readonly string[]): object | undefined {
  // Nearly all classes are others: each is asked for by every library when an application starts.
  const lowest: unknown = start.prototype; // of an instance's own `constructor`, which may be anything
  if (typeof lowest === 'object' && lowest !== null && !methods.every((method) => method in lowest))
    return undefined;
  return [...prototypesOf(start)].findLast((prototype) =>
    methods.every(
      (method) => typeof Object.getOwnPropertyDescriptor(prototype, method)?.value === 'function',
    ),
  );
}

function classOf(instance: object): ContainerClass | undefined {
  try {
    const { constructor } = instance;
    return isClass(constructor) && constructor !== Object ? constructor : undefined;
  } catch {
    // A proxy or getter of the application's that refuses members it does not know has no class to
    // look at.
    return undefined;
  }
}

/** Whether instances can be made of it, whatever it is otherwise. */
export function isClass(value: unknown): value is ContainerClass {
  return typeof value === 'function' && typeof value.prototype === 'object' && value.prototype !== null;
}
