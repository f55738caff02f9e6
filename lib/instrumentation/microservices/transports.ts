import { type Attributes } from '@opentelemetry/api';

import { ATTR_SERVER_ADDRESS, ATTR_SERVER_PORT } from '../../config/semantic-conventions.constants.js';

/** Named as in OpenTelemetry where it has a name; `custom` is one of the application's own. */
export type Transport = 'tcp' | 'redis' | 'nats' | 'mqtt' | 'grpc' | 'rabbitmq' | 'kafka' | 'custom';

/** NestJS's `Transport` enum, whose values are the positions. */
const BY_TRANSPORT_ID: readonly Transport[] = ['tcp', 'redis', 'nats', 'mqtt', 'grpc', 'rabbitmq', 'kafka'];

/** The transport of a server; subclasses keep the `transportId`. */
export function transportOfServer(server: { readonly transportId?: unknown }): Transport {
  const { transportId } = server;
  return (typeof transportId === 'number' ? BY_TRANSPORT_ID[transportId] : undefined) ?? 'custom';
}

/** A method that only one client has: bundlers change class names, and fields are set late. */
const CLIENT_METHODS: readonly (readonly [method: string, transport: Transport])[] = [
  ['getClientByServiceName', 'grpc'],
  ['emitBatch', 'kafka'],
  ['mergePacketOptions', 'mqtt'],
  ['createSubscriptionHandler', 'nats'],
  ['consumeChannel', 'rabbitmq'],
  ['getReplyPattern', 'redis'],
  ['createSocket', 'tcp'],
];

export function transportOfClient(client: object): Transport {
  return CLIENT_METHODS.find(([method]) => method in client)?.[1] ?? 'custom';
}

/** Where a message goes, as far as the client's options show it. */
export interface ServerAddress {
  readonly address?: string;
  readonly port?: number;
}

const UNKNOWN: ServerAddress = {};

/** Host and port of a client's server or first broker; never the rest, such as a password. */
export function serverAddressOf(client: object): ServerAddress {
  const { host, port, url, options } = client as Record<string, unknown>;
  const { servers, urls, client: nested, host: configuredHost, port: configuredPort } = asRecord(options);
  switch (transportOfClient(client)) {
    case 'tcp':
      return {
        ...(typeof host === 'string' && { address: host }),
        ...(typeof port === 'number' && { port }),
      };
    case 'redis':
      return {
        address: typeof configuredHost === 'string' ? configuredHost : 'localhost',
        port: typeof configuredPort === 'number' ? configuredPort : 6379,
      };
    case 'nats':
      return parseAddress(firstOf(servers) ?? 'localhost:4222');
    case 'rabbitmq':
      return parseAddress(firstOf(urls));
    case 'kafka':
      return parseAddress(firstOf(asRecord(nested).brokers));
    case 'mqtt':
    case 'grpc':
      return parseAddress(url);
    default:
      return UNKNOWN;
  }
}

export function addressAttributes({ address, port }: ServerAddress = UNKNOWN): Attributes {
  return {
    ...(address !== undefined && { [ATTR_SERVER_ADDRESS]: address }),
    ...(port !== undefined && { [ATTR_SERVER_PORT]: port }),
  };
}

function parseAddress(text: unknown): ServerAddress {
  if (typeof text !== 'string') {
    const { hostname, port } = asRecord(text);
    if (typeof hostname !== 'string') return UNKNOWN;
    return { address: hostname, ...(typeof port === 'number' && { port }) };
  }
  const withScheme = text.includes('://') ? text : `any://${text}`;
  if (!URL.canParse(withScheme)) return UNKNOWN;
  const { hostname, port } = new URL(withScheme);
  if (hostname === '') return UNKNOWN;
  return { address: hostname.replace(/^\[(.*)\]$/, '$1'), ...(port !== '' && { port: Number(port) }) };
}

function firstOf(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : value;
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
