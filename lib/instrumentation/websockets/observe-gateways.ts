import { NestApplication } from '@nestjs/core';

import { warnOnce } from '../../errors/warnings.js';
import { patchMembers } from '../../invocation/patched-members.js';
import { processWide } from '../../process/process-wide.js';
import { activateInstrumentation } from '../instrumentation-registry.js';
import { type SocketModuleLike } from './nest-websockets.interface.js';
import { observeController } from './observe-controller.js';

/** What is used of NestJS's application, which keeps its sockets to itself. */
interface ApplicationLike {
  readonly container?: { getModules(): object };
  readonly socketModule?: SocketModuleLike | null;
  registerWsModule: (this: ApplicationLike) => unknown;
}

/** What to do with the sockets of an application, by its modules; applications without telemetry are not in it. */
const observers = processWide(
  'websocket-observers',
  () => new WeakMap<object, (sockets: SocketModuleLike) => void>(),
);

/**
 * Records the gateways of the application that these modules belong to, from before they are bound to their servers.
 * Returns the undo.
 *
 * @param modules NestJS's `ModulesContainer`
 */
export function observeGateways(modules: object): () => void {
  // Two copies of this package in one application: the first one records.
  if (observers.has(modules)) return () => undefined;
  const undo: (() => void)[] = [];
  observers.set(modules, (sockets) => {
    undo.push(observeSockets(sockets));
  });
  undo.push(activateInstrumentation('websockets', patchApplications));
  return () => {
    observers.delete(modules);
    for (const restore of undo) restore();
  };
}

/** No extension point of Nest reaches a gateway with its guards, so its application is asked when it registers them. */
function patchApplications(): () => void {
  const prototype = NestApplication.prototype as object as ApplicationLike;
  const original = prototype.registerWsModule;
  const patched = function (this: ApplicationLike): unknown {
    const modules = this.container?.getModules();
    const observe = modules === undefined ? undefined : observers.get(modules);
    if (observe !== undefined && this.socketModule != null) observe(this.socketModule);
    return original.call(this);
  };
  prototype.registerWsModule = patched;
  return () => {
    if (prototype.registerWsModule === patched) prototype.registerWsModule = original;
  };
}

function observeSockets(sockets: SocketModuleLike): () => void {
  let undo: (() => void) | undefined;
  const connect = sockets.connectGatewayToServer;
  const patched = patchMembers(sockets, {
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
