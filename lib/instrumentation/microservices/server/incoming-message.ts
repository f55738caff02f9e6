import { type Context, context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';

import { type Incoming, receive } from '../../../tracing/trace-context.js';
import { readCarrier } from '../carrier.js';
import { type Transport } from '../transports.js';

/** A message between the transport and its handler. */
export interface IncomingMessage {
  /** Headers, or the metadata of the packet, as the transport received them. */
  headers: unknown;
  readonly transport: Transport;
  isEvent: boolean;
  /** A message is looked up more than once by some transports. */
  unmatched: boolean;
}

const INCOMING = createContextKey('nestjs-telemetry incoming message');

/** Runs `fn` with the message in its context, and without the span that was active before. */
export function withIncoming<T>(message: IncomingMessage, fn: () => T): T {
  return context.with(ROOT_CONTEXT.setValue(INCOMING, message), fn);
}

/** The message that is handled now, where its transport is known. */
export function currentIncoming(): IncomingMessage | undefined {
  return context.active().getValue(INCOMING) as IncomingMessage | undefined;
}

/** The headers in the arguments of `handleMessage`; Redis and MQTT 3 have them in the text. */
const HEADERS_OF: Partial<Record<Transport, (args: readonly unknown[]) => unknown>> = {
  tcp: ([, packet]) => member(packet, 'metadata'),
  nats: ([, message]) => member(message, 'headers'),
  rabbitmq: ([message]) => member(member(message, 'properties'), 'headers'),
  kafka: ([payload]) => member(member(payload, 'message'), 'headers'),
  mqtt: ([, , , packet]) => member(member(packet, 'properties'), 'userProperties'),
};

export function readIncoming(transport: Transport, args: readonly unknown[]): IncomingMessage {
  return { headers: HEADERS_OF[transport]?.(args), transport, isEvent: false, unmatched: false };
}

/** Notes the metadata of a packet that a transport without headers has parsed. */
export function noteParsedPacket(packet: unknown): void {
  const message = currentIncoming();
  if (message !== undefined) message.headers ??= member(packet, 'metadata');
}

/** The context and links for a handler; without a sender's context, a new trace begins. */
export function receiveMessage(handlerArgs: readonly unknown[]): Incoming {
  const message = currentIncoming();
  const headers = message === undefined ? headersOfHandler(handlerArgs) : message.headers;
  const transport = message?.transport ?? (headers === undefined ? 'custom' : 'grpc');
  return receiveHeaders(transport, headers, ROOT_CONTEXT);
}

/** The sender's context and links, as far as it is trusted. */
export function receiveHeaders(transport: Transport, headers: unknown, base: Context): Incoming {
  return receive(transport, { headers }, base, () => readCarrier(headers, base));
}

/** gRPC passes metadata beside the request or on the call, NestJS 12 by `getMetadata`. */
function headersOfHandler([first, second]: readonly unknown[]): unknown {
  // A plain object: metadata has no `keys()` that a propagator could call.
  for (const metadata of [second, member(first, 'metadata')])
    if (isGrpcMetadata(metadata)) return metadata.getMap();
  const getMetadata = member(second, 'getMetadata');
  return typeof getMetadata === 'function' ? (getMetadata.call(second) as unknown) : undefined;
}

interface GrpcMetadata {
  get(key: string): unknown[];
  getMap(): Record<string, unknown>;
}

function isGrpcMetadata(value: unknown): value is GrpcMetadata {
  return typeof member(value, 'getMap') === 'function' && typeof member(value, 'get') === 'function';
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
