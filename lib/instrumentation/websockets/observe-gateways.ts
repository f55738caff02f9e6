import { NestApplication, NestApplicationContext } from '@nestjs/core';

import { warnOnce } from '../../errors/warnings.js';
import { patch } from '../../invocation/patch.js';
import { processWide } from '../../process/process-wide.js';
import { type Undo, undoAll } from '../../process/undo-all.js';
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

/** NestJS 12 loads the sockets of a microservice late, NestJS 11 when it is made. */
interface MicroserviceLike extends ApplicationLike {
  loadSocketModule?: () => Promise<unknown>;
}

/** What every application does last when it is made. */
interface AnyApplicationLike extends ApplicationLike {
  selectContextModule: (this: ApplicationLike) => unknown;
}

/** What to do with the sockets of an application, by its modules. */
const observers = processWide(
  'websocket-observers',
  () => new WeakMap<object, (sockets: SocketModuleLike) => void>(),
);

/** Records the gateways of one application, from before they are bound to their servers. */
export function attachGateways({ config, runtime, modules }: Application): ApplicationPart | undefined {
  if (runtime === undefined || !config.instrumentation.websockets) return undefined;
  // Two copies of this package in one application: the first one records.
  if (observers.has(modules)) return undefined;
  const undo: Undo[] = [];
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

/** No extension point of Nest reaches a gateway with its guards. */
function patchApplications(): Undo {
  return undoAll([
    patch<HttpApplicationLike['registerWsModule']>(
      NestApplication.prototype,
      'registerWsModule',
      (original) =>
        function () {
          observeSocketsOf(this);
          return original.call(this);
        },
    ),
    // Of microservices: their class is in an optional package, but extends this one.
    patch<AnyApplicationLike['selectContextModule']>(
      NestApplicationContext.prototype,
      'selectContextModule',
      (original) =>
        function () {
          if (!(this instanceof NestApplication)) observeSocketsOnceLoaded(this);
          return original.call(this);
        },
    ),
  ]);
}

function observeSocketsOnceLoaded(application: MicroserviceLike): void {
  if (application.loadSocketModule === undefined) observeSocketsOf(application);
  patch(application, 'loadSocketModule', (load) => async () => {
    await load?.call(application);
    observeSocketsOf(application);
  });
}

function observeSocketsOf({ container, socketModule }: ApplicationLike): void {
  const modules = container?.getModules();
  const observe = modules === undefined ? undefined : observers.get(modules);
  if (observe !== undefined && socketModule != null) observe(socketModule);
}

function observeSockets(sockets: SocketModuleLike): Undo {
  let isObserved = false;
  const undo = [
    // Called for each provider, once the controller that binds gateways exists.
    patch(sockets, 'connectGatewayToServer', (original) => (...args) => {
      const { webSocketsController } = sockets;
      if (!isObserved && webSocketsController !== undefined) {
        isObserved = true;
        try {
          undo.push(observeController(webSocketsController));
        } catch (error) {
          warnOnce('websockets', `Telemetry could not reach the WebSocket gateways: ${String(error)}`);
        }
      }
      return original.apply(sockets, args);
    }),
  ];
  return undoAll(undo);
}
