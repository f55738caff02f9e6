import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort } from '../support/free-port.js';
import { BackendProcess } from './backend-processes.js';

/** By their names in redis.conf. */
type Settings = Readonly<Record<string, string | number>>;

const KEEP_NOTHING: Settings = { save: '', appendonly: 'no' };

/** A real, empty Redis on a free port of loopback that keeps nothing on disk. */
export class RedisServer {
  readonly host = '127.0.0.1';

  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly process: BackendProcess,
  ) {}

  /** @param settings beside those that keep it small, by their names in redis.conf */
  static start(binary: string, settings: Settings = {}): Promise<RedisServer> {
    return RedisServer.run({ ...KEEP_NOTHING, ...settings }, (_folder, options) => [
      binary,
      ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
    ]);
  }

  /** A Sentinel that watches `master`, and calls it by `name`. */
  static startSentinel(binary: string, name: string, master: RedisServer): Promise<RedisServer> {
    return RedisServer.run({}, (folder, options) => {
      // It keeps what it knows in its configuration, so that has to be a file.
      const file = join(folder, 'sentinel.conf');
      const lines = Object.entries(options).map(([key, value]) => `${key} ${value}`);
      writeFileSync(
        file,
        [...lines, `sentinel monitor ${name} ${master.host} ${master.port} 1`, ''].join('\n'),
      );
      return [binary, file, '--sentinel'];
    });
  }

  private static async run(
    settings: Settings,
    commandOf: (folder: string, options: Settings) => readonly string[],
  ): Promise<RedisServer> {
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-redis-'));
    const port = await freePort();
    const command = commandOf(folder, { port, bind: '127.0.0.1', dir: folder, ...settings });
    const server = await BackendProcess.start(command, () => answersPing(port));
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
