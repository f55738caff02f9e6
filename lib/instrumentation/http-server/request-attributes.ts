import { type IncomingMessage } from 'node:http';
import { type Socket } from 'node:net';

import { type Attributes } from '@opentelemetry/api';

import {
  ATTR_CLIENT_ADDRESS,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_REQUEST_METHOD_ORIGINAL,
  ATTR_NETWORK_PROTOCOL_VERSION,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_PATH,
  ATTR_URL_SCHEME,
  ATTR_USER_AGENT_ORIGINAL,
} from '../../config/semantic-conventions.constants.js';
import { knownHttpMethod } from '../../metrics/http-method.js';

export interface RequestIdentity {
  readonly method: string;
  readonly path: string;
  readonly scheme: 'http' | 'https';
}

/** What names a request before anything is known of its route. */
export function identifyRequest(request: IncomingMessage): RequestIdentity {
  const method = request.method ?? '';
  const url = request.url ?? '/';
  const query = url.indexOf('?');
  return {
    method: knownHttpMethod(method),
    path: query === -1 ? url : url.slice(0, query),
    scheme: isEncrypted(request.socket) ? 'https' : 'http',
  };
}

/**
 * Describes a request by the stable HTTP conventions. The query is left out on purpose: tokens and personal data live
 * there, and `url.query` is not needed to find a trace.
 */
export function describeRequest(
  request: IncomingMessage,
  { method, path, scheme }: RequestIdentity,
): Attributes {
  const attributes: Attributes = {
    [ATTR_HTTP_REQUEST_METHOD]: method,
    [ATTR_URL_PATH]: path,
    [ATTR_URL_SCHEME]: scheme,
    [ATTR_NETWORK_PROTOCOL_VERSION]: request.httpVersion,
  };
  if (method === '_OTHER' && request.method !== undefined)
    attributes[ATTR_HTTP_REQUEST_METHOD_ORIGINAL] = request.method;
  const { host, 'user-agent': userAgent } = request.headers;
  if (host !== undefined) addServer(attributes, host);
  if (userAgent !== undefined) attributes[ATTR_USER_AGENT_ORIGINAL] = userAgent;
  const { remoteAddress } = request.socket;
  if (remoteAddress !== undefined) attributes[ATTR_CLIENT_ADDRESS] = remoteAddress;
  return attributes;
}

function addServer(attributes: Attributes, host: string): void {
  const colon = host.lastIndexOf(':');
  const hasPort = colon > host.lastIndexOf(']');
  attributes[ATTR_SERVER_ADDRESS] = hasPort ? host.slice(0, colon) : host;
  const port = hasPort ? Number(host.slice(colon + 1)) : Number.NaN;
  if (Number.isInteger(port)) attributes[ATTR_SERVER_PORT] = port;
}

function isEncrypted(socket: Socket): boolean {
  return 'encrypted' in socket && socket.encrypted === true;
}
