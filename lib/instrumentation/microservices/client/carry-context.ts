import { context } from '@opentelemetry/api';

import { suppressTracing } from '../../../engine/suppressed-tracing.js';
import { patch } from '../../../invocation/patch.js';
import { type AnyMethod } from '../../../invocation/wrap-method.js';
import { type Carrier, writeCarrier } from '../carrier.js';
import { isMicroservicesEnabled } from '../operation.js';
import { type Transport } from '../transports.js';
import { type ClientProxyLike, type DispatchHook, type OutgoingPacket } from './describe-call.js';

/** Patches of methods of a client, by name; the last of one name is the first to run. */
type Patches = [method: string, wrap: (original: AnyMethod) => AnyMethod][];

/**
 * What makes the clients of one transport send the active context along, in the transport's own
 * headers where it has some. NestJS offers no hook for headers on either line.
 */
export function carryContext(transport: Transport): Patches {
  return PATCHES[transport] ?? [];
}

/** How NestJS's clients hand a request and an event to their transport. */
const onSending = (wrap: (original: AnyMethod) => AnyMethod): Patches => [
  ['publish', wrap],
  ['dispatchEvent', wrap],
];

const PATCHES: Partial<Record<Transport, Patches>> = {
  tcp: onSending(intoPacket),
  custom: onSending(intoPacket),
  rabbitmq: [['mergeHeaders', intoPlainHeaders]],
  nats: [['mergeHeaders', intoNatsHeaders]],
  // What is put into the packet is not suppressed.
  redis: [
    ...onSending(withoutCommandSpans),
    ['unsubscribeFromChannel', withoutCommandSpans],
    ...onSending(intoPacket),
  ],
  mqtt: [
    ['mergePacketOptions', intoUserProperties],
    ...onSending(notingUserProperties),
    ...onSending(intoPacket),
  ],
};

/** Headers for a message of the active context; undefined where there are none. */
function currentCarrier(): Carrier | undefined {
  return isMicroservicesEnabled() ? writeCarrier() : undefined;
}

function intoPlainHeaders(original: AnyMethod): AnyMethod {
  return function (...args) {
    const headers = original.apply(this, args);
    const carrier = currentCarrier();
    return carrier === undefined ? headers : { ...(headers as object | undefined), ...carrier };
  };
}

/** What is used of the headers of NATS. */
interface NatsHeaders extends Iterable<readonly [string, readonly string[]]> {
  append(key: string, value: string): void;
  has(key: string): boolean;
}

/** Makes new headers, with NestJS's own code: those of a record belong to the application. */
function intoNatsHeaders(original: AnyMethod): AnyMethod {
  return function (...args) {
    const merged = original.apply(this, args) as NatsHeaders | undefined;
    const carrier = isWithoutHeaders(this) ? undefined : currentCarrier();
    if (carrier === undefined) return merged;
    const headers = original.call({ options: { headers: carrier } }, undefined) as NatsHeaders;
    for (const [key, values] of merged ?? []) {
      if (!Object.hasOwn(carrier, key)) for (const value of values) headers.append(key, value);
    }
    return headers;
  };
}

/** A server before 2.2 refuses messages with headers. */
function isWithoutHeaders(client: unknown): boolean {
  const { natsClient } = client as { natsClient?: { info?: { headers?: boolean } } | null };
  return natsClient?.info?.headers === false;
}

/** MQTT's packets get their options outside of any context, after the reply is subscribed to. */
const userProperties = new WeakMap<object, Carrier>();
/** The packet that was serialised last: its options are merged next, synchronously. */
let serialized: unknown;

/** Whether a client of MQTT speaks version 5, the first with user properties. */
function hasUserProperties(client: unknown): boolean {
  const { mqttClient, options } = client as Record<
    string,
    { protocolVersion?: unknown; options?: unknown } | null
  >;
  const connected = mqttClient?.options as { protocolVersion?: unknown } | undefined;
  return (connected?.protocolVersion ?? options?.protocolVersion) === 5;
}

function notingUserProperties(original: AnyMethod): AnyMethod {
  return function (...args) {
    const [packet] = args;
    const carrier = hasUserProperties(this) ? currentCarrier() : undefined;
    if (carrier !== undefined && typeof packet === 'object' && packet !== null)
      userProperties.set(packet, carrier);
    return original.apply(this, args);
  };
}

function intoUserProperties(original: AnyMethod): AnyMethod {
  return function (...args) {
    const options = original.apply(this, args) as MqttOptions | undefined;
    const carrier = userProperties.get(serialized as object); // undefined for what is no object
    serialized = undefined;
    if (carrier === undefined) return options;
    const { properties } = options ?? {};
    return {
      ...options,
      properties: { ...properties, userProperties: { ...properties?.userProperties, ...carrier } },
    };
  };
}

interface MqttOptions {
  readonly properties?: { readonly userProperties?: Readonly<Record<string, unknown>> };
}

/** The Redis command that carries a message has no span, as far as it is called synchronously. */
function withoutCommandSpans(original: AnyMethod): AnyMethod {
  return function (...args) {
    if (!isMicroservicesEnabled()) return original.apply(this, args);
    return context.with(suppressTracing(context.active()), () => original.apply(this, args));
  };
}

/** For NestJS 11, which lacks `setOnDispatchHook`. */
function intoPacket(original: AnyMethod): AnyMethod {
  return function (...args) {
    if (typeof (this as ClientProxyLike).setOnDispatchHook !== 'function' && !hasUserProperties(this))
      carryInPacket(args[0] as OutgoingPacket);
    return original.apply(this, args);
  };
}

/**
 * Puts the active context beside pattern and data, for transports without headers; never into the
 * data.
 */
function carryInPacket(packet: OutgoingPacket): void {
  const { metadata = {} } = packet;
  // Anything of the application's but a record stays as it is.
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return;
  const carrier = currentCarrier();
  if (carrier !== undefined) packet.metadata = { ...metadata, ...carrier };
}

/**
 * Makes one client send the active context along where that is a matter of the instance: its
 * serialiser, and NestJS 12's dispatch hook. Both stay, and do nothing while no telemetry runs.
 */
export function prepareClient(client: ClientProxyLike, transport: Transport): void {
  if (transport === 'kafka' || transport === 'mqtt') wrapSerializer(client, transport);
  if (PATCHES[transport]?.some(([, wrap]) => wrap === intoPacket)) joinDispatchHook(client);
}

/** NestJS 12's hook has one slot: what the application puts into it runs first, then ours. */
function joinDispatchHook(client: ClientProxyLike): void {
  if (typeof client.setOnDispatchHook !== 'function') return;
  let applicationHook: DispatchHook | undefined = client.onDispatchHook;
  client.setOnDispatchHook((packet) => {
    applicationHook?.(packet);
    if (!hasUserProperties(client)) carryInPacket(packet);
  });
  patch(client, 'setOnDispatchHook', () => (hook: DispatchHook) => {
    applicationHook = hook;
  });
}

interface Serializer {
  serialize(value: unknown, options?: unknown): unknown;
}

/** A serialiser may serve several clients and servers: the client gets a derived one. */
function wrapSerializer(client: ClientProxyLike, transport: 'kafka' | 'mqtt'): void {
  const original = client.serializer as Serializer | undefined;
  if (typeof original?.serialize !== 'function') return;
  const serialize: AnyMethod =
    transport === 'kafka'
      ? (value, options) => addKafkaHeaders(original.serialize(value, options))
      : (value, options) => {
          serialized = value;
          return original.serialize(value, options);
        };
  client.serializer = Object.create(original, {
    serialize: { value: serialize, writable: true, configurable: true },
  }) as Serializer;
}

function addKafkaHeaders(message: unknown): unknown {
  // An asynchronous serialiser (a schema registry's) continues in the context that called it.
  if (message instanceof Promise) return message.then(addKafkaHeaders);
  const carrier = currentCarrier();
  if (carrier === undefined || typeof message !== 'object' || message === null) return message;
  // A copy: the serialiser returns the application's own object, which may be sent again.
  return { ...message, headers: { ...(message as { headers?: object }).headers, ...carrier } };
}
