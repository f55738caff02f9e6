import { type Attributes, SpanKind } from '@opentelemetry/api';

import {
  ATTR_MESSAGING_DESTINATION_NAME,
  ATTR_MESSAGING_OPERATION_NAME,
  ATTR_MESSAGING_OPERATION_TYPE,
  ATTR_MESSAGING_SYSTEM,
  ATTR_NESTJS_TRANSPORT,
  ATTR_RPC_METHOD,
  ATTR_RPC_SYSTEM_NAME,
} from '../../config/semantic-conventions.constants.js';
import {
  measureClientCalls,
  measureProcessing,
  measureSending,
  measureServerCalls,
  type RpcOutcome,
} from '../../metrics/rpc-metrics.js';
import { addressAttributes, type ServerAddress, type Transport } from './transports.js';

/** What all operations of one pattern have in common; made once. */
export interface OperationDescription {
  readonly name: string;
  readonly kind: SpanKind;
  /** Frozen: encoders of spans may recognise the object. */
  readonly attributes: Attributes;
  readonly measure: (outcome: RpcOutcome) => void;
}

/** Stands for patterns of unbounded variety, which name neither spans nor metrics. */
const OTHER = '_OTHER';

/**
 * A request that is made or answered, named after its pattern; of gRPC, `shop.Orders/Find`.
 *
 * @param method undefined where patterns are of unbounded variety
 */
export function describeCall(
  kind: SpanKind.CLIENT | SpanKind.SERVER,
  transport: Transport,
  method: string | undefined,
  server?: ServerAddress,
): OperationDescription {
  const attributes = Object.freeze({
    [ATTR_RPC_SYSTEM_NAME]: transport === 'grpc' ? 'grpc' : 'nestjs',
    [ATTR_RPC_METHOD]: method ?? OTHER,
    [ATTR_NESTJS_TRANSPORT]: transport,
    ...addressAttributes(server),
  });
  const measureAll = kind === SpanKind.CLIENT ? measureClientCalls : measureServerCalls;
  return { name: method ?? 'nestjs', kind, attributes, measure: measureAll(attributes) };
}

/**
 * An event that is sent or handled: `publish user.created`, `process user.created`.
 *
 * @param pattern undefined where patterns are of unbounded variety
 */
export function describeEvent(
  kind: SpanKind.PRODUCER | SpanKind.CONSUMER,
  transport: Transport,
  pattern: string | undefined,
  server?: ServerAddress,
): OperationDescription {
  const isSent = kind === SpanKind.PRODUCER;
  const operation = isSent ? 'publish' : 'process';
  const attributes = Object.freeze({
    [ATTR_MESSAGING_SYSTEM]: transport,
    [ATTR_MESSAGING_OPERATION_NAME]: operation,
    [ATTR_MESSAGING_OPERATION_TYPE]: isSent ? 'send' : 'process',
    [ATTR_MESSAGING_DESTINATION_NAME]: pattern ?? OTHER,
    [ATTR_NESTJS_TRANSPORT]: transport,
    ...addressAttributes(server),
  });
  return {
    name: pattern === undefined ? operation : `${operation} ${pattern}`,
    kind,
    attributes,
    measure: (isSent ? measureSending : measureProcessing)(attributes),
  };
}
