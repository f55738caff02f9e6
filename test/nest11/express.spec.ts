import { describeBehaviours } from '../e2e/behaviours/describe-behaviours.js';
import { startTracerProvider } from './start-tracer-provider.js';

describeBehaviours({ nest: 11, adapter: 'express', startOwnSdk: startTracerProvider });
