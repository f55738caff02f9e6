import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';

import { ATTR_V8JS_GC_TYPE, METRIC_V8JS_GC_DURATION } from '../../config/semantic-conventions.constants.js';
import { INSTRUMENTATION_SCOPE } from '../instrumentation-scope.constants.js';
import { histogram } from '../instruments.js';

const TYPES = new Map<unknown, { [ATTR_V8JS_GC_TYPE]: string }>([
  [constants.NODE_PERFORMANCE_GC_MINOR, { [ATTR_V8JS_GC_TYPE]: 'minor' }],
  [constants.NODE_PERFORMANCE_GC_MAJOR, { [ATTR_V8JS_GC_TYPE]: 'major' }],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, { [ATTR_V8JS_GC_TYPE]: 'incremental' }],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, { [ATTR_V8JS_GC_TYPE]: 'weakcb' }],
]);

/** Durations of garbage collections by type; Node tells them in batches, outside the pause. */
export function startGarbageCollectionMetrics(): () => void {
  const duration = histogram(INSTRUMENTATION_SCOPE, METRIC_V8JS_GC_DURATION, {
    description: 'Garbage collection duration.',
    unit: 's',
    advice: { explicitBucketBoundaries: [0.01, 0.1, 1, 10] },
  });
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) duration.record(entry.duration / 1000, TYPES.get(kindOf(entry)));
  });
  observer.observe({ entryTypes: ['gc'] });
  return () => {
    observer.disconnect();
  };
}

function kindOf(entry: PerformanceEntry): unknown {
  const { detail } = entry as { detail?: { kind?: unknown } };
  return detail?.kind;
}
