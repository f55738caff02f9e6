import { type Attributes, SpanKind } from '@opentelemetry/api';

import {
  ATTR_MESSAGING_DESTINATION_NAME,
  ATTR_MESSAGING_OPERATION_NAME,
  ATTR_MESSAGING_OPERATION_TYPE,
  ATTR_MESSAGING_SYSTEM,
  ATTR_NESTJS_TRANSPORT,
  ATTR_RPC_METHOD,
  ATTR_RPC_METHOD_ORIGINAL,
  ATTR_RPC_SYSTEM_NAME,
} from '../../../config/semantic-conventions.constants.js';
import { recordMessageProcessed, recordRpcServerCall } from '../../../metrics/rpc-metrics.js';
import { type OperationDescription } from '../operation.js';
import { type Transport } from '../transports.js';

/** How many characters of a pattern that no handler knows are kept. */
const MAX_ORIGINAL = 256;

/** An event that is handled: a CONSUMER span `process user.created`. */
export function describeEvent(transport: Transport, pattern: string): OperationDescription {
  return {
    name: `process ${pattern}`,
    kind: SpanKind.CONSUMER,
    attributes: Object.freeze({
      [ATTR_MESSAGING_SYSTEM]: transport,
      [ATTR_MESSAGING_OPERATION_NAME]: 'process',
      [ATTR_MESSAGING_OPERATION_TYPE]: 'process',
      [ATTR_MESSAGING_DESTINATION_NAME]: pattern,
      [ATTR_NESTJS_TRANSPORT]: transport,
    }),
    measure: (outcome) => {
      recordMessageProcessed({ system: transport, destination: pattern, ...outcome });
    },
  };
}

/** A request that is answered: a SERVER span named after its pattern. */
export function describeRequest(transport: Transport, pattern: string): OperationDescription {
  return {
    name: pattern,
    kind: SpanKind.SERVER,
    attributes: Object.freeze({
      [ATTR_RPC_SYSTEM_NAME]: 'nestjs',
      [ATTR_RPC_METHOD]: pattern,
      [ATTR_NESTJS_TRANSPORT]: transport,
    }),
    measure: (outcome) => {
      recordRpcServerCall({ system: 'nestjs', transport, method: pattern, ...outcome });
    },
  };
}

/** A gRPC call that is answered: a SERVER span `shop.Orders/Find`. */
export function describeGrpcCall(method: string): OperationDescription {
  return {
    name: method,
    kind: SpanKind.SERVER,
    attributes: Object.freeze({
      [ATTR_RPC_SYSTEM_NAME]: 'grpc',
      [ATTR_RPC_METHOD]: method,
      [ATTR_NESTJS_TRANSPORT]: 'grpc',
    }),
    measure: (outcome) => {
      recordRpcServerCall({ system: 'grpc', transport: 'grpc', method, ...outcome });
    },
  };
}

/** A message no handler knows: its pattern comes from the sender and is no name for a span or a metric. */
export function describeUnmatched(transport: Transport, isEvent: boolean): OperationDescription {
  const known = isEvent ? describeEvent(transport, '_OTHER') : describeRequest(transport, '_OTHER');
  return { ...known, name: isEvent ? 'process' : 'nestjs' };
}

/** The pattern as the sender wrote it, for the span of a message that no handler knows. */
export function originalPattern(pattern: unknown): Attributes {
  return { [ATTR_RPC_METHOD_ORIGINAL]: String(pattern).slice(0, MAX_ORIGINAL) };
}
