import { SpanKind } from '@opentelemetry/api';
import { type Observable } from 'rxjs';

import { describeCall, describeEvent, type OperationDescription } from '../descriptions.js';
import { serverAddressOf, type Transport, transportOfClient } from '../transports.js';

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

/** What is used of NestJS's `ClientProxy`, beside the members of single transports. */
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
 * How many patterns of one client have their own name. A client may write anything into a
 * pattern (`device/17/on`), where a server has registered what it handles.
 */
const MAX_PATTERNS = 200;

/** Descriptions of what one client sends, made once for each pattern. */
export class CallDescriptions {
  readonly transport: Transport;
  readonly request: (pattern: string) => OperationDescription;
  readonly event: (pattern: string) => OperationDescription;

  constructor(client: object) {
    const transport = transportOfClient(client);
    const server = serverAddressOf(client);
    this.transport = transport;
    this.request = rememberBounded((name) => describeCall(SpanKind.CLIENT, transport, name, server));
    this.event = rememberBounded((name) => describeEvent(SpanKind.PRODUCER, transport, name, server));
  }
}

function rememberBounded(
  make: (pattern: string | undefined) => OperationDescription,
): (pattern: string) => OperationDescription {
  const known = new Map<string | undefined, OperationDescription>();
  return (pattern) => {
    const name = known.has(pattern) || known.size < MAX_PATTERNS ? pattern : undefined;
    let description = known.get(name);
    if (description === undefined) known.set(name, (description = make(name)));
    return description;
  };
}
