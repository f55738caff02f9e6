import { type Attributes } from '@opentelemetry/api';

import {
  ATTR_ERROR_TYPE,
  ATTR_MESSAGING_DESTINATION_NAME,
  ATTR_MESSAGING_OPERATION_NAME,
  ATTR_MESSAGING_OPERATION_TYPE,
  ATTR_MESSAGING_SYSTEM,
  ATTR_NESTJS_TRANSPORT,
  ATTR_RPC_METHOD,
  ATTR_RPC_STATUS_CODE,
  ATTR_RPC_SYSTEM_NAME,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  METRIC_RPC_CLIENT_CALL_DURATION,
  METRIC_RPC_SERVER_CALL_DURATION,
} from '../config/semantic-conventions.constants.js';
import { createLabels, durations, type Outcome, processing, sending } from './own-instruments.js';

interface Address {
  readonly address?: string;
  readonly port?: number;
}

/** A call that was answered, or given up. */
export interface RpcCall extends Outcome {
  /** `grpc`, or `nestjs` for its own message patterns. */
  readonly system: string;
  /** How it travelled: `tcp`, `redis`, `grpc`, … */
  readonly transport: string;
  /** The name of a method or pattern as the server has registered it; `_OTHER` for any other. */
  readonly method: string;
  readonly statusCode?: string | undefined;
  /** Where a client sent it. */
  readonly server?: Address | undefined;
}

/** A message that was sent without an answer being awaited, or handled. */
export interface MessageOperation extends Outcome {
  /** `kafka`, `rabbitmq`, `tcp`, … */
  readonly system: string;
  /** The pattern, of bounded variety. */
  readonly destination: string;
  readonly server?: Address | undefined;
}

const serverCalls = durations(
  METRIC_RPC_SERVER_CALL_DURATION,
  'Duration of incoming remote procedure calls.',
);
const clientCalls = durations(
  METRIC_RPC_CLIENT_CALL_DURATION,
  'Duration of outgoing remote procedure calls.',
);

const callLabels = createLabels(
  ATTR_RPC_SYSTEM_NAME,
  ATTR_RPC_METHOD,
  ATTR_NESTJS_TRANSPORT,
  ATTR_RPC_STATUS_CODE,
  ATTR_ERROR_TYPE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
);
const messageLabels = createLabels(
  ATTR_MESSAGING_SYSTEM,
  ATTR_MESSAGING_OPERATION_NAME,
  ATTR_MESSAGING_OPERATION_TYPE,
  ATTR_MESSAGING_DESTINATION_NAME,
  ATTR_ERROR_TYPE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
);

/** Records a call this process has answered into `rpc.server.call.duration`, in seconds. */
export function recordRpcServerCall(call: RpcCall): void {
  serverCalls.record(call.durationSeconds, labelsOfCall(call), call.context);
}

/** Records a call this process has made into `rpc.client.call.duration`, in seconds. */
export function recordRpcClientCall(call: RpcCall): void {
  clientCalls.record(call.durationSeconds, labelsOfCall(call), call.context);
}

/** Records a message this process has handled into `messaging.process.duration`, in seconds. */
export function recordMessageProcessed(message: MessageOperation): void {
  const labels = labelsOfMessage(message, 'process', 'process');
  processing.record(message.durationSeconds, labels, message.context);
}

/** Records a message this process has sent into `messaging.client.operation.duration`, in seconds. */
export function recordMessageSent(message: MessageOperation): void {
  const labels = labelsOfMessage(message, 'publish', 'send');
  sending.record(message.durationSeconds, labels, message.context);
}

function labelsOfCall({ system, method, transport, statusCode, errorType, server }: RpcCall): Attributes {
  return callLabels(system, method, transport, statusCode, errorType, server?.address, server?.port);
}

function labelsOfMessage(message: MessageOperation, name: string, type: string): Attributes {
  const { system, destination, errorType, server } = message;
  return messageLabels(system, name, type, destination, errorType, server?.address, server?.port);
}
