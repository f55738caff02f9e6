import { type Attributes, type Context } from '@opentelemetry/api';

import {
  ATTR_ERROR_TYPE,
  ATTR_NESTJS_WEBSOCKET_EVENT,
  ATTR_NESTJS_WEBSOCKET_GATEWAY,
  ATTR_NESTJS_WEBSOCKET_NAMESPACE,
  DURATION_BUCKETS_SECONDS,
  METRIC_NESTJS_WEBSOCKET_ACTIVE_CONNECTIONS,
  METRIC_NESTJS_WEBSOCKET_MESSAGE_DURATION,
} from '../config/semantic-conventions.constants.js';
import {
  createAttributeSets,
  histogram,
  INSTRUMENTATION_SCOPE,
  observableUpDownCounter,
} from './instruments.js';

/** A message that a gateway has handled. */
export interface WebSocketMessage {
  /** Class of the gateway. */
  readonly gateway: string;
  /** What `@SubscribeMessage()` says. */
  readonly event: string;
  /** Namespace or path of the gateway, when it has one. */
  readonly namespace?: string | undefined;
  /** What went wrong; class names and codes, never messages. */
  readonly errorType?: string | undefined;
  readonly durationSeconds: number;
  /** The context of the message, so that the measurement knows its span. Default: the active one. */
  readonly context?: Context | undefined;
}

const duration = histogram(INSTRUMENTATION_SCOPE, METRIC_NESTJS_WEBSOCKET_MESSAGE_DURATION, {
  description: 'Duration of handling WebSocket messages.',
  unit: 's',
  advice: { explicitBucketBoundaries: DURATION_BUCKETS_SECONDS },
});

const messageAttributes = createAttributeSets();

/** Records a handled message into `nestjs.websocket.message.duration`, in seconds. */
export function recordWebSocketMessage(message: WebSocketMessage): void {
  const { gateway, event, namespace = '', errorType = '' } = message;
  const attributes = messageAttributes(`${gateway} ${namespace} ${errorType} ${event}`, () =>
    attributesOf(message),
  );
  duration.record(message.durationSeconds, attributes, message.context);
}

function attributesOf({ gateway, event, namespace, errorType }: WebSocketMessage): Attributes {
  return {
    [ATTR_NESTJS_WEBSOCKET_GATEWAY]: gateway,
    [ATTR_NESTJS_WEBSOCKET_EVENT]: event,
    ...(namespace !== undefined && { [ATTR_NESTJS_WEBSOCKET_NAMESPACE]: namespace }),
    ...(errorType !== undefined && { [ATTR_ERROR_TYPE]: errorType }),
  };
}

/** Open connections by namespace. Asked for when metrics are collected: a connection may outlive the SDK it began under. */
const connections = new Map<string, number>();

/** Adds a connection to `nestjs.websocket.active_connections` when it opens; give -1 with the same namespace when it closes. */
export function changeActiveWebSocketConnections(by: 1 | -1, namespace = ''): void {
  // Asked for here and not when the file is loaded: an application without gateways has no such instrument.
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
