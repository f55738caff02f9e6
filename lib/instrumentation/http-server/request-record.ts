import { type IncomingMessage, type ServerResponse } from 'node:http';

import {
  type Attributes,
  type Context,
  context,
  type Link,
  propagation,
  type Span,
  SpanKind,
  type SpanOptions,
  trace,
} from '@opentelemetry/api';

import { type IncomingRequest } from '../../config/propagation.js';
import {
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_ROUTE,
  ATTR_NETWORK_PROTOCOL_VERSION,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_SCHEME,
  HTTP_REQUEST_METHOD_VALUE_OTHER,
} from '../../config/semantic-conventions.constants.js';
import { isTracingSuppressed } from '../../engine/suppressed-tracing.js';
import { warnOnce } from '../../errors/warnings.js';
import { type FinishedRequest, writeRequestLine } from '../../logging/own-lines.js';
import { endRequestScope, handlerOf, withRequestScope } from '../../logging/request-scope.js';
import {
  activeHttpRequests,
  type ActiveRequests,
  HttpServerSeries,
  type HttpServerSeriesIdentity,
  knownHttpMethod,
  recordHttpServerRequest,
} from '../../metrics/http-metrics.js';
import { annotationsOf, withEntrySpan } from '../../tracing/annotate.js';
import { receive } from '../../tracing/trace-context.js';
import { type Forwarded, type HttpFramework } from './http-framework.js';
import { type RecordingSettings } from './recording-settings.js';
import { requestFailureOf } from './request-failures.js';
import {
  describeOutcome,
  describeUnknownMethod,
  foreignServerSpanIn,
  hostOf,
  nameOf,
  parseHost,
  readLength,
  schemeOf,
  startServerSpan,
  wantsEvents,
} from './server-span.js';

/**
 * One request from its first hook to the end of its response: its SERVER span, measurements and log
 * line. The only object that is made for it; what it shares with others is in the `RouteRecord`.
 */
export class RequestRecord implements FinishedRequest {
  readonly method: string;
  route: string | undefined;
  statusCode: number | undefined;
  aborted = false;
  durationMs = 0;
  handler: string | undefined;
  failure: { readonly error: unknown } | undefined;
  annotations: Readonly<Attributes> | undefined;
  /** Carries the server span, for what runs below it, the request line and exemplars. */
  readonly context: Context;
  /** The `emit` of the request, which its events are passed to. */
  emit: IncomingMessage['emit'] | undefined;
  private readonly startedAt = performance.now();
  private readonly begun: RouteRecord;
  private links: Link[] | undefined;
  private readonly span: Span;
  /** false when another instrumentation had opened the span of the request, which is used then. */
  private readonly owned: boolean;
  /** The name of the span when the request began: the application may have changed it since. */
  readonly nameAtStart: string | undefined;
  private ended = false;

  constructor(
    private readonly settings: RecordingSettings,
    private readonly routes: RouteRecords,
    private readonly framework: HttpFramework,
    private readonly request: unknown,
    private readonly response: unknown,
    private readonly raw: IncomingMessage,
    readonly path: string,
    routeAtStart: string | undefined,
  ) {
    const forwarded = readForwarded(framework, request);
    this.method = knownHttpMethod(raw.method ?? '');
    this.route = routeAtStart;
    const scheme = forwarded?.scheme ?? schemeOf(raw);
    const version = raw.httpVersionMajor === 2 ? '2' : raw.httpVersion;
    this.begun = routes.get(this.method, routeAtStart, scheme, version);
    const caller = context.active();
    const existing = foreignServerSpanIn(caller);
    this.owned = existing === undefined;
    if (existing !== undefined) {
      this.span = existing;
      this.context = withEntrySpan(withRequestScope(caller), existing);
    } else {
      // Below the span, which is looked for more often.
      const parent = withRequestScope(this.parentOf(caller));
      this.span = this.startSpan(forwarded, parent);
      this.context = withEntrySpan(trace.setSpan(parent, this.span), this.span);
    }
    this.nameAtStart = this.owned ? this.begun.spanName : nameOf(this.span);
    this.begun.active.count += 1;
  }

  /**
   * Ends the record; only the first call does anything. Never throws.
   *
   * @param statusCode undefined when no response was sent
   * @param aborted whether the client went away before the response was complete
   * @param answer the response, where there is one
   */
  end(statusCode: number | undefined, aborted: boolean, answer?: ServerResponse): void {
    if (this.ended) return;
    this.ended = true;
    this.begun.active.count -= 1;
    this.durationMs = performance.now() - this.startedAt;
    this.statusCode = statusCode;
    // A stream of events has no other end.
    this.aborted = aborted && !(statusCode !== undefined && wantsEvents(this.raw));
    try {
      this.finish();
    } catch (error) {
      // A listener of a response has no caller that catches: an error here would end the process.
      warnOnce('http-server:end', `a request could not be recorded completely: ${String(error)}`);
    }
    endRequestScope(this.context, aborted ? answer : undefined);
  }

  /** Sets the route of a request that is recorded already, where it was not known. */
  adoptRoute(route: string | undefined): void {
    this.route ??= route;
  }

  /** Notes the error of a stream that was being sent as the response. */
  fail(error: unknown): void {
    this.failure ??= { error };
  }

  /** The id that answers to exceptions show; undefined where they do not. */
  traceIdForErrors(): string | undefined {
    const { span, settings } = this;
    return settings.traceIdInErrors ? span.spanContext().traceId : undefined;
  }

  private finish(): void {
    const { span, settings, request, response } = this;
    const { identity } = this.begun;
    this.route = this.framework.routeAtEnd(request, this.route);
    // The span of another library has its own name, even where the route was known.
    const found =
      this.owned && this.route === identity.route
        ? undefined
        : this.routes.get(this.method, this.route, identity.scheme, identity.protocolVersion);
    const isRecording = span.isRecording();
    const user = isRecording || settings.writesLines ? settings.userOf?.(request) : undefined;
    if (isRecording) {
      describeOutcome(span, this, found);
      if (user !== undefined) span.setAttributes(user);
      const own = settings.spanAttributes?.(request, response);
      if (own !== undefined) span.setAttributes(own);
    }
    this.measure(found ?? this.begun);
    if (this.owned) span.end();
    // After the end of the span: the line would be an event of it otherwise.
    if (!settings.writesLines) return;
    this.handler = handlerOf(this.context);
    this.failure = requestFailureOf(span) ?? this.failure;
    const annotations = annotationsOf(span);
    this.annotations = user === undefined ? annotations : { ...user, ...annotations };
    writeRequestLine(this);
  }

  private measure({ series }: RouteRecord): void {
    const { request, response, raw, framework, statusCode, aborted } = this;
    const labels = series.labels(statusCode, aborted);
    const own = this.settings.metricAttributes?.(request, response);
    const sent = !aborted && this.method !== 'HEAD';
    recordHttpServerRequest(
      this.durationMs / 1000,
      readLength(raw.headers['content-length']),
      sent ? readLength(framework.responseLength(response)) : undefined,
      own === undefined ? labels : { ...labels, ...own },
      this.context,
    );
  }

  private parentOf(caller: Context): Context {
    const { headers } = this.raw;
    const hasNoCaller = headers.traceparent === undefined && headers.baggage === undefined;
    if (hasNoCaller && this.settings.extractsW3cOnly) return caller;
    if (isTracingSuppressed(caller)) return caller;
    if (this.settings.trustsCallers) return propagation.extract(caller, headers);
    const request = this.request as IncomingRequest;
    const { context: parent, links } = receive('http', request, trace.deleteSpan(caller), () =>
      propagation.extract(caller, headers),
    );
    if (links.length > 0) this.links = links;
    return parent;
  }

  private startSpan(forwarded: Forwarded | undefined, parent: Context): Span {
    const { raw, path, method, links } = this;
    const host = forwarded?.host ?? hostOf(raw);
    const { describesAtStart } = this.settings;
    const start = { raw, path, host, forwarded, describesAtStart, links };
    const span = startServerSpan(this.begun, start, parent);
    describeUnknownMethod(span, method, raw.method);
    return span;
  }
}

function readForwarded(framework: HttpFramework, request: unknown): Forwarded | undefined {
  try {
    return framework.forwarded(request);
  } catch (error) {
    // The application's own function that decides whom to trust.
    warnOnce('http-server:trust-proxy', `the sender of a request could not be determined: ${String(error)}`);
    return undefined;
  }
}

/** Clients may send any `Host`: further ones are not kept. */
const MAX_HOSTS = 32;

/** What all requests of one method and route have in common. */
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

  /** The start of a span; frozen, and one object for each host, so that encoders can cache it. */
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

/** The records of an application's routes; methods and routes are of bounded variety. */
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
