import { headers as natsHeadersOf, type MsgHdrs } from '@nats-io/transport-node';
import {
  type ClientKafka,
  type ClientProviderOptions,
  type KafkaContext,
  type MicroserviceOptions,
  type MqttContext,
  MqttRecordBuilder,
  type NatsContext,
  NatsRecordBuilder,
  type RmqContext,
  type RmqRecord,
  RmqRecordBuilder,
  Transport,
} from '@nestjs/microservices';

import {
  describeTransport,
  EVENTS,
  type HeadersUnderTest,
  REQUESTS,
} from '../../e2e/behaviours/entry-points/microservices-transport.behaviours.js';
import { type Platform, platformName } from '../../e2e/behaviours/platform.js';
import { type BackendName, describeWith } from '../backend-processes.js';
import { type Broker, startKafka, startMosquitto, startNats, startRabbitmq } from '../broker-servers.js';
import { RedisServer } from '../redis-server.js';

interface BrokerTransport {
  readonly title: string;
  readonly backend: BackendName;
  /** As spans say it. */
  readonly name: string;
  start(binary: string): Promise<Broker>;
  server(broker: Broker): MicroserviceOptions;
  client(broker: Broker): Omit<ClientProviderOptions, 'name'>;
  prepare?(client: unknown): void;
  readonly headers?: HeadersUnderTest;
}

const QUEUE = { durable: false, autoDelete: true };

const TRANSPORTS: readonly BrokerTransport[] = [
  {
    title: 'Redis',
    backend: 'redis',
    name: 'redis',
    start: (binary) => RedisServer.start(binary),
    server: ({ host, port }) => ({ transport: Transport.REDIS, options: { host, port } }),
    client: ({ host, port }) => ({ transport: Transport.REDIS, options: { host, port } }),
  },
  {
    title: 'NATS',
    backend: 'nats',
    name: 'nats',
    start: startNats,
    server: (broker) => ({ transport: Transport.NATS, options: { servers: [addressOf(broker)] } }),
    client: (broker) => ({ transport: Transport.NATS, options: { servers: [addressOf(broker)] } }),
    headers: natsHeaders(),
  },
  {
    title: 'RabbitMQ',
    backend: 'rabbitmq',
    name: 'rabbitmq',
    start: startRabbitmq,
    server: (broker) => rabbitmq(broker),
    client: (broker) => rabbitmq(broker),
    headers: {
      record: (data) => new RmqRecordBuilder(data).setOptions({ headers: { tenant: 'acme' } }).build(),
      headersOf: (record) => (record as RmqRecord).options?.headers,
      received: (ctx) => {
        const { properties } = (ctx as RmqContext).getMessage() as {
          properties: { headers: Record<string, unknown> };
        };
        return properties.headers;
      },
    },
  },
  {
    title: 'MQTT 5',
    backend: 'mosquitto',
    name: 'mqtt',
    start: startMosquitto,
    server: (broker) => mqtt(broker),
    client: (broker) => mqtt(broker),
    headers: mqttHeaders(),
  },
  {
    title: 'Kafka',
    backend: 'kafka',
    name: 'kafka',
    start: (binary) =>
      startKafka(binary, [...EVENTS, ...REQUESTS, ...REQUESTS.map((topic) => `${topic}.reply`)]),
    server: (broker) => kafka(broker, 'servers'),
    client: (broker) => kafka(broker, 'clients'),
    headers: {
      record: (value) => ({ key: 'k', value, headers: { tenant: 'acme' } }),
      headersOf: (record) => (record as { headers: unknown }).headers,
      received: (ctx) => ({ ...(ctx as KafkaContext).getMessage().headers }),
    },
    prepare: (client) => {
      for (const pattern of REQUESTS) (client as ClientKafka).subscribeToResponseOf(pattern);
    },
  },
];

function natsHeaders(): HeadersUnderTest {
  const own = natsHeadersOf();
  own.set('tenant', 'acme');
  return {
    // One object for all: what is written into it would be sent again.
    record: (data) => new NatsRecordBuilder(data).setHeaders(own).build(),
    headersOf: () => Object.fromEntries([...own].map(([key, values]) => [key, values[0]])),
    received: (ctx) => {
      const headers = (ctx as NatsContext).getHeaders() as MsgHdrs;
      return Object.fromEntries([...headers].map(([key, values]) => [key, values[0]]));
    },
  };
}

function mqttHeaders(): HeadersUnderTest {
  const properties = { userProperties: { tenant: 'acme' } };
  return {
    record: (data) => new MqttRecordBuilder(data).setProperties(properties).build(),
    headersOf: () => properties.userProperties,
    received: (ctx) => {
      const { userProperties } = (
        (ctx as MqttContext).getPacket() as { properties: { userProperties: Record<string, unknown> } }
      ).properties;
      return { ...userProperties };
    },
  };
}

function addressOf({ host, port }: Broker): string {
  return `${host}:${port}`;
}

function rabbitmq(broker: Broker) {
  const urls = [`amqp://guest:guest@${addressOf(broker)}`];
  return { transport: Transport.RMQ, options: { urls, queue: 'orders', queueOptions: QUEUE } } as const;
}

function mqtt(broker: Broker) {
  return {
    transport: Transport.MQTT,
    options: { url: `mqtt://${addressOf(broker)}`, protocolVersion: 5 },
  } as const;
}

function kafka(broker: Broker, groupId: string) {
  const client = { brokers: [addressOf(broker)], logLevel: 0 };
  return {
    transport: Transport.KAFKA,
    options: { client, consumer: { groupId }, subscribe: { fromBeginning: true } },
  } as const;
}

/** The behaviours of messages, over each transport that needs a server. */
export function describeMicroservices(platform: Platform): void {
  for (const { title, backend, name, start, server, client, prepare, headers } of TRANSPORTS) {
    describeWith(backend, `microservices over ${title}, ${platformName(platform)}`, (binary) => {
      let broker: Broker;
      beforeAll(async () => {
        broker = await start(binary);
      });
      afterAll(() => broker.stop(), 30_000);

      describeTransport(
        platform,
        title,
        () =>
          Promise.resolve({
            name,
            address: broker.host,
            server: server(broker),
            client: client(broker),
            ...(prepare !== undefined && { prepare }),
          }),
        headers,
      );
    });
  }
}
