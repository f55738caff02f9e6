import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { createConnection } from 'mysql2/promise';

import { freePort } from '../support/free-port.js';
import { BackendProcess } from './backend-processes.js';

const run = promisify(execFile);

/** A real MariaDB with an empty database `shop` in a folder of its own; anybody on loopback is its root. */
export class MariadbServer {
  readonly host = '127.0.0.1';
  readonly user = 'root';
  readonly database = 'shop';

  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly process: BackendProcess,
  ) {}

  /** @param binary path of `mariadbd`; `mariadb-install-db` is on the PATH beside it */
  static async start(binary: string): Promise<MariadbServer> {
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-mariadb-'));
    const data = join(folder, 'data');
    // MariaDB refuses to run as root by accident; here it is meant.
    const user = process.getuid?.() === 0 ? ['--user=root'] : [];
    await run('mariadb-install-db', [
      '--no-defaults',
      `--datadir=${data}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      ...user,
    ]);
    const port = await freePort();
    const server = await BackendProcess.start(
      [
        binary,
        '--no-defaults',
        `--datadir=${data}`,
        `--socket=${join(folder, 'mariadb.sock')}`,
        `--pid-file=${join(folder, 'mariadb.pid')}`,
        '--bind-address=127.0.0.1',
        `--port=${port}`,
        '--skip-name-resolve',
        ...user,
      ],
      async () => {
        const connection = await createConnection({ host: '127.0.0.1', port, user: 'root' });
        await connection.query('CREATE DATABASE IF NOT EXISTS shop');
        await connection.end();
        return true;
      },
    );
    return new MariadbServer(port, folder, server);
  }

  /** What a client of mysql2 needs to connect. */
  get connection() {
    const { host, port, user, database } = this;
    return { host, port, user, database };
  }

  async stop(): Promise<void> {
    await this.process.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
