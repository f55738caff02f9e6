import { type Attributes, type ObservableResult } from '@opentelemetry/api';

import {
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_URL_SCHEME,
  METRIC_HTTP_SERVER_ACTIVE_REQUESTS,
} from '../config/semantic-conventions.constants.js';
import { processWide } from '../process/process-wide.js';
import { INSTRUMENTATION_SCOPE } from './instrumentation-scope.constants.js';
import { observableUpDownCounter } from './instruments.js';

/** How many requests of one method and scheme are in progress. */
export interface ActiveRequests {
  count: number;
  readonly attributes: Readonly<Attributes>;
}

/** Of the whole process: two copies of this package that reported one series each would overwrite one another. */
const active = processWide('active-http-requests', () => new Map<string, ActiveRequests>());

/**
 * Gives the number of requests of that kind in progress, for whoever starts and ends them to count. It is read when
 * metrics are collected, as `http.server.active_requests`: counting costs an addition, not two measurements.
 */
export function activeHttpRequests(method: string, scheme: string): ActiveRequests {
  const key = `${scheme} ${method}`;
  let requests = active.get(key);
  if (requests === undefined) {
    const attributes = Object.freeze({ [ATTR_HTTP_REQUEST_METHOD]: method, [ATTR_URL_SCHEME]: scheme });
    requests = { count: 0, attributes };
    active.set(key, requests);
  }
  observableUpDownCounter(INSTRUMENTATION_SCOPE, METRIC_HTTP_SERVER_ACTIVE_REQUESTS, observe, {
    description: 'Number of active HTTP server requests.',
    unit: '{request}',
  });
  return requests;
}

function observe(result: ObservableResult): void {
  for (const { count, attributes } of active.values()) result.observe(count, attributes);
}
