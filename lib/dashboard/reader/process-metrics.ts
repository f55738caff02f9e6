import {
  ATTR_CPU_MODE,
  ATTR_DB_CLIENT_CONNECTION_POOL_NAME,
  ATTR_V8JS_GC_TYPE,
  ATTR_V8JS_RESOURCE_TYPE,
  METRIC_DB_CLIENT_CONNECTION_WAIT_TIME,
  METRIC_HTTP_SERVER_ACTIVE_REQUESTS,
  METRIC_NESTJS_WEBSOCKET_ACTIVE_CONNECTIONS,
  METRIC_NODEJS_EVENTLOOP_UTILIZATION,
  METRIC_PROCESS_CPU_UTILIZATION,
  METRIC_PROCESS_MEMORY_USAGE,
  METRIC_V8JS_GC_DURATION,
  METRIC_V8JS_RESOURCE_ACTIVE,
  metricOfEventLoopDelay,
  metricOfHeap,
} from '../../config/semantic-conventions.constants.js';

/**
 * What is kept by process: metrics that say how a process does, by a name for the page. `by` is the attribute whose values are lines of
 * their own; without one, the series of a gauge or histogram are one, and those of an up-down counter add up.
 */
export const PROCESS_METRICS = {
  cpu: { metric: METRIC_PROCESS_CPU_UTILIZATION, by: ATTR_CPU_MODE },
  resident: { metric: METRIC_PROCESS_MEMORY_USAGE },
  heapUsed: { metric: metricOfHeap('used') },
  heapReserved: { metric: metricOfHeap('space.size') },
  gc: { metric: METRIC_V8JS_GC_DURATION, by: ATTR_V8JS_GC_TYPE },
  loopDelayMax: { metric: metricOfEventLoopDelay('max') },
  loopDelayP99: { metric: metricOfEventLoopDelay('p99') },
  loopUtilization: { metric: METRIC_NODEJS_EVENTLOOP_UTILIZATION },
  requests: { metric: METRIC_HTTP_SERVER_ACTIVE_REQUESTS },
  webSockets: { metric: METRIC_NESTJS_WEBSOCKET_ACTIVE_CONNECTIONS },
  resources: { metric: METRIC_V8JS_RESOURCE_ACTIVE, by: ATTR_V8JS_RESOURCE_TYPE },
  poolWait: { metric: METRIC_DB_CLIENT_CONNECTION_WAIT_TIME, by: ATTR_DB_CLIENT_CONNECTION_POOL_NAME },
} as const satisfies Readonly<Record<string, { readonly metric: string; readonly by?: string }>>;

export type ProcessMetric = keyof typeof PROCESS_METRICS;

/** A value that does not change is reported once a minute, and holds until then. */
export const HOLDS_MS = 70_000;
