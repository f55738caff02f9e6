import { startNodeSdk } from '../e2e/start-node-sdk.js';
import { describeMicroservices } from './behaviours/microservices.behaviours.js';

describeMicroservices({ nest: 12, adapter: 'fastify', startOwnSdk: startNodeSdk });
