import { processWide } from '../../process/process-wide.js';

/** What is used of NestJS's `ModulesContainer`. */
export interface ModulesLike {
  values(): Iterable<ModuleLike>;
}

/** What is used of a module of NestJS's container. */
export interface ModuleLike {
  /** Name of the module's class. */
  readonly name: string;
  readonly metatype: unknown;
  readonly controllers: ReadonlyMap<unknown, WrapperLike>;
  readonly providers: ReadonlyMap<unknown, WrapperLike>;
  /** Enhancers that are bound to controllers and methods of the module. */
  readonly injectables: ReadonlyMap<unknown, WrapperLike>;
}

/** What is used of NestJS's `InstanceWrapper`. */
export interface WrapperLike {
  /** The class; the function of a factory; null for a value. */
  readonly metatype: unknown;
  readonly instance: unknown;
  /** True for factories and values. */
  readonly isNotMetatype: boolean;
  readonly isAlias: boolean;
  /** `guard`, `interceptor`, `pipe` or `filter` for enhancers. */
  readonly subtype?: string | undefined;
}

/** Containers of the applications that run in this process. */
const containers = processWide('nest-containers', () => new Set<ModulesLike>());

/** A place where a class is provided. */
interface Host {
  readonly moduleName: string;
  /** Weak: a closed application must not be held by a class that lives on. */
  readonly module: WeakRef<ModuleLike>;
  readonly wrapper: WeakRef<WrapperLike>;
}

/** Cleared when an application starts or stops: the next may provide a class elsewhere. */
let hostsOfClass = new WeakMap<object, readonly Host[]>();

/** Makes the names of an application's modules known; returns the undo. */
export function registerModules(modules: ModulesLike): () => void {
  containers.add(modules);
  hostsOfClass = new WeakMap();
  return () => {
    containers.delete(modules);
    hostsOfClass = new WeakMap();
  };
}

/** The modules of every application that runs in this process. */
export function registeredModules(): Iterable<ModulesLike> {
  return containers;
}

/** Name of the module that provides a class; undefined when none does. */
export function moduleNameOfClass(type: object): string | undefined {
  return hostsOf(type)[0]?.moduleName;
}

/**
 * Name of the module that provides an instance: of several with its class (each that uses a guard
 * provides it) the one that holds this very instance, else the one of `user`.
 *
 * @param user the class the instance works for
 */
export function moduleNameOfInstance(instance: object, type: object, user?: object): string | undefined {
  const hosts = hostsOf(type);
  if (hosts.length < 2) return hosts[0]?.moduleName;
  const holder =
    hosts.find(({ wrapper }) => wrapper.deref()?.instance === instance) ??
    hosts.find(({ module }) => user !== undefined && provides(module.deref(), user));
  return (holder ?? hosts[0])?.moduleName;
}

function provides(module: ModuleLike | undefined, type: object): boolean {
  return module !== undefined && (module.controllers.has(type) || module.providers.has(type));
}

function hostsOf(type: object): readonly Host[] {
  let hosts = hostsOfClass.get(type);
  if (hosts === undefined) {
    hosts = [...findHosts(type)];
    // A module that is loaded lazily may bring the class later.
    if (hosts.length > 0) hostsOfClass.set(type, hosts);
  }
  return hosts;
}

function* findHosts(type: object): Generator<Host> {
  for (const container of containers) {
    for (const module of container.values()) {
      for (const collection of [module.controllers, module.providers, module.injectables]) {
        for (const wrapper of collection.values()) {
          if (wrapper.metatype !== type) continue;
          yield { moduleName: module.name, module: new WeakRef(module), wrapper: new WeakRef(wrapper) };
        }
      }
    }
  }
}
