import { describeEntryPoints } from './behaviours/entry-points/describe-entry-points.js';
import { startNodeSdk } from './start-node-sdk.js';

describeEntryPoints({ nest: 12, adapter: 'fastify', startOwnSdk: startNodeSdk });
