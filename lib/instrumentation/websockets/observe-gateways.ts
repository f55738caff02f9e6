import { NestApplication, NestApplicationContext } from '@nestjs/core';

import { warnOnce } from '../../errors/warnings.js';
import { patch, replaceMembers } from '../../invocation/patch.js';
import { processWide } from '../../process/process-wide.js';
import { undoAll } from '../../process/undo-all.js';
import { type Application, type ApplicationPart } from '../../runtime/application.js';
import { activateInstrumentation } from '../active-instrumentations.js';
import { observeController, type SocketModuleLike } from './observe-controller.js';

/** What is used of NestJS's applications, which keep their sockets to themselves. */
interface ApplicationLike {
  readonly container?: { getModules(): object };
  readonly socketModule?: SocketModuleLike | null;
}

/** Where an application with a server binds its gateways. */
interface HttpApplicationLike extends ApplicationLike {
  registerWsModule: (this: ApplicationLike) => unknown;
}

/**
 * Where a microservice of NestJS 12 gets its sockets, before it binds them; on NestJS 11 they are
 * there when it is made.
 */
interface MicroserviceLike extends ApplicationLike {
  loadSocketModule?: () => Promise<unknown>;
}

/** What every application does last of all when it is made. */
interface AnyApplicationLike extends ApplicationLike {
  selectContextModule: (this: ApplicationLike) => unknown;
}

/**
 * What to do with the sockets of an application, by its modules; applications without telemetry are
 * not in it.
 */
const observers = processWide(
  'websocket-observers',
  () => new WeakMap<object, (sockets: SocketModuleLike) => void>(),
);

/** Records the gateways of one application, from before they are bound to their servers. */
export function attachGateways({ config, runtime, modules }: Application): ApplicationPart | undefined {
  if (runtime === undefined || !config.instrumentation.websockets) return undefined;
  // Two copies of this package in one application: the first one records.
  if (observers.has(modules)) return undefined;
  const undo: (() => void)[] = [];
  observers.set(modules, (sockets) => {
    undo.push(observeSockets(sockets));
  });
  undo.push(activateInstrumentation('websockets', patchApplications));
  return {
    stop: () => {
      observers.delete(modules);
      undoAll(undo)();
    },
  };
}

/**
 * No extension point of Nest reaches a gateway with its guards, so its applications are asked when
 * they register them.
 */
function patchApplications(): () => void {
  const undo = [patchHttpApplications(), patchMicroservices()];
  return undoAll(undo);
}

function patchHttpApplications(): () => void {
  return patch<HttpApplicationLike['registerWsModule']>(
    NestApplication.prototype,
    'registerWsModule',
    (original) =>
      function () {
        observeSocketsOf(this);
        return original.call(this);
      },
  );
}

/** Their class is in a package that need not be there, but it is made of one that is. */
function patchMicroservices(): () => void {
  return patch<AnyApplicationLike['selectContextModule']>(
    NestApplicationContext.prototype,
    'selectContextModule',
    (original) =>
      function () {
        if (!(this instanceof NestApplication)) observeSocketsOnceLoaded(this);
        return original.call(this);
      },
  );
}

function observeSocketsOnceLoaded(application: MicroserviceLike): void {
  const load = application.loadSocketModule;
  if (load === undefined) {
    observeSocketsOf(application);
    return;
  }
  replaceMembers(application, {
    loadSocketModule: async () => {
      await load.call(application);
      observeSocketsOf(application);
    },
  });
}

function observeSocketsOf({ container, socketModule }: ApplicationLike): void {
  const modules = container?.getModules();
  const observe = modules === undefined ? undefined : observers.get(modules);
  if (observe !== undefined && socketModule != null) observe(socketModule);
}

function observeSockets(sockets: SocketModuleLike): () => void {
  let undo: (() => void) | undefined;
  const connect = sockets.connectGatewayToServer;
  const patched = replaceMembers(sockets, {
    // Called for each provider, once the controller that binds gateways exists.
    connectGatewayToServer: (...args: unknown[]): unknown => {
      const { webSocketsController } = sockets;
      if (undo === undefined && webSocketsController !== undefined) {
        try {
          undo = observeController(webSocketsController);
        } catch (error) {
          undo = () => undefined;
          warnOnce('websockets', `Telemetry could not reach the WebSocket gateways: ${String(error)}`);
        }
      }
      return connect.apply(sockets, args);
    },
  });
  return () => {
    undo?.();
    patched?.restore();
  };
}
