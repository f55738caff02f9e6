import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

import { Transport } from '@nestjs/microservices';

import { type Platform } from '../platform.js';
import { describeTransport } from './microservices-transport.behaviours.js';

/** The broker is an ES module, which a plain jest cannot load: it runs beside the tests and says where it listens. */
const BROKER = `
  import { createServer } from 'node:net';
  import { Aedes } from 'aedes';
  const broker = await Aedes.createBroker();
  const replies = new Set();
  let waiting = false;
  const tell = () => {
    if (!waiting || replies.size > 0) return;
    waiting = false;
    process.send('settled');
  };
  broker.on('subscribe', (subscriptions) => {
    for (const { topic } of subscriptions) if (topic.endsWith('/reply')) replies.add(topic);
  });
  broker.on('unsubscribe', (topics) => {
    for (const topic of topics) replies.delete(topic);
    tell();
  });
  process.on('message', () => {
    waiting = true;
    tell();
  });
  process.on('disconnect', () => process.exit());
  const server = createServer((socket) => broker.handle(socket));
  server.listen(0, '127.0.0.1', () => process.send(server.address().port));
`;

/** MQTT 3.1.1, which has no headers; version 5 is tested where there is a broker that speaks it. */
export function describeMqtt(platform: Platform): void {
  describe('with a broker of its own', () => {
    let broker: ChildProcess;
    let url: string;
    beforeAll(async () => {
      broker = spawn(process.execPath, ['--input-type=module', '--eval', BROKER], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      const [port] = (await once(broker, 'message')) as [number];
      url = `mqtt://127.0.0.1:${port}`;
    });
    afterAll(async () => {
      const gone = once(broker, 'exit');
      broker.disconnect();
      await gone;
    });

    /** This broker loses a subscription that is renewed while it is being given up. */
    async function settled(): Promise<void> {
      const said = once(broker, 'message');
      broker.send('settled?');
      await said;
    }

    describeTransport(platform, 'MQTT', () =>
      Promise.resolve({
        name: 'mqtt',
        address: '127.0.0.1',
        server: { transport: Transport.MQTT, options: { url } },
        client: { transport: Transport.MQTT, options: { url } },
        settled,
      }),
    );
  });
}
