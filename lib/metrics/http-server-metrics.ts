import { type Attributes, type Context } from '@opentelemetry/api';

import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_NETWORK_PROTOCOL_VERSION,
  ATTR_SERVER_PORT,
  ATTR_URL_SCHEME,
  DURATION_BUCKETS_SECONDS,
  METRIC_HTTP_SERVER_ACTIVE_REQUESTS,
  METRIC_HTTP_SERVER_REQUEST_DURATION,
} from '../config/semantic-conventions.constants.js';
import { createAttributeSets } from './attribute-sets.js';
import { knownHttpMethod } from './http-method.js';
import { INSTRUMENTATION_SCOPE } from './instrumentation-scope.constants.js';
import { histogram, upDownCounter } from './instruments.js';

/** A request that this server has answered, or given up. */
export interface HttpServerRequest {
  readonly method: string;
  /** Path template (`/orders/:id`); undefined when no route matched: the raw URL never becomes a label. */
  readonly route?: string | undefined;
  /** undefined when no response was sent. */
  readonly statusCode?: number | undefined;
  /** `http` or `https`. */
  readonly scheme: string;
  /** `1.1`, `2`, … */
  readonly protocolVersion?: string | undefined;
  /** What went wrong; default the status code from 500 on. Class names and codes, never messages. */
  readonly errorType?: string | undefined;
  readonly durationSeconds: number;
  readonly port?: number | undefined;
  /** The context of the request, so that the measurement knows its span. Default: the active one. */
  readonly context?: Context | undefined;
}

const duration = histogram(INSTRUMENTATION_SCOPE, METRIC_HTTP_SERVER_REQUEST_DURATION, {
  description: 'Duration of HTTP server requests.',
  unit: 's',
  advice: { explicitBucketBoundaries: DURATION_BUCKETS_SECONDS },
});

const active = upDownCounter(INSTRUMENTATION_SCOPE, METRIC_HTTP_SERVER_ACTIVE_REQUESTS, {
  description: 'Number of active HTTP server requests.',
  unit: '{request}',
});

const requestAttributes = createAttributeSets();
const activeAttributes = createAttributeSets();

/** Records a finished request into `http.server.request.duration`, in seconds. */
export function recordHttpServerRequest(request: HttpServerRequest): void {
  const {
    method,
    route = '',
    statusCode = 0,
    scheme,
    protocolVersion = '',
    errorType = '',
    port = 0,
  } = request;
  const key = `${method} ${statusCode} ${scheme} ${protocolVersion} ${port} ${errorType} ${route}`;
  const attributes = requestAttributes(key, () => attributesOf(request));
  duration.record(request.durationSeconds, attributes, request.context);
}

/** Adds a request to `http.server.active_requests` when it begins; give -1 with the same labels when it ends. */
export function changeActiveHttpServerRequests(
  by: 1 | -1,
  { method, scheme }: Pick<HttpServerRequest, 'method' | 'scheme'>,
): void {
  const attributes = activeAttributes(`${method} ${scheme}`, () => ({
    [ATTR_HTTP_REQUEST_METHOD]: knownHttpMethod(method),
    [ATTR_URL_SCHEME]: scheme,
  }));
  active.add(by, attributes);
}

function attributesOf(request: HttpServerRequest): Attributes {
  const { route, statusCode, protocolVersion, port } = request;
  const failed = statusCode !== undefined && statusCode >= 500;
  const errorType = request.errorType ?? (failed ? String(statusCode) : undefined);
  return {
    [ATTR_HTTP_REQUEST_METHOD]: knownHttpMethod(request.method),
    [ATTR_URL_SCHEME]: request.scheme,
    ...(route !== undefined && { [ATTR_HTTP_ROUTE]: route }),
    ...(statusCode !== undefined && { [ATTR_HTTP_RESPONSE_STATUS_CODE]: statusCode }),
    ...(protocolVersion !== undefined && { [ATTR_NETWORK_PROTOCOL_VERSION]: protocolVersion }),
    ...(port !== undefined && { [ATTR_SERVER_PORT]: port }),
    ...(errorType !== undefined && { [ATTR_ERROR_TYPE]: errorType }),
  };
}
