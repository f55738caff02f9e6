import { execFile } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import pg from 'pg';

import { freePort } from '../support/free-port.js';
import { BackendProcess } from './backend-processes.js';

const run = promisify(execFile);

/** A real PostgreSQL with an empty database in a folder of its own; as root it is run by the user `nobody`. */
export class PostgresServer {
  private constructor(
    readonly url: string,
    private readonly folder: string,
    private readonly process: BackendProcess,
  ) {}

  static async start(binaries: string): Promise<PostgresServer> {
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-postgres-'));
    const data = join(folder, 'data');
    const user = await findUserFor(folder);
    const initdb = ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync'];
    await run(join(binaries, 'initdb'), initdb, { cwd: folder, ...user });
    const port = await freePort();
    const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
    const server = await BackendProcess.start(
      [join(binaries, 'postgres'), '-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder, '-F'],
      async () => {
        await queryOnce(url, 'SELECT 1');
        return true;
      },
      { cwd: folder, ...user },
    );
    return new PostgresServer(url, folder, server);
  }

  query(text: string, values: readonly unknown[] = []): Promise<readonly Record<string, unknown>[]> {
    return queryOnce(this.url, text, values);
  }

  async stop(): Promise<void> {
    // SIGINT is PostgreSQL's fast shutdown: it does not wait for clients.
    await this.process.stop('SIGINT');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** PostgreSQL refuses to run as root: then `nobody` gets the folder and runs it. */
async function findUserFor(folder: string): Promise<{ uid?: number; gid?: number }> {
  if (process.getuid?.() !== 0) return {};
  const [uid = 0, gid = 0] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number((await run('id', [flag, 'nobody'])).stdout)),
  );
  chownSync(folder, uid, gid);
  return { uid, gid };
}

async function queryOnce(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text, [...values])).rows;
  } finally {
    await client.end();
  }
}
