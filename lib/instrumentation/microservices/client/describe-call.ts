import { type Attributes, SpanKind } from '@opentelemetry/api';
import { type Observable } from 'rxjs';

import {
  ATTR_MESSAGING_DESTINATION_NAME,
  ATTR_MESSAGING_OPERATION_NAME,
  ATTR_MESSAGING_OPERATION_TYPE,
  ATTR_MESSAGING_SYSTEM,
  ATTR_NESTJS_TRANSPORT,
  ATTR_RPC_METHOD,
  ATTR_RPC_SYSTEM_NAME,
} from '../../../config/semantic-conventions.constants.js';
import { recordMessageSent, recordRpcClientCall } from '../../../metrics/rpc-metrics.js';
import { type OperationDescription } from '../operation.js';
import {
  addressAttributes,
  type ServerAddress,
  serverAddressOf,
  type Transport,
  transportOfClient,
} from '../transports.js';

/**
 * What NestJS's clients hand to their transport; `metadata` is NestJS 12's place for what is not
 * payload.
 */
export interface OutgoingPacket {
  readonly pattern: unknown;
  readonly data: unknown;
  metadata?: unknown;
}

export type DispatchHook = (packet: OutgoingPacket) => void;

/**
 * What is used of NestJS's `ClientProxy`; the members of single transports are read where they are.
 */
export interface ClientProxyLike {
  send(pattern: unknown, data: unknown): Observable<unknown>;
  emit(pattern: unknown, data: unknown): Observable<unknown>;
  normalizePattern?(pattern: unknown): unknown;
  /** NestJS 12 only. */
  setOnDispatchHook?(hook: DispatchHook): void;
  onDispatchHook?: DispatchHook | undefined;
  readonly options?: unknown;
  serializer?: unknown;
}

/**
 * How many patterns of one client have a name of their own. A client may write anything into a
 * pattern (`device/17/on`), where a server has registered what it handles.
 */
const MAX_PATTERNS = 200;

/** Descriptions of what one client sends, made once for each pattern. */
export class CallDescriptions {
  readonly transport: Transport;
  private readonly server: ServerAddress;
  private readonly requests = new Map<string, OperationDescription>();
  private readonly events = new Map<string, OperationDescription>();

  constructor(client: object) {
    this.transport = transportOfClient(client);
    this.server = serverAddressOf(client);
  }

  request(pattern: string): OperationDescription {
    return this.remember(this.requests, pattern, (name) =>
      describeRequest(this.transport, name, this.server),
    );
  }

  event(pattern: string): OperationDescription {
    return this.remember(this.events, pattern, (name) => describeEvent(this.transport, name, this.server));
  }

  private remember(
    known: Map<string, OperationDescription>,
    pattern: string,
    make: (name: string) => OperationDescription,
  ): OperationDescription {
    const name = known.has(pattern) || known.size < MAX_PATTERNS ? pattern : '_OTHER';
    let description = known.get(name);
    if (description === undefined) {
      description = make(name);
      known.set(name, description);
    }
    return description;
  }
}

function describeRequest(transport: Transport, pattern: string, server: ServerAddress): OperationDescription {
  return {
    name: pattern === '_OTHER' ? 'nestjs' : pattern,
    kind: SpanKind.CLIENT,
    attributes: rpcAttributes('nestjs', pattern, transport, server),
    measure: (outcome) => {
      recordRpcClientCall({ system: 'nestjs', transport, method: pattern, server, ...outcome });
    },
  };
}

/** A gRPC call that is made: a CLIENT span `shop.Orders/Find`. */
export function describeGrpcRequest(method: string, server: ServerAddress): OperationDescription {
  return {
    name: method,
    kind: SpanKind.CLIENT,
    attributes: rpcAttributes('grpc', method, 'grpc', server),
    measure: (outcome) => {
      recordRpcClientCall({ system: 'grpc', transport: 'grpc', method, server, ...outcome });
    },
  };
}

function describeEvent(transport: Transport, pattern: string, server: ServerAddress): OperationDescription {
  return {
    name: pattern === '_OTHER' ? 'publish' : `publish ${pattern}`,
    kind: SpanKind.PRODUCER,
    attributes: Object.freeze({
      [ATTR_MESSAGING_SYSTEM]: transport,
      [ATTR_MESSAGING_OPERATION_NAME]: 'publish',
      [ATTR_MESSAGING_OPERATION_TYPE]: 'send',
      [ATTR_MESSAGING_DESTINATION_NAME]: pattern,
      [ATTR_NESTJS_TRANSPORT]: transport,
      ...addressAttributes(server),
    }),
    measure: (outcome) => {
      recordMessageSent({ system: transport, destination: pattern, server, ...outcome });
    },
  };
}

function rpcAttributes(
  system: string,
  method: string,
  transport: Transport,
  server: ServerAddress,
): Attributes {
  return Object.freeze({
    [ATTR_RPC_SYSTEM_NAME]: system,
    [ATTR_RPC_METHOD]: method,
    [ATTR_NESTJS_TRANSPORT]: transport,
    ...addressAttributes(server),
  });
}
