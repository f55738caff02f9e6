import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { BackendProcess, findFreePort } from './backend-processes.js';

/** A real, empty Redis on a free port of loopback that keeps nothing on disk. */
export class RedisServer {
  readonly host = '127.0.0.1';

  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly process: BackendProcess,
  ) {}

  /** @param settings beside those that keep it small, by their names in redis.conf */
  static async start(
    binary: string,
    settings: Readonly<Record<string, string | number>> = {},
  ): Promise<RedisServer> {
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-redis-'));
    const port = await findFreePort();
    const options = { port, bind: '127.0.0.1', save: '', appendonly: 'no', dir: folder, ...settings };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const server = await BackendProcess.start([binary, ...args], () => answersPing(port));
    return new RedisServer(port, folder, server);
  }

  get url(): string {
    return `redis://${this.host}:${this.port}`;
  }

  async stop(): Promise<void> {
    await this.process.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Asks without a client library: none of them is installed wherever these behaviours run. */
function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.once('error', reject);
    socket.once('data', (answer) => {
      socket.destroy();
      resolve(answer.toString().startsWith('+PONG'));
    });
  });
}
