import { type AnyMethod } from '../../../invocation/wrap-method.js';
import { recordsMicroservices } from '../active-switch.js';
import { writeCarrier } from '../carrier.js';
import { type Transport } from '../transports.js';
import { carriesInPacket, carryInPacket, hasUserProperties, noteSerialized } from './carry-context.js';
import { type ClientProxyLike, type DispatchHook } from './client-proxy.interface.js';

/**
 * Readies one client for sending the active context along where that is a matter of the instance: its serialiser, and
 * NestJS 12's dispatch hook. What is put on it asks each time whether telemetry runs, and stays.
 */
export function prepareClient(client: ClientProxyLike, transport: Transport): void {
  if (transport === 'kafka' || transport === 'mqtt') wrapSerializer(client, transport);
  if (carriesInPacket(transport)) joinDispatchHook(client);
}

/** NestJS 12's own way, which has one slot: what the application puts into it runs first, then ours. */
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

/** The application may use one serialiser for several clients and servers: the client gets a stand-in, it stays as it is. */
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
  const carrier = recordsMicroservices() ? writeCarrier() : undefined;
  if (carrier === undefined || typeof message !== 'object' || message === null) return message;
  // A copy: the serialiser hands back the application's own object, which may be sent again.
  return { ...message, headers: { ...(message as { headers?: object }).headers, ...carrier } };
}
