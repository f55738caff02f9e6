import { getHeapSpaceStatistics, type HeapSpaceInfo } from 'node:v8';

import {
  ATTR_V8JS_HEAP_SPACE_NAME,
  ATTR_V8JS_RESOURCE_TYPE,
  METRIC_V8JS_MEMORY_HEAP_SPACE_AVAILABLE_SIZE,
  METRIC_V8JS_MEMORY_HEAP_SPACE_PHYSICAL_SIZE,
  METRIC_V8JS_MEMORY_HEAP_SPACE_SIZE,
  METRIC_V8JS_MEMORY_HEAP_USED,
  METRIC_V8JS_RESOURCE_ACTIVE,
} from '../../config/semantic-conventions.constants.js';
import { type RuntimeMetrics } from './runtime-metrics.interface.js';
import { shareReading } from './share-reading.js';

const SIZES = [
  [METRIC_V8JS_MEMORY_HEAP_USED, 'Heap memory in use.', 'space_used_size'],
  [METRIC_V8JS_MEMORY_HEAP_SPACE_SIZE, 'Heap memory reserved.', 'space_size'],
  [METRIC_V8JS_MEMORY_HEAP_SPACE_AVAILABLE_SIZE, 'Heap memory available.', 'space_available_size'],
  [METRIC_V8JS_MEMORY_HEAP_SPACE_PHYSICAL_SIZE, 'Heap memory committed.', 'physical_space_size'],
] as const satisfies readonly (readonly [string, string, keyof HeapSpaceInfo])[];

/** Sizes of V8's heap by space, and what keeps the event loop alive by type. */
export function startHeapMetrics({ gauge, upDownCounter }: RuntimeMetrics): undefined {
  const readSpaces = shareReading(getHeapSpaceStatistics);
  for (const [name, description, field] of SIZES) {
    upDownCounter(name, { unit: 'By', description }, () =>
      readSpaces().map((space) => ({
        value: space[field],
        attributes: { [ATTR_V8JS_HEAP_SPACE_NAME]: space.space_name },
      })),
    );
  }
  const description = 'Resources that keep the event loop alive.';
  const seen = new Set<string>();
  gauge(METRIC_V8JS_RESOURCE_ACTIVE, { unit: '{resource}', description }, () => {
    // A type that was there once is reported as 0 after it has gone, or its last number would stay.
    const counts = new Map([...seen].map((type) => [type, 0]));
    for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1);
    return [...counts].map(([type, value]) => {
      seen.add(type);
      return { value, attributes: { [ATTR_V8JS_RESOURCE_TYPE]: type } };
    });
  });
}
