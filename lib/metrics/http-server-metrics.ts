import { type Attributes, type Context } from '@opentelemetry/api';

import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_NETWORK_PROTOCOL_VERSION,
  ATTR_URL_SCHEME,
  BODY_SIZE_BUCKETS_BYTES,
  DURATION_BUCKETS_SECONDS,
  METRIC_HTTP_SERVER_REQUEST_BODY_SIZE,
  METRIC_HTTP_SERVER_REQUEST_DURATION,
  METRIC_HTTP_SERVER_RESPONSE_BODY_SIZE,
} from '../config/semantic-conventions.constants.js';
import { INSTRUMENTATION_SCOPE } from './instrumentation-scope.constants.js';
import { histogram } from './instruments.js';

/** What requests of one series have in common; every text comes from a bounded set. */
export interface HttpServerSeriesIdentity {
  /** A known method in upper case, or `_OTHER`. */
  readonly method: string;
  /** `http` or `https`. */
  readonly scheme: string;
  /** `1.1`, `2`, … */
  readonly protocolVersion: string;
  /** Path template (`/orders/:id`); undefined when no route matched: the raw URL never becomes a label. */
  readonly route: string | undefined;
}

/** `error.type` of a request whose client went away before the response was complete. */
const ABORTED = 'aborted';

/** The labels of the requests of one route: each set is made once, frozen, and the same object ever after. */
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

const duration = histogram(INSTRUMENTATION_SCOPE, METRIC_HTTP_SERVER_REQUEST_DURATION, {
  description: 'Duration of HTTP server requests.',
  unit: 's',
  advice: { explicitBucketBoundaries: DURATION_BUCKETS_SECONDS },
});

const requestSize = histogram(INSTRUMENTATION_SCOPE, METRIC_HTTP_SERVER_REQUEST_BODY_SIZE, {
  description: 'Size of HTTP server request bodies.',
  unit: 'By',
  advice: { explicitBucketBoundaries: BODY_SIZE_BUCKETS_BYTES },
});

const responseSize = histogram(INSTRUMENTATION_SCOPE, METRIC_HTTP_SERVER_RESPONSE_BODY_SIZE, {
  description: 'Size of HTTP server response bodies.',
  unit: 'By',
  advice: { explicitBucketBoundaries: BODY_SIZE_BUCKETS_BYTES },
});

/**
 * Records a finished request into `http.server.request.duration`, in seconds, and what is known of its sizes into
 * `http.server.request.body.size` and `http.server.response.body.size`, in bytes; undefined where there was no body or its
 * length is not known.
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
