import { type AbstractHttpAdapter } from '@nestjs/core';

import { type Application, type ApplicationPart } from '../../runtime/application.js';
import { activateInstrumentation } from '../active-instrumentations.js';
import { recordExceptions } from '../nest/record-exceptions.js';
import { HttpServerRecorder } from './http-server-recorder.js';
import { frameworkOf, instrumentAdapter } from './instrument-adapter.js';
import { observeServer, type ServerLike } from './observe-server.js';

/** Opens the logging scope of each request that reaches one application, and records the request where that is configured. */
export function attachHttpServer(application: Application): ApplicationPart {
  const undo: (() => void)[] = [];
  let observeUpgrades = (): void => undefined;
  undo.push(
    application.whenAdapterExists((adapter) => {
      const recorder = createRecorder(application, adapter);
      undo.push(instrumentAdapter(adapter, recorder));
      if (recorder === undefined) return;
      // Here and not with the process-wide ones: those run without NestJS too, and this one loads its core.
      undo.push(activateInstrumentation('nest-exceptions', recordExceptions));
      observeUpgrades = () => {
        const server = adapter.getHttpServer() as ServerLike | undefined;
        if (server !== undefined) undo.push(observeServer(server, recorder));
      };
    }),
  );
  return {
    ready: () => {
      observeUpgrades();
    },
    stop: () => {
      for (const restore of undo) restore();
    },
  };
}

/** undefined where requests are not to be recorded, or cannot be. */
function createRecorder(
  { config, runtime }: Application,
  adapter: AbstractHttpAdapter,
): HttpServerRecorder | undefined {
  if (runtime === undefined || config.instrumentation.httpServer === undefined) return undefined;
  const framework = frameworkOf(adapter);
  return framework === undefined ? undefined : new HttpServerRecorder(framework, config);
}
