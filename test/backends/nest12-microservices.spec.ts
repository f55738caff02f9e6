import { startNodeSdk } from '../e2e/start-node-sdk.js';
import { describeKafkaBatches } from './behaviours/kafka-batch.behaviours.js';
import { describeMicroservices } from './behaviours/microservices.behaviours.js';
import { describeRabbitmqExchanges } from './behaviours/rabbitmq-exchanges.behaviours.js';

const platform = { nest: 12, adapter: 'fastify', startOwnSdk: startNodeSdk } as const;
describeMicroservices(platform);
describeRabbitmqExchanges(platform);
describeKafkaBatches(platform);
