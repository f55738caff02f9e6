import {
  context,
  isSpanContextValid,
  type Link,
  type SpanContext,
  SpanKind,
  trace,
} from '@opentelemetry/api';

import { changeActiveWebSocketConnections } from '../../metrics/websocket-metrics.js';
import { extractTraceContext, type TraceContextCarrier } from '../../tracing/propagation.js';
import { type WebSocketAdapterLike } from './nest-websockets.interface.js';

/** Where a client keeps the request it connected with: `Socket` of socket.io, or nowhere (ws gives it as an argument). */
interface ClientLike {
  readonly handshake?: { readonly headers?: TraceContextCarrier };
  readonly request?: { readonly headers?: TraceContextCarrier };
}

const NONE: Link[] = [];

/** The connections of one application: what their traces are linked to, and how many there are. */
export class Connections {
  private readonly links = new WeakMap<object, Link[]>();

  /** Notes a connection; every gateway of a server hears of the same ones. */
  open(
    client: unknown,
    request: unknown,
    adapter: WebSocketAdapterLike,
    namespace: string | undefined,
  ): void {
    if (!isObject(client) || this.links.has(client)) return;
    const origin = originOf(client, request);
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

  /** What the trace of a message of that client is linked to: the request that opened its connection. */
  linksOf(client: unknown): Link[] {
    return isObject(client) ? (this.links.get(client) ?? NONE) : NONE;
  }
}

/** The span of the upgrade request when there is one, else the caller's that its headers name. */
function originOf(client: ClientLike, request: unknown): SpanContext | undefined {
  const { headers } = isObject(request) ? (request as ClientLike['request'] & object) : {};
  const carrier = headers ?? client.handshake?.headers ?? client.request?.headers;
  const remote = carrier === undefined ? undefined : trace.getSpanContext(extractTraceContext(carrier));
  const active = trace.getSpan(context.active());
  const upgrade = active?.spanContext();
  if (active !== undefined && upgrade !== undefined && isSpanContextValid(upgrade)) {
    // Whatever else happens to be active where the server was started has nothing to do with this connection.
    const belongs = remote === undefined ? isServerSpan(active) : remote.traceId === upgrade.traceId;
    if (belongs) return upgrade;
  }
  return remote;
}

function isServerSpan(span: object): boolean {
  return 'kind' in span && span.kind === SpanKind.SERVER;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
