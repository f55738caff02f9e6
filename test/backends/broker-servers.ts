import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort } from '../support/free-port.js';
import { BackendProcess } from './backend-processes.js';

/** A message broker on a free port of loopback, with nothing in it. */
export interface Broker {
  readonly host: string;
  readonly port: number;
  stop(): Promise<void>;
}

const host = '127.0.0.1';

/** Starts what `commandFor` says with a folder of its own, and waits until it accepts connections. */
async function startBroker(
  commandFor: (port: number, folder: string) => readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Broker> {
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-broker-'));
  const port = await freePort();
  const server = await BackendProcess.start(commandFor(port, folder), () => accepts(port), { env });
  return {
    host,
    port,
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function startNats(binary: string): Promise<Broker> {
  return startBroker((port) => [binary, '--addr', host, '--port', String(port)]);
}

/** Mosquitto, which speaks MQTT 5. */
export function startMosquitto(binary: string): Promise<Broker> {
  return startBroker((port, folder) => {
    const file = join(folder, 'mosquitto.conf');
    const user = process.getuid?.() === 0 ? 'user root\n' : '';
    writeFileSync(file, `${user}listener ${port} ${host}\nallow_anonymous true\npersistence false\n`);
    return [binary, '-c', file];
  });
}

/** kfake, a Kafka in memory, with topics of one partition. */
export function startKafka(binary: string, topics: readonly string[]): Promise<Broker> {
  return startBroker((port) => [binary, String(port), ...topics]);
}

/** RabbitMQ with a node name, a data folder and a port mapper of its own, so that it meets no other on the machine. */
export async function startRabbitmq(binary: string): Promise<Broker> {
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-rabbitmq-'));
  const [port, distribution, mapper] = await Promise.all([freePort(), freePort(), freePort()]);
  const home = join(folder, 'home');
  mkdirSync(home);
  writeFileSync(join(folder, 'plugins'), '[].');
  const env = {
    HOME: home,
    ERL_EPMD_ADDRESS: host,
    ERL_EPMD_PORT: String(mapper),
    RABBITMQ_NODENAME: `nestjs-telemetry-${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: host,
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distribution),
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_CONFIG_FILE: join(folder, 'none'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
  };
  const server = await BackendProcess.start([binary], () => accepts(port), { env });
  return {
    host,
    port,
    stop: async () => {
      await server.stop();
      // Erlang leaves its port mapper running; it goes only when no node is registered with it any more.
      await new Promise<void>((resolve) => {
        execFile('epmd', ['-kill'], { env: { ...process.env, ...env } }, () => {
          resolve();
        });
      });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', reject);
  });
}
