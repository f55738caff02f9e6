import { context, logs, metrics, propagation, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';

import { type Platform } from './behaviours/platform.js';

/** Starts OpenTelemetry as its own documentation says, and takes it away again afterwards. */
export const startNodeSdk: Platform['startOwnSdk'] = (processor) => {
  const sdk = new NodeSDK({
    serviceName: 'started_by_the_user',
    spanProcessors: [processor],
    metricReaders: [],
    logRecordProcessors: [],
    instrumentations: [],
  });
  sdk.start();
  return async () => {
    await sdk.shutdown();
    for (const api of [trace, context, propagation, metrics, logs]) api.disable();
  };
};
