import { startNodeSdk } from '../e2e/start-node-sdk.js';
import { describeBullmq } from './behaviours/bullmq.behaviours.js';

describeBullmq({ nest: 12, adapter: 'fastify', startOwnSdk: startNodeSdk });
