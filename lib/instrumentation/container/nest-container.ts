import { ModuleRef } from '@nestjs/core';

import { type ContainerClass, isClass } from './container-classes.js';

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

/** Every instance the container holds by now. */
export function* instancesIn(modules: ContainerModules): Generator<object> {
  for (const { controllers, providers } of modules.values()) {
    for (const { metatype, instance } of [...controllers.values(), ...providers.values()]) {
      // Each module has a class of its own for it, which holds nothing of the application.
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
