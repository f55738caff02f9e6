import { ConsoleLogger, Logger } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, LazyModuleLoader, ModuleRef, Reflector } from '@nestjs/core';

/** Classes of NestJS itself that any module may provide. */
const CORE_CLASSES = new Set<unknown>([
  ApplicationConfig,
  ConsoleLogger,
  HttpAdapterHost,
  LazyModuleLoader,
  Logger,
  ModuleRef,
  Reflector,
]);

/** Modules of NestJS's core, of nestjs-pino and our own: watching them would be watching ourselves. */
const OUT_OF_BOUNDS = new Set([
  'InternalCoreModule',
  'LoggerModule',
  'TelemetryCoreModule',
  'TelemetryModule',
]);

/** Modules of libraries that are told by their names alone. */
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

/** Services of library modules whose names an application may have given to modules of its own. */
const LIBRARY_SERVICES = new Set([
  'CacheModule/Cache',
  'ConfigModule/ConfigService',
  'HttpModule/HttpService',
  'JwtModule/JwtService',
]);

/** True for what is never recorded, however it was selected. */
export function isOutOfBounds(type: object, moduleName: string): boolean {
  return CORE_CLASSES.has(type) || OUT_OF_BOUNDS.has(moduleName);
}

/** True for a provider that came with a library: nothing but names tells where a class was written. */
export function isOfLibrary(className: string, moduleName: string): boolean {
  return LIBRARY_MODULES.has(moduleName) || LIBRARY_SERVICES.has(`${moduleName}/${className}`);
}
