import { type NestProviderClass } from '../../../config/instrumentation.js';
import { type Application, type ApplicationPart } from '../../../runtime/application.js';
import { type ModuleLike, type ModulesLike, type WrapperLike } from '../nest-container.interface.js';
import { compileSelection, type ProviderCandidate } from './compile-selection.js';
import { isNative } from './provider-methods.js';
import { wrapProvider } from './wrap-providers.js';

/** Gives the methods of the selected providers spans, without a decorator. */
export function attachProviders({ config, runtime, modules }: Application): ApplicationPart | undefined {
  const selection = config.instrumentation.nest?.providers;
  if (runtime === undefined || selection === undefined) return undefined;
  const select = compileSelection(selection);
  const seen = new Set<object>();
  const undo: (() => void)[] = [];
  const look = (): void => {
    for (const candidate of candidatesIn(modules)) {
      if (seen.has(candidate.type)) continue;
      seen.add(candidate.type);
      undo.push(wrapProvider(candidate, select));
    }
  };
  look();
  return {
    // Again: factories have run by then.
    ready: look,
    stop: () => {
      for (const restore of undo.splice(0).reverse()) restore();
    },
  };
}

function* candidatesIn(modules: ModulesLike): Generator<ProviderCandidate> {
  for (const module of modules.values()) {
    for (const wrapper of module.providers.values()) {
      const type = typeOf(wrapper);
      // A module is a provider of itself; an enhancer is a stage of the pipeline.
      if (type === undefined || type === module.metatype || wrapper.subtype !== undefined) continue;
      if (isPipe(module, type)) continue;
      yield { type, moduleName: module.name, made: wrapper.isNotMetatype };
    }
  }
}

function isPipe({ injectables }: ModuleLike, type: object): boolean {
  return injectables.get(type)?.subtype === 'pipe';
}

function typeOf(wrapper: WrapperLike): NestProviderClass | undefined {
  if (wrapper.isAlias) return undefined;
  const type = wrapper.isNotMetatype ? typeOfInstance(wrapper) : wrapper.metatype;
  if (typeof type !== 'function' || isNative(type)) return undefined;
  const { prototype } = type as { prototype?: unknown };
  return typeof prototype === 'object' && prototype !== null ? (type as NestProviderClass) : undefined;
}

/** The class of what a factory made or a value is; undefined while the factory has not run. */
function typeOfInstance(wrapper: WrapperLike): unknown {
  try {
    const { instance } = wrapper;
    if (typeof instance !== 'object' || instance === null) return undefined;
    const prototype: unknown = Object.getPrototypeOf(instance);
    if (typeof prototype !== 'object' || prototype === null) return undefined;
    return Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  } catch {
    // A proxy of the application's that refuses to say has no class to look at.
    return undefined;
  }
}
