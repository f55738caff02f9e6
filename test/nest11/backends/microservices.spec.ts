import { describeMicroservices } from '../../backends/behaviours/microservices.behaviours.js';
import { startTracerProvider } from '../start-tracer-provider.js';

describeMicroservices({ nest: 11, adapter: 'fastify', startOwnSdk: startTracerProvider });
