import { describeBehaviours } from './behaviours/describe-behaviours.js';
import { startNodeSdk } from './start-node-sdk.js';

// What holds with our own engine holds with OpenTelemetry's SDK in its place.
describeBehaviours({ nest: 12, adapter: 'fastify', engine: 'sdk', startOwnSdk: startNodeSdk });
