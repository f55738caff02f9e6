import { describeBehaviours } from './behaviours/describe-behaviours.js';
import { startNodeSdk } from './start-node-sdk.js';

describeBehaviours({ nest: 12, adapter: 'fastify', startOwnSdk: startNodeSdk });
