import { type ModulesContainer } from '@nestjs/core';

import { type Application, type ApplicationPart } from '../../runtime/application.js';
import { activateInstrumentation } from '../active-instrumentations.js';
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

/** Records what the microservices of one application handle and what its clients send, whatever the transport. */
export function attachMicroservices({ config, runtime, modules }: Application): ApplicationPart | undefined {
  if (runtime === undefined || !config.instrumentation.microservices) return undefined;
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
  // Nest 11.0 has none.
  const registry: Partial<Pick<ModulesContainer, 'getRpcTargetRegistry'>> = modules;
  // Replayed for those that were connected already, and called before a server is given its handlers.
  const servers = registry.getRpcTargetRegistry?.<ServerLike>().subscribe((server) => {
    undo.push(instrumentServer(server));
  });
  return {
    ready: meet,
    stop: () => {
      servers?.unsubscribe();
      undoAll(undo);
    },
  };
}
