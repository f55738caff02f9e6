import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

import { Transport } from '@nestjs/microservices';
import { Aedes } from 'aedes';

import { eventually } from '../collectors.js';
import { type Platform } from '../platform.js';
import { describeTransport } from './microservices-transport.behaviours.js';

/** MQTT 3.1.1, which has no headers; version 5 is tested where there is a broker that speaks it. */
export function describeMqtt(platform: Platform): void {
  describe('with a broker in this process', () => {
    let broker: Aedes;
    let server: Server;
    const replies = new Set<string>();
    beforeAll(async () => {
      broker = await Aedes.createBroker();
      broker.on('subscribe', (subscriptions) => {
        for (const { topic } of subscriptions) if (topic.endsWith('/reply')) replies.add(topic);
      });
      broker.on('unsubscribe', (topics) => {
        for (const topic of topics) replies.delete(topic);
      });
      server = createServer((socket) => {
        broker.handle(socket);
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    });
    afterAll(async () => {
      await new Promise<void>((resolve) => {
        broker.close(resolve);
      });
      server.close();
    });

    describeTransport(platform, 'MQTT', () => {
      const url = `mqtt://127.0.0.1:${(server.address() as { port: number }).port}`;
      return Promise.resolve({
        name: 'mqtt',
        address: '127.0.0.1',
        server: { transport: Transport.MQTT, options: { url } },
        client: { transport: Transport.MQTT, options: { url } },
        // This broker loses a subscription that is renewed while it is being given up.
        settled: () => eventually('the end of subscriptions', () => replies.size === 0),
      });
    });
  });
}
