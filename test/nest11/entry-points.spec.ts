import { describeEntryPoints } from '../e2e/behaviours/entry-points/describe-entry-points.js';
import { startTracerProvider } from './start-tracer-provider.js';

// Mercurius serves its GraphiQL page with this package, which needs one that is ESM only: jest without flags cannot load it.
jest.mock('@fastify/static', () => () => undefined);

describeEntryPoints({ nest: 11, adapter: 'fastify', startOwnSdk: startTracerProvider });
