import { type Attributes, type Context } from '@opentelemetry/api';

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
  DURATION_BUCKETS_SECONDS,
  JOB_BUCKETS_SECONDS,
  METRIC_MESSAGING_CLIENT_OPERATION_DURATION,
  METRIC_MESSAGING_PROCESS_DURATION,
  METRIC_RPC_CLIENT_CALL_DURATION,
  METRIC_RPC_SERVER_CALL_DURATION,
} from '../config/semantic-conventions.constants.js';
import { createAttributeSets, histogram, INSTRUMENTATION_SCOPE } from './instruments.js';

/** How a call or message ended, and how long it took. */
interface Outcome {
  readonly durationSeconds: number;
  /** What went wrong: class names, codes and names of statuses, never messages. */
  readonly errorType?: string | undefined;
  /** The context of the work, so that the measurement knows its span. Default: the active one. */
  readonly context?: Context | undefined;
}

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

const seconds = { unit: 's', advice: { explicitBucketBoundaries: DURATION_BUCKETS_SECONDS } };

const serverCalls = histogram(INSTRUMENTATION_SCOPE, METRIC_RPC_SERVER_CALL_DURATION, {
  description: 'Duration of incoming remote procedure calls.',
  ...seconds,
});
const clientCalls = histogram(INSTRUMENTATION_SCOPE, METRIC_RPC_CLIENT_CALL_DURATION, {
  description: 'Duration of outgoing remote procedure calls.',
  ...seconds,
});
// Shared with the jobs of queues: the same two instruments, and the same options.
const processing = histogram(INSTRUMENTATION_SCOPE, METRIC_MESSAGING_PROCESS_DURATION, {
  description: 'Duration of processing a message or job.',
  unit: 's',
  advice: { explicitBucketBoundaries: JOB_BUCKETS_SECONDS },
});
const sending = histogram(INSTRUMENTATION_SCOPE, METRIC_MESSAGING_CLIENT_OPERATION_DURATION, {
  description: 'Duration of handing messages or jobs over.',
  ...seconds,
});

const callAttributes = createAttributeSets();
const messageAttributes = createAttributeSets();

/** Records a call this process has answered into `rpc.server.call.duration`, in seconds. */
export function recordRpcServerCall(call: RpcCall): void {
  serverCalls.record(call.durationSeconds, attributesOfCall(call), call.context);
}

/** Records a call this process has made into `rpc.client.call.duration`, in seconds. */
export function recordRpcClientCall(call: RpcCall): void {
  clientCalls.record(call.durationSeconds, attributesOfCall(call), call.context);
}

/** Records a message this process has handled into `messaging.process.duration`, in seconds. */
export function recordMessageProcessed(message: MessageOperation): void {
  processing.record(
    message.durationSeconds,
    attributesOfMessage(message, 'process', 'process'),
    message.context,
  );
}

/** Records a message this process has sent into `messaging.client.operation.duration`, in seconds. */
export function recordMessageSent(message: MessageOperation): void {
  sending.record(message.durationSeconds, attributesOfMessage(message, 'publish', 'send'), message.context);
}

function attributesOfCall(call: RpcCall): Attributes {
  const { system, transport, method, statusCode = '', errorType = '', server } = call;
  const key = `${system} ${transport} ${statusCode} ${errorType} ${addressKey(server)} ${method}`;
  return callAttributes(key, () => ({
    [ATTR_RPC_SYSTEM_NAME]: system,
    [ATTR_RPC_METHOD]: method,
    [ATTR_NESTJS_TRANSPORT]: transport,
    ...(statusCode !== '' && { [ATTR_RPC_STATUS_CODE]: statusCode }),
    ...(errorType !== '' && { [ATTR_ERROR_TYPE]: errorType }),
    ...addressAttributes(server),
  }));
}

function attributesOfMessage(message: MessageOperation, name: string, type: string): Attributes {
  const { system, destination, errorType = '', server } = message;
  const key = `${type} ${system} ${errorType} ${addressKey(server)} ${destination}`;
  return messageAttributes(key, () => ({
    [ATTR_MESSAGING_SYSTEM]: system,
    [ATTR_MESSAGING_OPERATION_NAME]: name,
    [ATTR_MESSAGING_OPERATION_TYPE]: type,
    [ATTR_MESSAGING_DESTINATION_NAME]: destination,
    ...(errorType !== '' && { [ATTR_ERROR_TYPE]: errorType }),
    ...addressAttributes(server),
  }));
}

function addressKey(server: Address | undefined): string {
  return server === undefined ? '' : `${server.address ?? ''}:${String(server.port ?? '')}`;
}

function addressAttributes(server: Address | undefined): Attributes {
  return {
    ...(server?.address !== undefined && { [ATTR_SERVER_ADDRESS]: server.address }),
    ...(server?.port !== undefined && { [ATTR_SERVER_PORT]: server.port }),
  };
}
