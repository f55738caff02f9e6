import { context } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';

import { patch } from '../../../invocation/patch.js';
import { type AnyMethod } from '../../../invocation/wrap-method.js';
import { type Undo } from '../../../process/undo-all.js';
import { type Carrier, writeCarrier } from '../carrier.js';
import { isMicroservicesEnabled } from '../operation.js';
import { type Transport } from '../transports.js';
import { type ClientProxyLike, type DispatchHook, type OutgoingPacket } from './describe-call.js';

/**
 * What makes the clients of one transport send the active context along, by the transport's own
 * headers where it has some. `ownerOf` gives the prototype that has a method, or undefined. NestJS
 * offers no hook for headers on either line.
 */
export function carryContext(transport: Transport, ownerOf: (name: string) => object | undefined): Undo[] {
  const undo = carryInHeaders(transport, ownerOf);
  // The last one on is the first to run: what it puts into the packet is not suppressed.
  if (carriesInPacket(transport))
    for (const name of SENDING) undo.push(...override(ownerOf, name, intoPacket));
  return undo;
}

/** How NestJS's clients hand a request and an event to their transport. */
const SENDING = ['publish', 'dispatchEvent'];

/**
 * Whether what a client sends may carry the context in its packet: it has no headers, or none in
 * its version.
 */
function carriesInPacket(transport: Transport): boolean {
  return transport === 'tcp' || transport === 'redis' || transport === 'mqtt' || transport === 'custom';
}

function carryInHeaders(transport: Transport, ownerOf: (name: string) => object | undefined): Undo[] {
  switch (transport) {
    case 'rabbitmq':
      return override(ownerOf, 'mergeHeaders', intoPlainHeaders);
    case 'nats':
      return override(ownerOf, 'mergeHeaders', intoNatsHeaders);
    case 'mqtt':
      return [
        ...override(ownerOf, 'mergePacketOptions', intoUserProperties),
        ...SENDING.flatMap((name) => override(ownerOf, name, notingUserProperties)),
      ];
    case 'redis':
      return [...SENDING, 'unsubscribeFromChannel'].flatMap((name) =>
        override(ownerOf, name, withoutCommandSpans),
      );
    default:
      return [];
  }
}

function override(
  ownerOf: (name: string) => object | undefined,
  name: string,
  make: (original: AnyMethod) => AnyMethod,
): Undo[] {
  const owner = ownerOf(name);
  return owner === undefined ? [] : [patch(owner, name, make)];
}

/**
 * Headers that go out with the next message of the active context; undefined when there is nothing
 * to say.
 */
function currentCarrier(): Carrier | undefined {
  return isMicroservicesEnabled() ? writeCarrier() : undefined;
}

const intoPlainHeaders = (original: AnyMethod): AnyMethod =>
  function (...args) {
    const headers = original.apply(this, args);
    const carrier = currentCarrier();
    return carrier === undefined ? headers : { ...(headers as object | undefined), ...carrier };
  };

/** What is used of the headers of NATS. */
interface NatsHeaders extends Iterable<readonly [string, readonly string[]]> {
  append(key: string, value: string): void;
  has(key: string): boolean;
}

/**
 * New headers, made by NestJS's own code out of options: those of a record belong to the
 * application, which may send it again.
 */
const intoNatsHeaders = (original: AnyMethod): AnyMethod =>
  function (...args) {
    const merged = original.apply(this, args) as NatsHeaders | undefined;
    const carrier = isWithoutHeaders(this) ? undefined : currentCarrier();
    if (carrier === undefined) return merged;
    const headers = original.call({ options: { headers: carrier } }, undefined) as NatsHeaders;
    for (const [key, values] of merged ?? []) {
      if (!Object.hasOwn(carrier, key)) for (const value of values) headers.append(key, value);
    }
    return headers;
  };

/** A server before 2.2 refuses messages with headers. */
function isWithoutHeaders(client: unknown): boolean {
  const { natsClient } = client as { natsClient?: { info?: { headers?: boolean } } | null };
  return natsClient?.info?.headers === false;
}

/**
 * MQTT's packets get their options when the subscription to the reply is confirmed, outside of any
 * context.
 */
const userProperties = new WeakMap<object, Carrier>();
let aboutToBeSent: object | undefined;

/** Whether a client of MQTT speaks version 5, the first with user properties. */
function hasUserProperties(client: unknown): boolean {
  const { mqttClient, options } = client as Record<
    string,
    { protocolVersion?: unknown; options?: unknown } | null
  >;
  const connected = mqttClient?.options as { protocolVersion?: unknown } | undefined;
  return (connected?.protocolVersion ?? options?.protocolVersion) === 5;
}

const notingUserProperties = (original: AnyMethod): AnyMethod =>
  function (...args) {
    const [packet] = args;
    const carrier = hasUserProperties(this) ? currentCarrier() : undefined;
    if (carrier !== undefined && typeof packet === 'object' && packet !== null)
      userProperties.set(packet, carrier);
    return original.apply(this, args);
  };

/** Called with each packet right before its options are merged. */
function noteSerialized(packet: unknown): void {
  aboutToBeSent = typeof packet === 'object' && packet !== null ? packet : undefined;
}

const intoUserProperties = (original: AnyMethod): AnyMethod =>
  function (...args) {
    const options = original.apply(this, args) as MqttOptions | undefined;
    const carrier = aboutToBeSent === undefined ? undefined : userProperties.get(aboutToBeSent);
    aboutToBeSent = undefined;
    if (carrier === undefined) return options;
    const { properties } = options ?? {};
    return {
      ...options,
      properties: { ...properties, userProperties: { ...properties?.userProperties, ...carrier } },
    };
  };

interface MqttOptions {
  readonly properties?: { readonly userProperties?: Readonly<Record<string, unknown>> };
}

/**
 * The Redis command that carries a message is no work of its own. Only its synchronous calls are
 * kept out of the trace.
 */
const withoutCommandSpans = (original: AnyMethod): AnyMethod =>
  function (...args) {
    if (!isMicroservicesEnabled()) return original.apply(this, args);
    return context.with(suppressTracing(context.active()), () => original.apply(this, args));
  };

/** What NestJS 12 has `setOnDispatchHook` for. */
const intoPacket = (original: AnyMethod): AnyMethod =>
  function (...args) {
    if (typeof (this as ClientProxyLike).setOnDispatchHook !== 'function' && !hasUserProperties(this))
      carryInPacket(args[0] as OutgoingPacket);
    return original.apply(this, args);
  };

/**
 * Puts the active context beside pattern and data, for transports without headers; never into the
 * data.
 */
function carryInPacket(packet: OutgoingPacket): void {
  const { metadata } = packet;
  // Whatever an application has put there, it is not a record: then it stays as it is.
  if (
    metadata !== undefined &&
    (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata))
  )
    return;
  const carrier = currentCarrier();
  if (carrier !== undefined) packet.metadata = { ...metadata, ...carrier };
}

/**
 * Readies one client for sending the active context along where that is a matter of the instance:
 * its serialiser, and NestJS 12's dispatch hook. What is put on it asks each time whether telemetry
 * runs, and stays.
 */
export function prepareClient(client: ClientProxyLike, transport: Transport): void {
  if (transport === 'kafka' || transport === 'mqtt') wrapSerializer(client, transport);
  if (carriesInPacket(transport)) joinDispatchHook(client);
}

/**
 * NestJS 12's own way, which has one slot: what the application puts into it runs first, then ours.
 */
function joinDispatchHook(client: ClientProxyLike): void {
  if (typeof client.setOnDispatchHook !== 'function') return;
  let applicationHook: DispatchHook | undefined = client.onDispatchHook;
  client.setOnDispatchHook((packet) => {
    applicationHook?.(packet);
    if (!hasUserProperties(client)) carryInPacket(packet);
  });
  // Named as the method it stands in for.
  const setOnDispatchHook = (hook: DispatchHook): void => {
    applicationHook = hook;
  };
  Object.defineProperty(client, 'setOnDispatchHook', {
    value: setOnDispatchHook,
    writable: true,
    configurable: true,
    enumerable: false,
  });
}

interface Serializer {
  serialize(value: unknown, options?: unknown): unknown;
}

/**
 * The application may use one serialiser for several clients and servers: the client gets a
 * stand-in, it stays as it is.
 */
function wrapSerializer(client: ClientProxyLike, transport: 'kafka' | 'mqtt'): void {
  const original = client.serializer as Serializer | undefined;
  if (typeof original?.serialize !== 'function') return;
  const serialize: AnyMethod =
    transport === 'kafka'
      ? (value, options) => addKafkaHeaders(original.serialize(value, options))
      : (value, options) => {
          noteSerialized(value);
          return original.serialize(value, options);
        };
  client.serializer = Object.create(original, {
    serialize: { value: serialize, writable: true, configurable: true },
  }) as Serializer;
}

function addKafkaHeaders(message: unknown): unknown {
  // An asynchronous serialiser (a schema registry's) goes on in the context that called it.
  if (message instanceof Promise) return message.then(addKafkaHeaders);
  const carrier = isMicroservicesEnabled() ? writeCarrier() : undefined;
  if (carrier === undefined || typeof message !== 'object' || message === null) return message;
  // A copy: the serialiser hands back the application's own object, which may be sent again.
  return { ...message, headers: { ...(message as { headers?: object }).headers, ...carrier } };
}
