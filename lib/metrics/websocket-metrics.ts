import {
  ATTR_ERROR_TYPE,
  ATTR_NESTJS_WEBSOCKET_EVENT,
  ATTR_NESTJS_WEBSOCKET_GATEWAY,
  ATTR_NESTJS_WEBSOCKET_NAMESPACE,
  METRIC_NESTJS_WEBSOCKET_ACTIVE_CONNECTIONS,
  METRIC_NESTJS_WEBSOCKET_MESSAGE_DURATION,
} from '../config/semantic-conventions.constants.js';
import { observableUpDownCounter } from './instruments.js';
import { createLabels, durations, INSTRUMENTATION_SCOPE, type Outcome } from './own-instruments.js';

/** A message that a gateway has handled. */
export interface WebSocketMessage extends Outcome {
  /** Class of the gateway. */
  readonly gateway: string;
  /** The argument of `@SubscribeMessage()`. */
  readonly event: string;
  /** Namespace or path of the gateway, when it has one. */
  readonly namespace?: string | undefined;
}

const duration = durations(
  METRIC_NESTJS_WEBSOCKET_MESSAGE_DURATION,
  'Duration of handling WebSocket messages.',
);

const labels = createLabels(
  ATTR_NESTJS_WEBSOCKET_GATEWAY,
  ATTR_NESTJS_WEBSOCKET_EVENT,
  ATTR_NESTJS_WEBSOCKET_NAMESPACE,
  ATTR_ERROR_TYPE,
);

/** Records a handled message into `nestjs.websocket.message.duration`, in seconds. */
export function recordWebSocketMessage(message: WebSocketMessage): void {
  const { gateway, event, namespace, errorType, durationSeconds, context } = message;
  duration.record(durationSeconds, labels(gateway, event, namespace, errorType), context);
}

/** Open connections by namespace; a connection may outlive the SDK that ran when it opened. */
const connections = new Map<string, number>();

/** Counts an opened (1) or closed (-1) one in `nestjs.websocket.active_connections`. */
export function changeActiveWebSocketConnections(by: 1 | -1, namespace = ''): void {
  // Only here, so that an application without gateways has no such instrument.
  if (connections.size === 0) observeConnections();
  connections.set(namespace, (connections.get(namespace) ?? 0) + by);
}

function observeConnections(): void {
  observableUpDownCounter(
    INSTRUMENTATION_SCOPE,
    METRIC_NESTJS_WEBSOCKET_ACTIVE_CONNECTIONS,
    (result) => {
      for (const [namespace, count] of connections) {
        result.observe(count, namespace === '' ? {} : { [ATTR_NESTJS_WEBSOCKET_NAMESPACE]: namespace });
      }
    },
    { description: 'Number of open WebSocket connections.', unit: '{connection}' },
  );
}
