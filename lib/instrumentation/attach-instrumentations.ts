import { type Application, type ApplicationPart, type AttachPart } from '../runtime/application.js';
import { attachBackgroundWork } from './background-work.js';
import { attachGraphql } from './graphql/observe-graphql.js';
import { attachHttpServer } from './http-server/attach-http-server.js';
import { attachMicroservices } from './microservices/attach-microservices.js';
import { attachNest } from './nest/attach-nest.js';
import { attachProviders } from './nest/providers/record-providers.js';
import { attachGateways } from './websockets/observe-gateways.js';

/**
 * Not part of the registry, which `register` and `instrument()` load without an application.
 *
 * Providers come last: a method that has a span for another reason gets no second one.
 */
const INSTRUMENTATIONS: readonly AttachPart[] = [
  attachNest,
  attachHttpServer,
  attachBackgroundWork,
  attachGateways,
  attachGraphql,
  attachMicroservices,
  attachProviders,
];

/** Attaches what the configuration switches on to one application. */
export function attachInstrumentations(application: Application): ApplicationPart {
  const attached = INSTRUMENTATIONS.map((attach) => attach(application)).filter((part) => part !== undefined);
  return {
    ready: () => {
      for (const part of attached) part.ready?.();
    },
    stop: () => {
      for (const part of attached.toReversed()) part.stop();
    },
  };
}
