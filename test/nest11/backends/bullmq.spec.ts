import { describeBullmq } from '../../backends/behaviours/bullmq.behaviours.js';
import { startTracerProvider } from '../start-tracer-provider.js';

describeBullmq({ nest: 11, adapter: 'fastify', startOwnSdk: startTracerProvider });
