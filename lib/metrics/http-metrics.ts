import type { Attributes, Context, Histogram, ObservableResult } from '@opentelemetry/api';

import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_NETWORK_PROTOCOL_VERSION,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_SCHEME,
  BODY_SIZE_BUCKETS_BYTES,
  HTTP_REQUEST_METHOD_VALUE_OTHER,
  METRIC_HTTP_CLIENT_REQUEST_DURATION,
  METRIC_HTTP_SERVER_ACTIVE_REQUESTS,
  METRIC_HTTP_SERVER_REQUEST_BODY_SIZE,
  METRIC_HTTP_SERVER_REQUEST_DURATION,
  METRIC_HTTP_SERVER_RESPONSE_BODY_SIZE,
} from '../config/semantic-conventions.constants.js';
import { processWide } from '../process/process-wide.js';
import { histogram, observableUpDownCounter } from './instruments.js';
import { createLabels, durations, INSTRUMENTATION_SCOPE, type Outcome } from './own-instruments.js';

/** What requests of one series have in common; every text comes from a bounded set. */
export interface HttpServerSeriesIdentity {
  /** A known method in upper case, or `_OTHER`. */
  readonly method: string;
  /** `http` or `https`. */
  readonly scheme: string;
  /** `1.1`, `2`, … */
  readonly protocolVersion: string;
  /** Path template (`/orders/:id`); undefined when no route matched: no label has the raw URL. */
  readonly route: string | undefined;
}

/** `error.type` of a request whose client went away before the response was complete. */
const ABORTED = 'aborted';

/** The labels of the requests of one route: each set is one frozen object. */
export class HttpServerSeries {
  private readonly completed = new Map<number, Readonly<Attributes>>();
  private readonly aborted = new Map<number, Readonly<Attributes>>();

  constructor(private readonly identity: HttpServerSeriesIdentity) {}

  /** @param statusCode undefined when no response was sent */
  labels(statusCode: number | undefined, aborted: boolean): Readonly<Attributes> {
    const sets = aborted ? this.aborted : this.completed;
    const key = statusCode ?? 0;
    let labels = sets.get(key);
    if (labels === undefined) {
      labels = Object.freeze(this.describe(statusCode, aborted));
      sets.set(key, labels);
    }
    return labels;
  }

  private describe(statusCode: number | undefined, aborted: boolean): Attributes {
    const { method, scheme, protocolVersion, route } = this.identity;
    const attributes: Attributes = {
      [ATTR_HTTP_REQUEST_METHOD]: method,
      [ATTR_URL_SCHEME]: scheme,
      [ATTR_NETWORK_PROTOCOL_VERSION]: protocolVersion,
    };
    if (route !== undefined) attributes[ATTR_HTTP_ROUTE] = route;
    if (statusCode !== undefined) attributes[ATTR_HTTP_RESPONSE_STATUS_CODE] = statusCode;
    if (aborted) attributes[ATTR_ERROR_TYPE] = ABORTED;
    else if (statusCode !== undefined && statusCode >= 500) attributes[ATTR_ERROR_TYPE] = String(statusCode);
    return attributes;
  }
}

const duration = durations(METRIC_HTTP_SERVER_REQUEST_DURATION, 'Duration of HTTP server requests.');

const bodySizes = (name: string, description: string): Histogram =>
  histogram(INSTRUMENTATION_SCOPE, name, {
    description,
    unit: 'By',
    advice: { explicitBucketBoundaries: BODY_SIZE_BUCKETS_BYTES },
  });
const requestSize = bodySizes(METRIC_HTTP_SERVER_REQUEST_BODY_SIZE, 'Size of HTTP server request bodies.');
const responseSize = bodySizes(METRIC_HTTP_SERVER_RESPONSE_BODY_SIZE, 'Size of HTTP server response bodies.');

/**
 * Records a finished request into `http.server.request.duration`, in seconds, and its sizes into
 * `http.server.request.body.size` and `http.server.response.body.size`, in bytes; undefined where
 * there was no body or its length is not known.
 *
 * @param labels those of its `HttpServerSeries`, or with more of the application's own
 * @param context carries the server span, for exemplars
 */
export function recordHttpServerRequest(
  durationSeconds: number,
  requestBytes: number | undefined,
  responseBytes: number | undefined,
  labels: Readonly<Attributes>,
  context: Context,
): void {
  duration.record(durationSeconds, labels, context);
  if (requestBytes !== undefined) requestSize.record(requestBytes, labels, context);
  if (responseBytes !== undefined) responseSize.record(responseBytes, labels, context);
}

/** How many requests of one method and scheme are in progress. */
export interface ActiveRequests {
  count: number;
  readonly attributes: Readonly<Attributes>;
}

/** Of the whole process: two copies of this package would overwrite each other's series. */
const active = processWide('active-http-requests', () => new Map<string, ActiveRequests>());

/**
 * Returns the number of requests of that kind in progress, which the caller counts. It is read when
 * metrics are collected, as `http.server.active_requests`: counting costs an addition, not two
 * measurements.
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

/** A request that this process has sent and that is over. */
interface HttpClientRequest extends Outcome {
  readonly method: string;
  readonly serverAddress: string;
  /** undefined for a Unix domain socket. */
  readonly serverPort: number | undefined;
  /** `http` or `https`. */
  readonly scheme?: string | undefined;
  /** undefined when no response came; from 400 on it is the `errorType`, unless that is given. */
  readonly statusCode?: number | undefined;
  readonly protocolVersion?: string | undefined;
}

const clientDuration = durations(METRIC_HTTP_CLIENT_REQUEST_DURATION, 'Duration of HTTP client requests.');

const clientLabels = createLabels(
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_SCHEME,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_NETWORK_PROTOCOL_VERSION,
  ATTR_ERROR_TYPE,
);

/** Records a finished outgoing request into `http.client.request.duration`, in seconds. */
export function recordHttpClientRequest(request: HttpClientRequest): void {
  const { serverAddress, serverPort, scheme, statusCode, protocolVersion } = request;
  const method = knownHttpMethod(request.method);
  const failed = statusCode !== undefined && statusCode >= 400;
  const errorType = request.errorType ?? (failed ? String(statusCode) : undefined);
  clientDuration.record(
    request.durationSeconds,
    clientLabels(method, serverAddress, serverPort, scheme, statusCode, protocolVersion, errorType),
    request.context,
  );
}

/** The methods of the conventions; any other that a client sends must not become a label. */
const KNOWN_METHODS = new Set('GET POST PUT PATCH DELETE HEAD OPTIONS CONNECT TRACE QUERY'.split(' '));

/** The method as a label value: upper case, `_OTHER` when the conventions do not know it. */
export function knownHttpMethod(method: string): string {
  if (KNOWN_METHODS.has(method)) return method;
  const upper = method.toUpperCase();
  return KNOWN_METHODS.has(upper) ? upper : HTTP_REQUEST_METHOD_VALUE_OTHER;
}
