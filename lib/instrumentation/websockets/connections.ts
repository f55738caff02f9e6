import {
  context,
  isSpanContextValid,
  type Link,
  type SpanContext,
  SpanKind,
  trace,
} from '@opentelemetry/api';

import { changeActiveWebSocketConnections } from '../../metrics/websocket-metrics.js';
import {
  extractTraceContext,
  incomingModeOf,
  type TraceContextCarrier,
} from '../../tracing/trace-context.js';
import { type WebSocketAdapterLike } from './observe-controller.js';

/** Where a client of socket.io keeps the request it connected with; ws passes it as an argument. */
interface ClientLike {
  readonly handshake?: { readonly headers?: unknown };
  readonly request?: { readonly headers?: unknown };
}

const NONE: Link[] = [];

/** The connections of one application: their links and their number. */
export class Connections {
  private readonly links = new WeakMap<object, Link[]>();

  /** Notes a connection; every gateway of a server reports the same ones. */
  open(
    client: unknown,
    request: unknown,
    adapter: WebSocketAdapterLike,
    namespace: string | undefined,
  ): void {
    if (!isObject(client) || this.links.has(client)) return;
    const origin = findConnectionOrigin(headersOf(client, request));
    this.links.set(client, origin === undefined ? NONE : [{ context: origin }]);
    if (adapter.bindClientDisconnect === undefined) return;
    let open = true;
    changeActiveWebSocketConnections(1, namespace);
    adapter.bindClientDisconnect(client, () => {
      if (!open) return;
      open = false;
      changeActiveWebSocketConnections(-1, namespace);
    });
  }

  /** Links for the trace of a message: to the request that opened the connection. */
  linksOf(client: unknown): Link[] {
    return isObject(client) ? (this.links.get(client) ?? NONE) : NONE;
  }
}

function headersOf(client: ClientLike, request: unknown): unknown {
  const own = isObject(request) ? (request as { readonly headers?: unknown }).headers : undefined;
  return own ?? client.handshake?.headers ?? client.request?.headers;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/**
 * What the work on a connection is linked to: the active span of the upgrade request, else the
 * caller's that the headers name. Call it where the connection is opened.
 */
export function findConnectionOrigin(
  headers: unknown,
  listener: 'websocket' | 'graphql' = 'websocket',
): SpanContext | undefined {
  const carrier =
    typeof headers === 'object' && headers !== null ? (headers as TraceContextCarrier) : undefined;
  const mode = incomingModeOf(listener, { headers });
  const reads = carrier !== undefined && mode !== 'ignore';
  const remote = reads ? trace.getSpanContext(extractTraceContext(carrier)) : undefined;
  const active = trace.getSpan(context.active());
  const upgrade = active?.spanContext();
  if (active !== undefined && upgrade !== undefined && isSpanContextValid(upgrade)) {
    // Another span may be active where the server was started.
    const belongs =
      remote === undefined || mode !== 'trust' ? isServerSpan(active) : remote.traceId === upgrade.traceId;
    if (belongs) return upgrade;
  }
  return remote;
}

function isServerSpan(span: object): boolean {
  return 'kind' in span && span.kind === SpanKind.SERVER;
}
