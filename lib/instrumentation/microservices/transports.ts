/** How messages travel, in the words of OpenTelemetry where it has one; a transport of the application's own is `custom`. */
export type Transport = 'tcp' | 'redis' | 'nats' | 'mqtt' | 'grpc' | 'rabbitmq' | 'kafka' | 'custom';

/** NestJS's `Transport` enum, whose values are the positions. */
const BY_TRANSPORT_ID: readonly Transport[] = ['tcp', 'redis', 'nats', 'mqtt', 'grpc', 'rabbitmq', 'kafka'];

/** The transport of a server: of its own subclasses too, since they keep the `transportId`. */
export function transportOfServer(server: { readonly transportId?: unknown }): Transport {
  const { transportId } = server;
  return (typeof transportId === 'number' ? BY_TRANSPORT_ID[transportId] : undefined) ?? 'custom';
}

/** A member that only the client of one transport has; class names do not survive every bundler. */
const CLIENT_MEMBERS: readonly (readonly [member: string, transport: Transport])[] = [
  ['getClientByServiceName', 'grpc'],
  ['emitBatch', 'kafka'],
  ['mergePacketOptions', 'mqtt'],
  ['natsClient', 'nats'],
  ['replyQueue', 'rabbitmq'],
  ['pubClient', 'redis'],
  ['socketClass', 'tcp'],
];

/** The transport of a client, told by its members. */
export function transportOfClient(client: object): Transport {
  return CLIENT_MEMBERS.find(([member]) => member in client)?.[1] ?? 'custom';
}
