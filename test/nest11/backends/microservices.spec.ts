import { describeKafkaBatches } from '../../backends/behaviours/kafka-batch.behaviours.js';
import { describeMicroservices } from '../../backends/behaviours/microservices.behaviours.js';
import { describeRabbitmqExchanges } from '../../backends/behaviours/rabbitmq-exchanges.behaviours.js';
import { startTracerProvider } from '../start-tracer-provider.js';

const platform = { nest: 11, adapter: 'fastify', startOwnSdk: startTracerProvider } as const;
describeMicroservices(platform);
describeRabbitmqExchanges(platform);
describeKafkaBatches(platform);
