import { type Attributes, type Context } from '@opentelemetry/api';

import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_NETWORK_PROTOCOL_VERSION,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_SCHEME,
  DURATION_BUCKETS_SECONDS,
  METRIC_HTTP_CLIENT_REQUEST_DURATION,
} from '../config/semantic-conventions.constants.js';
import { createAttributeSets } from './attribute-sets.js';
import { knownHttpMethod } from './http-method.js';
import { INSTRUMENTATION_SCOPE } from './instrumentation-scope.constants.js';
import { histogram } from './instruments.js';

/** A request that this process has sent and that is over. */
export interface HttpClientRequest {
  readonly method: string;
  readonly serverAddress: string;
  /** undefined for a Unix domain socket. */
  readonly serverPort: number | undefined;
  /** `http` or `https`. */
  readonly scheme?: string | undefined;
  /** undefined when no response came. */
  readonly statusCode?: number | undefined;
  readonly protocolVersion?: string | undefined;
  /** What went wrong; default the status code from 400 on. Class names and codes, never messages. */
  readonly errorType?: string | undefined;
  readonly durationSeconds: number;
  /** The context of the request, so that the measurement knows its span. Default: the active one. */
  readonly context?: Context | undefined;
}

const duration = histogram(INSTRUMENTATION_SCOPE, METRIC_HTTP_CLIENT_REQUEST_DURATION, {
  description: 'Duration of HTTP client requests.',
  unit: 's',
  advice: { explicitBucketBoundaries: DURATION_BUCKETS_SECONDS },
});

const requestAttributes = createAttributeSets();

/** Records a finished outgoing request into `http.client.request.duration`, in seconds. */
export function recordHttpClientRequest(request: HttpClientRequest): void {
  const { method, serverAddress, serverPort = 0, scheme = '', statusCode = 0 } = request;
  const { protocolVersion = '', errorType = '' } = request;
  const key = `${method} ${statusCode} ${scheme} ${protocolVersion} ${serverPort} ${serverAddress} ${errorType}`;
  const attributes = requestAttributes(key, () => attributesOf(request));
  duration.record(request.durationSeconds, attributes, request.context);
}

function attributesOf(request: HttpClientRequest): Attributes {
  const { serverPort, scheme, statusCode, protocolVersion } = request;
  const failed = statusCode !== undefined && statusCode >= 400;
  const errorType = request.errorType ?? (failed ? String(statusCode) : undefined);
  return {
    [ATTR_HTTP_REQUEST_METHOD]: knownHttpMethod(request.method),
    [ATTR_SERVER_ADDRESS]: request.serverAddress,
    ...(serverPort !== undefined && { [ATTR_SERVER_PORT]: serverPort }),
    ...(scheme !== undefined && { [ATTR_URL_SCHEME]: scheme }),
    ...(statusCode !== undefined && { [ATTR_HTTP_RESPONSE_STATUS_CODE]: statusCode }),
    ...(protocolVersion !== undefined && { [ATTR_NETWORK_PROTOCOL_VERSION]: protocolVersion }),
    ...(errorType !== undefined && { [ATTR_ERROR_TYPE]: errorType }),
  };
}
