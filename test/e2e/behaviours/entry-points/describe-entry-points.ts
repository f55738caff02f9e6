import { type Platform, platformName } from '../platform.js';
import { describeCqrs } from './cqrs.behaviours.js';
import { describeEventEmitter } from './event-emitter.behaviours.js';
import { describeGraphql } from './graphql.behaviours.js';
import { describeGraphqlLifecycle } from './graphql-lifecycle.behaviours.js';
import { describeGraphqlSockets } from './graphql-sockets.behaviours.js';
import { describeIncomingPolicies } from './incoming-policies.behaviours.js';
import { describeMicroserviceApplications } from './microservices-applications.behaviours.js';
import { describeGrpc } from './microservices-grpc.behaviours.js';
import { describeMqtt } from './microservices-mqtt.behaviours.js';
import { describeTcp } from './microservices-tcp.behaviours.js';
import { describePipelineContexts } from './pipeline-contexts.behaviours.js';
import { describeSchedule } from './schedule.behaviours.js';
import { describeWebSocketMicroservices } from './websocket-microservices.behaviours.js';
import { describeWebSockets } from './websockets.behaviours.js';

/** Registers the behaviours of every way but plain HTTP by which work enters an application; the HTTP adapter matters to none. */
const BEHAVIOURS: readonly ((platform: Platform) => void)[] = [
  describeWebSockets,
  describeWebSocketMicroservices,
  describeGraphql,
  describeGraphqlSockets,
  describeGraphqlLifecycle,
  describePipelineContexts,
  describeTcp,
  describeMqtt,
  describeGrpc,
  describeMicroserviceApplications,
  describeIncomingPolicies,
  describeSchedule,
  describeEventEmitter,
  describeCqrs,
];

export function describeEntryPoints(platform: Platform): void {
  describe(`entry points, ${platformName(platform)}`, () => {
    for (const describeBehaviour of BEHAVIOURS) describeBehaviour(platform);
  });
}
