import { type MetricOptions } from '@opentelemetry/api';

import { type ObserveCallback } from '../observable-handle.js';

type Observe = (name: string, options: MetricOptions, callback: ObserveCallback) => void;

/** What a group of runtime metrics registers its instruments with; all are taken back together. */
export interface RuntimeMetrics {
  readonly gauge: Observe;
  readonly counter: Observe;
  readonly upDownCounter: Observe;
}
