import { type Context, context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';

import { type Incoming, receive } from '../../../tracing/trace-context.js';
import { readCarrier } from '../carrier.js';
import { type Transport } from '../transports.js';

/** A message on its way through a server, from the transport to its handler. */
export interface IncomingMessage {
  /** Headers, or the metadata of the packet, as the transport received them. */
  headers: unknown;
  readonly transport: Transport;
  isEvent: boolean;
  /** A message is looked up more than once by some transports. */
  unmatched: boolean;
}

const INCOMING = createContextKey('nestjs-telemetry incoming message');

/**
 * Runs `fn` with the message it handles known to what it calls, and with no span that was active
 * before.
 */
export function withIncoming<T>(message: IncomingMessage, fn: () => T): T {
  return context.with(ROOT_CONTEXT.setValue(INCOMING, message), fn);
}

/** The message that is handled now, where its transport is known. */
export function currentIncoming(): IncomingMessage | undefined {
  return context.active().getValue(INCOMING) as IncomingMessage | undefined;
}

/**
 * Where the arguments of a transport's `handleMessage` carry headers; Redis and MQTT 3 have them in
 * the text.
 */
const HEADERS_OF: Partial<Record<Transport, (args: readonly unknown[]) => unknown>> = {
  tcp: ([, packet]) => member(packet, 'metadata'),
  nats: ([, message]) => member(message, 'headers'),
  rabbitmq: ([message]) => member(member(message, 'properties'), 'headers'),
  kafka: ([payload]) => member(member(payload, 'message'), 'headers'),
  mqtt: ([, , , packet]) => member(member(packet, 'properties'), 'userProperties'),
};

/** What a transport received, before anything has deserialised it. */
export function readIncoming(transport: Transport, args: readonly unknown[]): IncomingMessage {
  return { headers: HEADERS_OF[transport]?.(args), transport, isEvent: false, unmatched: false };
}

/** Notes the metadata of a packet that a transport without headers has parsed. */
export function noteParsedPacket(packet: unknown): void {
  const message = currentIncoming();
  if (message !== undefined) message.headers ??= member(packet, 'metadata');
}

/**
 * The context and links of the message a handler is called with; without a sender's context, a new
 * trace begins.
 */
export function receiveMessage(handlerArgs: readonly unknown[]): Incoming {
  const message = currentIncoming();
  if (message !== undefined) return receiveHeaders(message.transport, message.headers, ROOT_CONTEXT);
  const headers = headersOfHandler(handlerArgs);
  return receiveHeaders(headers === undefined ? 'custom' : 'grpc', headers, ROOT_CONTEXT);
}

/** What the headers of a message say of its sender, as far as that is trusted. */
export function receiveHeaders(transport: Transport, headers: unknown, base: Context): Incoming {
  return receive(transport, { headers }, base, () => readCarrier(headers, base));
}

/**
 * gRPC hands its metadata over beside the request or on the call; NestJS 12 gives contexts a
 * `getMetadata`.
 */
function headersOfHandler([first, second]: readonly unknown[]): unknown {
  if (isGrpcMetadata(second)) return grpcHeaders(second);
  const metadata = member(first, 'metadata');
  if (isGrpcMetadata(metadata)) return grpcHeaders(metadata);
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

/** A plain object: metadata has no `keys()` that a propagator could ask. */
function grpcHeaders(metadata: GrpcMetadata): unknown {
  return metadata.getMap();
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
