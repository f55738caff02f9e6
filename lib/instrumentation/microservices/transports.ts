/** How messages travel, in the words of OpenTelemetry where it has one; a transport of the application's own is `custom`. */
export type Transport = 'tcp' | 'redis' | 'nats' | 'mqtt' | 'grpc' | 'rabbitmq' | 'kafka' | 'custom';

/** NestJS's `Transport` enum, whose values are the positions. */
const BY_TRANSPORT_ID: readonly Transport[] = ['tcp', 'redis', 'nats', 'mqtt', 'grpc', 'rabbitmq', 'kafka'];

/** The transport of a server: of its own subclasses too, since they keep the `transportId`. */
export function transportOfServer(server: { readonly transportId?: unknown }): Transport {
  const { transportId } = server;
  return (typeof transportId === 'number' ? BY_TRANSPORT_ID[transportId] : undefined) ?? 'custom';
}

/** A method that only the client of one transport has: class names do not survive every bundler, fields come when it connects. */
const CLIENT_METHODS: readonly (readonly [method: string, transport: Transport])[] = [
  ['getClientByServiceName', 'grpc'],
  ['emitBatch', 'kafka'],
  ['mergePacketOptions', 'mqtt'],
  ['createSubscriptionHandler', 'nats'],
  ['consumeChannel', 'rabbitmq'],
  ['getReplyPattern', 'redis'],
  ['createSocket', 'tcp'],
];

/** The transport of a client, told by its methods. */
export function transportOfClient(client: object): Transport {
  return CLIENT_METHODS.find(([method]) => method in client)?.[1] ?? 'custom';
}
