import { type Attributes, SpanKind, type SpanOptions } from '@opentelemetry/api';

import {
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_ROUTE,
  ATTR_NETWORK_PROTOCOL_VERSION,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_SCHEME,
  HTTP_REQUEST_METHOD_VALUE_OTHER,
} from '../../config/semantic-conventions.constants.js';
import { type ActiveRequests, activeHttpRequests } from '../../metrics/active-http-requests.js';
import { HttpServerSeries, type HttpServerSeriesIdentity } from '../../metrics/http-server-metrics.js';
import { parseHost } from './parse-host.js';

/** Clients may send any `Host`: beyond that many, what it says is not kept. */
const MAX_HOSTS = 32;

/** What every request of one method and route has in common, made when the first one comes. */
export class RouteRecord {
  readonly spanName: string;
  readonly series: HttpServerSeries;
  readonly active: ActiveRequests;
  private readonly starts = new Map<string, SpanOptions>();

  constructor(readonly identity: HttpServerSeriesIdentity) {
    const { method, route, scheme } = identity;
    const name = method === HTTP_REQUEST_METHOD_VALUE_OTHER ? 'HTTP' : method;
    this.spanName = route === undefined ? name : `${name} ${route}`;
    this.series = new HttpServerSeries(identity);
    this.active = activeHttpRequests(method, scheme);
  }

  /**
   * How a span of this route starts when asked at `host`. Frozen, and the same object for the same host, so that
   * whoever exports the attributes can keep what it made of them.
   */
  spanStart(host: string | undefined): SpanOptions {
    const key = host ?? '';
    const known = this.starts.get(key);
    if (known !== undefined) return known;
    const start = Object.freeze({ kind: SpanKind.SERVER, attributes: Object.freeze(this.describe(host)) });
    if (this.starts.size < MAX_HOSTS) this.starts.set(key, start);
    return start;
  }

  private describe(host: string | undefined): Attributes {
    const { method, route, scheme, protocolVersion } = this.identity;
    const attributes: Attributes = {
      [ATTR_HTTP_REQUEST_METHOD]: method,
      [ATTR_URL_SCHEME]: scheme,
      [ATTR_NETWORK_PROTOCOL_VERSION]: protocolVersion,
    };
    if (route !== undefined) attributes[ATTR_HTTP_ROUTE] = route;
    const server = parseHost(host, scheme);
    if (server !== undefined) {
      attributes[ATTR_SERVER_ADDRESS] = server.address;
      attributes[ATTR_SERVER_PORT] = server.port;
    }
    return attributes;
  }
}

/** The records of all requests of one scheme and protocol version, by method and route. */
class ProtocolRecords {
  private readonly methods = new Map<string, Map<string | undefined, RouteRecord>>();

  constructor(
    readonly scheme: string,
    readonly protocolVersion: string,
  ) {}

  get(method: string, route: string | undefined): RouteRecord {
    let routes = this.methods.get(method);
    if (routes === undefined) {
      routes = new Map();
      this.methods.set(method, routes);
    }
    let record = routes.get(route);
    if (record === undefined) {
      const { scheme, protocolVersion } = this;
      record = new RouteRecord({ method, route, scheme, protocolVersion });
      routes.set(route, record);
    }
    return record;
  }
}

/** The records of an application's routes. Methods and routes come from bounded sets, so nothing has to be forgotten. */
export class RouteRecords {
  private readonly protocols: ProtocolRecords[] = [];

  get(method: string, route: string | undefined, scheme: string, protocolVersion: string): RouteRecord {
    for (const records of this.protocols) {
      if (records.protocolVersion === protocolVersion && records.scheme === scheme)
        return records.get(method, route);
    }
    const records = new ProtocolRecords(scheme, protocolVersion);
    this.protocols.push(records);
    return records.get(method, route);
  }
}
