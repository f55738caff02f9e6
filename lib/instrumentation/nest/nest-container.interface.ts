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
