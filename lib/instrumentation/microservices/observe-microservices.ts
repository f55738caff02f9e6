import { type Observable } from 'rxjs';

import { type ContainerModules } from '../container/container-classes.js';
import { activateInstrumentation } from '../instrumentation-registry.js';
import { meetClients } from './client/find-clients.js';
import { findLoadedMicroservices } from './client/find-loaded-microservices.js';
import {
  instrumentClientProxy,
  instrumentKafkaClients,
  releaseClients,
} from './client/instrument-clients.js';
import { type Undo, undoAll } from './override-method.js';
import { instrumentServer } from './server/instrument-server.js';
import { recordRpcExceptions } from './server/record-rpc-exceptions.js';
import { type ServerLike } from './server/server.interface.js';

/** What is used of NestJS's `ModulesContainer`: it also tells of each microservice that an application connects. */
export interface ApplicationModules extends ContainerModules {
  getRpcTargetRegistry?<T>(): Observable<T>;
}

export interface ObservedMicroservices {
  /** Called when every provider has been created. */
  completeClients(): void;
  /** Leaves servers, and with the last application the clients, as they were. */
  stop(): void;
}

/** Records what the microservices of one application handle and what its clients send, whatever the transport. */
export function observeMicroservices(modules: ApplicationModules): ObservedMicroservices {
  const undo: Undo[] = [activateInstrumentation('microservice-clients', () => releaseClients)];
  const meet = (): void => {
    for (const { ClientProxy, ClientKafka, BaseRpcExceptionFilter } of findLoadedMicroservices()) {
      instrumentClientProxy(ClientProxy.prototype);
      if (ClientKafka !== undefined) instrumentKafkaClients(ClientKafka.prototype, ClientProxy.prototype);
      const filter = BaseRpcExceptionFilter?.prototype;
      if (filter !== undefined)
        undo.push(activateInstrumentation('rpc-exceptions', () => recordRpcExceptions(filter)));
    }
    meetClients(modules);
  };
  meet();
  // Replayed for those that were connected already, and called before a server is given its handlers.
  const servers = modules.getRpcTargetRegistry?.<ServerLike>().subscribe((server) => {
    undo.push(instrumentServer(server));
  });
  return {
    completeClients: meet,
    stop: () => {
      servers?.unsubscribe();
      undoAll(undo);
    },
  };
}
