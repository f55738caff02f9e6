import { ConsoleLogger, Logger } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, LazyModuleLoader, ModuleRef, Reflector } from '@nestjs/core';

import {
  type NestProviderClass,
  type NestProviderInfo,
  type NestProviderSelection,
} from '../../../config/instrumentation.js';
import { warnOnce } from '../../../errors/warnings.js';
import { type Undo, undoAll } from '../../../process/undo-all.js';
import { type Application, type ApplicationPart } from '../../../runtime/application.js';
import { type ContainerClass, isClass } from '../../container/container-classes.js';
import { type ModulesLike, registeredModules, type WrapperLike } from '../nest-modules.js';
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
    stop: undoAll(undo),
  };
}

/**
 * Gives the methods of a provider's class spans, in every application of this process, until the
 * undo; undefined where no application provides a class of that name.
 */
export function recordProvider(className: string): Undo | undefined {
  const undo: Undo[] = [];
  for (const modules of registeredModules())
    for (const candidate of candidatesIn(modules))
      if (candidate.type.name === className) undo.push(wrapProvider(candidate, () => everyMethod));
  return undo.length === 0 ? undefined : undoAll(undo);
}

/** The classes of providers of the application that `recordProvider()` takes, by name. */
export function providerNames(): readonly string[] {
  const names = new Set<string>();
  for (const modules of registeredModules())
    for (const candidate of candidatesIn(modules))
      if (selectAll(candidate) !== undefined) names.add(candidate.type.name);
  return [...names].sort();
}

function* candidatesIn(modules: ModulesLike): Generator<ProviderCandidate> {
  for (const module of modules.values()) {
    for (const wrapper of module.providers.values()) {
      const type = typeOf(wrapper);
      if (CORE_CLASSES.has(type) || OUT_OF_BOUNDS.has(module.name)) continue;
      // A module is a provider of itself; an enhancer is a stage of the pipeline.
      if (type === undefined || type === module.metatype || wrapper.subtype !== undefined) continue;
      if (module.injectables.get(type)?.subtype === 'pipe') continue;
      yield { type, moduleName: module.name, made: wrapper.isNotMetatype };
    }
  }
}

function typeOf(wrapper: WrapperLike): ContainerClass | undefined {
  if (wrapper.isAlias) return undefined;
  const type = wrapper.isNotMetatype ? typeOfInstance(wrapper) : wrapper.metatype;
  return isClass(type) && !isNative(type) ? type : undefined;
}

/** The class of a value, or of what a factory has made by now. */
function typeOfInstance(wrapper: WrapperLike): unknown {
  try {
    const { instance } = wrapper;
    if (typeof instance !== 'object' || instance === null) return undefined;
    const prototype: unknown = Object.getPrototypeOf(instance);
    if (typeof prototype !== 'object' || prototype === null) return undefined;
    return Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  } catch {
    // A proxy of the application's that refuses to be read.
    return undefined;
  }
}

/** A class that the container has instances of. */
export interface ProviderCandidate {
  readonly type: ContainerClass;
  readonly moduleName: string;
  /** Made by a factory or given as a value: only the instance shows its class. */
  readonly made: boolean;
}

type MethodFilter = (methodName: string) => boolean;

/** The methods of a candidate that are recorded; undefined when it is not selected. */
export type SelectProvider = (candidate: ProviderCandidate) => MethodFilter | undefined;

const everyMethod: MethodFilter = () => true;

function compileSelection(selection: NestProviderSelection): SelectProvider {
  if (selection === 'all') return selectAll;
  return typeof selection === 'function' ? selectByPredicate(selection) : selectListed(selection);
}

const selectAll: SelectProvider = ({ type, moduleName, made }) => {
  if (isOfLibrary(type.name, moduleName)) return undefined;
  // A connection or a client that a factory opened is a library's, unless it is `@Injectable()`.
  return made && !Reflect.hasMetadata('__injectable__', type) ? undefined : everyMethod;
};

function selectByPredicate(predicate: (provider: NestProviderInfo) => boolean): SelectProvider {
  const ask = (provider: NestProviderInfo): boolean => {
    try {
      return predicate(provider);
    } catch (error) {
      warnOnce(
        'nest:providers',
        `The function of instrumentation.nest.providers failed for ${provider.className}, which is left out: ${String(error)}`,
      );
      return false;
    }
  };
  return ({ type: { name: className }, moduleName }) =>
    ask({ className, moduleName }) ? (methodName) => ask({ className, moduleName, methodName }) : undefined;
}

function selectListed(list: readonly (NestProviderClass | string)[]): SelectProvider {
  const classes = list.filter((entry) => typeof entry !== 'string');
  const names = new Set(list.filter((entry) => typeof entry === 'string'));
  return ({ type }) => {
    const listed = classes.some((each) => each === type || type.prototype instanceof each);
    if (listed || names.has(type.name)) return everyMethod;
    const single = [...names].some((name) => name.startsWith(`${type.name}.`));
    return single ? (methodName) => names.has(`${type.name}.${methodName}`) : undefined;
  };
}

/** Classes of NestJS itself that any module may provide: never recorded. */
const CORE_CLASSES = new Set<unknown>([
  ApplicationConfig,
  ConsoleLogger,
  HttpAdapterHost,
  LazyModuleLoader,
  Logger,
  ModuleRef,
  Reflector,
]);

/** Modules of NestJS's core, of nestjs-pino and our own: telemetry must not record itself. */
const OUT_OF_BOUNDS = new Set([
  'InternalCoreModule',
  'LoggerModule',
  'TelemetryCoreModule',
  'TelemetryModule',
]);

/** Modules of libraries that are recognised by their names alone. */
const LIBRARY_MODULES = new Set([
  'BullModule',
  'ClientsModule',
  'ClsModule',
  'ClsRootModule',
  'ConfigHostModule',
  'CqrsModule',
  'DiscoveryModule',
  'EventEmitterModule',
  'GraphQLModule',
  'GraphQLSchemaBuilderModule',
  'MikroOrmCoreModule',
  'MikroOrmModule',
  'MongooseCoreModule',
  'MongooseModule',
  'MulterModule',
  'PassportModule',
  'RouterModule',
  'ScheduleModule',
  'SequelizeCoreModule',
  'SequelizeModule',
  'ServeStaticModule',
  'TerminusModule',
  'ThrottlerModule',
  'TypeOrmCoreModule',
  'TypeOrmModule',
]);

/** Services of library modules whose names an application may have given to its own modules. */
const LIBRARY_SERVICES = new Set([
  'CacheModule/Cache',
  'ConfigModule/ConfigService',
  'HttpModule/HttpService',
  'JwtModule/JwtService',
]);

/** True for a provider of a library: only names show where a class was written. */
function isOfLibrary(className: string, moduleName: string): boolean {
  return LIBRARY_MODULES.has(moduleName) || LIBRARY_SERVICES.has(`${moduleName}/${className}`);
}
