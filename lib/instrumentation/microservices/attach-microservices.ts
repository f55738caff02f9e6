import * as packages from '@nestjs/common/utils/load-package.util.js';
import { type ModulesContainer } from '@nestjs/core';
import { trace } from '@opentelemetry/api';

import { patch } from '../../invocation/patch.js';
import { applicationRequire, findLoadedFiles } from '../../process/application-modules.js';
import { type Undo, undoAll } from '../../process/undo-all.js';
import { type Application, type ApplicationPart } from '../../runtime/application.js';
import { recordException } from '../../tracing/error-policy.js';
import { activateInstrumentation } from '../active-instrumentations.js';
import {
  instrumentClientProxy,
  instrumentClients,
  instrumentKafkaClients,
  releaseClients,
} from './client/instrument-clients.js';
import { isMicroservicesEnabled, noteThrown } from './operation.js';
import { instrumentServer, type ServerLike } from './server/instrument-server.js';

/** Records what the microservices of one application handle, and what its clients send. */
export function attachMicroservices({ config, runtime, modules }: Application): ApplicationPart | undefined {
  if (runtime === undefined || !config.instrumentation.microservices) return undefined;
  const undo: Undo[] = [activateInstrumentation('microservice-clients', () => releaseClients)];
  const instrument = (): void => {
    for (const { ClientProxy, ClientKafka, BaseRpcExceptionFilter } of findLoadedMicroservices()) {
      instrumentClientProxy(ClientProxy.prototype);
      if (ClientKafka !== undefined) instrumentKafkaClients(ClientKafka.prototype, ClientProxy.prototype);
      const filter = BaseRpcExceptionFilter?.prototype;
      if (filter !== undefined)
        undo.push(activateInstrumentation('rpc-exceptions', () => recordRpcExceptions(filter)));
    }
    instrumentClients(modules);
  };
  instrument();
  // Nest 11.0 has none.
  const registry: Partial<Pick<ModulesContainer, 'getRpcTargetRegistry'>> = modules;
  // Replays the servers that are there already, and emits others before they get their handlers.
  const servers = registry.getRpcTargetRegistry?.<ServerLike>().subscribe((server) => {
    undo.push(instrumentServer(server));
  });
  return {
    ready: instrument,
    stop: () => {
      servers?.unsubscribe();
      undoAll(undo)();
    },
  };
}

/** What is used of `@nestjs/microservices`. */
interface MicroservicesPackage {
  readonly ClientProxy: { readonly prototype: object };
  readonly ClientKafka?: { readonly prototype: object };
  readonly BaseRpcExceptionFilter?: { readonly prototype: object };
}

const ENTRY = /[\\/]node_modules[\\/]@nestjs[\\/]microservices[\\/]index\.js$/;

/**
 * Every copy of `@nestjs/microservices` that this process has loaded: NestJS 12 keeps what its core
 * has loaded, NestJS 11 is in the CommonJS cache. In a bundle there is neither.
 */
function findLoadedMicroservices(): MicroservicesPackage[] {
  const loaded = findLoadedFiles(ENTRY).map((path): unknown => applicationRequire().cache[path]?.exports);
  return [keptByCore(), ...loaded].filter(isMicroservices);
}

function keptByCore(): unknown {
  const { loadPackageCached } = packages as { loadPackageCached?: (name: string) => unknown };
  try {
    return loadPackageCached?.('@nestjs/microservices');
  } catch {
    // It throws where the package has not been loaded.
    return undefined;
  }
}

function isMicroservices(value: unknown): value is MicroservicesPackage {
  if (typeof value !== 'object' || value === null) return false;
  return 'ClientProxy' in value && typeof value.ClientProxy === 'function';
}

/**
 * Notes what is thrown around a message, before `BaseRpcExceptionFilter` makes a plain object of it
 * that the answer contains. Returns the undo.
 */
function recordRpcExceptions(filter: object): Undo {
  return patch(
    filter,
    'catch',
    (original) =>
      function (...args) {
        const span = isMicroservicesEnabled() ? trace.getActiveSpan() : undefined;
        if (span?.isRecording() === true) {
          recordException(span, args[0]);
          noteThrown(span, args[0]);
        }
        return original.apply(this, args);
      },
  );
}
