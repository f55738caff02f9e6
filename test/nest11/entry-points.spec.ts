import { describeEntryPoints } from '../e2e/behaviours/entry-points/describe-entry-points.js';
import { startTracerProvider } from './start-tracer-provider.js';

describeEntryPoints({ nest: 11, adapter: 'fastify', startOwnSdk: startTracerProvider });
