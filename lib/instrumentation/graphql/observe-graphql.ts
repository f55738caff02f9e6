import { type IncomingMessage } from 'node:http';

import { warnOnce } from '../../errors/warnings.js';
import { patch } from '../../invocation/patch.js';
import { processWide } from '../../process/process-wide.js';
import { type Undo, undoAll } from '../../process/undo-all.js';
import { type Application, type ApplicationPart } from '../../runtime/application.js';
import { isClass } from '../container/container-classes.js';
import { recordOf } from '../http-server/http-server-recorder.js';
import { type DriverLike, type DriverOptions, type HttpAdapterLike } from './graphql.interface.js';
import { createApolloPlugin, withRecordedSockets } from './instrument-apollo.js';
import { instrumentMercurius } from './instrument-mercurius.js';
import { findResolvers, instrumentSchema, type ModulesLike } from './instrument-schema.js';

/** What to do around the start of a driver, by the HTTP adapter host of its application. */
interface DriverObserver {
  beforeStart(options: DriverOptions, driver: DriverLike): void;
  afterStart(driver: DriverLike): void;
}

const observers = processWide('graphql-observers', () => new WeakMap<object, DriverObserver>());

/** The `start` that each of our replacements calls. */
const originals = processWide('graphql-driver-starts', () => new WeakMap<object, DriverLike['start']>());

/**
 * Records the GraphQL operations of one application, with any driver in its container: a driver of
 * Nest is started with the finished schema. It belongs to the application of its HTTP adapter host.
 */
export function attachGraphql({ config, runtime, modules, host }: Application): ApplicationPart | undefined {
  if (runtime === undefined || !config.instrumentation.graphql) return undefined;
  const drivers = findDrivers(modules);
  if (drivers.size === 0 || observers.has(host)) return undefined;
  const undo: Undo[] = [];
  let active = true;
  const isActive = (): boolean => active;
  observers.set(host, {
    beforeStart: (options, driver) => {
      const { schema } = options;
      if (schema !== undefined && schema !== null)
        undo.push(instrumentSchema(schema, findResolvers(modules)));
      if (isApollo(driver)) {
        addPlugin(options, isActive);
        withRecordedSockets(options, sourceOfStart(driver), isActive);
      }
      const adapter = driver.httpAdapterHost?.httpAdapter;
      // A gateway has the options of its server one level down.
      const path = options.server?.path ?? options.path;
      if (adapter !== undefined && adapter !== null) tellRoute(adapter, path, isActive);
    },
    afterStart: (driver) => {
      const app = driver.httpAdapterHost?.httpAdapter?.getInstance();
      if (typeof app === 'object' && app !== null) undo.push(instrumentMercurius(app));
    },
  });
  for (const prototype of drivers) undo.push(patchDriver(prototype));
  return {
    stop: () => {
      active = false;
      observers.delete(host);
      undoAll(undo)();
    },
  };
}

function findDrivers(modules: ModulesLike): Set<DriverLike> {
  const found = new Set<DriverLike>();
  for (const { providers } of modules.values())
    for (const { metatype } of providers.values())
      if (isClass(metatype) && isDriver(metatype.prototype)) found.add(metatype.prototype);
  return found;
}

function isDriver(prototype: unknown): prototype is DriverLike {
  const methods = ['start', 'generateSchema', 'mergeDefaultOptions', 'subscriptionWithFilter'];
  if (typeof prototype !== 'object' || prototype === null) return false;
  return methods.every((name) => typeof Reflect.get(prototype, name) === 'function');
}

function patchDriver(prototype: DriverLike): Undo {
  return patch<DriverLike['start']>(
    prototype,
    'start',
    (original) => {
      const start: DriverLike['start'] = async function (options) {
        const observer = this.httpAdapterHost === undefined ? undefined : observers.get(this.httpAdapterHost);
        if (observer === undefined) return original.call(this, options);
        // What the application gave is not changed: it may start another application with the same.
        const recorded = { ...options };
        attempt(() => {
          observer.beforeStart(recorded, this);
        });
        const result = await original.call(this, recorded);
        attempt(() => {
          observer.afterStart(this);
        });
        return result;
      };
      originals.set(start, original);
      return start;
    },
    { once: true },
  );
}

/** The source text of each `start` that a driver has or inherits, without our replacements. */
function sourceOfStart(driver: DriverLike): string {
  let source = '';
  let level: unknown = driver;
  while (typeof level === 'object' && level !== null) {
    const start: unknown = Object.getOwnPropertyDescriptor(level, 'start')?.value;
    if (typeof start === 'function')
      source += Function.prototype.toString.call(originals.get(start) ?? start);
    level = Object.getPrototypeOf(level);
  }
  return source;
}

function attempt(step: () => void): void {
  try {
    step();
  } catch (error) {
    warnOnce('graphql', `Telemetry could not reach all of GraphQL: ${String(error)}`);
  }
}

/** Mercurius's options have plugins as well, of another kind, and their own sockets. */
function isApollo(driver: object): boolean {
  return 'registerFastify' in driver && 'registerExpress' in driver;
}

function addPlugin(options: DriverOptions, isActive: () => boolean): void {
  const plugin = createApolloPlugin(isActive);
  if (options.server !== undefined) {
    options.server = { ...options.server, plugins: [...(options.server.plugins ?? []), plugin] };
  } else {
    options.plugins = [...(options.plugins ?? []), plugin];
  }
}

/** On Express, GraphQL is middleware: without a note its requests would have no route. */
function tellRoute(adapter: HttpAdapterLike, path: string | undefined, isActive: () => boolean): void {
  if (path === undefined || adapter.getType() !== 'express') return;
  adapter.use(path, (request, _response, next) => {
    if (isActive()) recordOf(request as IncomingMessage)?.adoptRoute?.(path);
    next();
  });
}
