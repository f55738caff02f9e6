import { context, isSpanContextValid, type SpanContext, SpanKind, trace } from '@opentelemetry/api';

import { incomingModeOf } from '../../tracing/incoming.js';
import { extractTraceContext, type TraceContextCarrier } from '../../tracing/propagation.js';

/**
 * Gives what the work on a connection is linked to, asked where the connection is opened: the span of the upgrade
 * request when there is one, else the caller's that the headers of the request name.
 */
export function findConnectionOrigin(
  headers: unknown,
  listener: 'websocket' | 'graphql' = 'websocket',
): SpanContext | undefined {
  const carrier =
    typeof headers === 'object' && headers !== null ? (headers as TraceContextCarrier) : undefined;
  const mode = incomingModeOf(listener, { headers });
  const remote =
    carrier === undefined || mode === 'ignore'
      ? undefined
      : trace.getSpanContext(extractTraceContext(carrier));
  const active = trace.getSpan(context.active());
  const upgrade = active?.spanContext();
  if (active !== undefined && upgrade !== undefined && isSpanContextValid(upgrade)) {
    // Whatever else happens to be active where the server was started has nothing to do with this connection.
    const belongs =
      remote === undefined || mode !== 'trust' ? isServerSpan(active) : remote.traceId === upgrade.traceId;
    if (belongs) return upgrade;
  }
  return remote;
}

function isServerSpan(span: object): boolean {
  return 'kind' in span && span.kind === SpanKind.SERVER;
}
