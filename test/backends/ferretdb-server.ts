import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort } from '../support/free-port.js';
import { BackendProcess } from './backend-processes.js';

/** A real, empty FerretDB: it speaks MongoDB's wire protocol, and keeps its documents in SQLite. */
export class FerretdbServer {
  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly process: BackendProcess,
  ) {}

  static async start(binary: string): Promise<FerretdbServer> {
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-ferretdb-'));
    const port = await freePort();
    const server = await BackendProcess.start([binary, `127.0.0.1:${port}`, folder], () => listens(port), {
      cwd: folder,
    });
    return new FerretdbServer(port, folder, server);
  }

  get url(): string {
    return `mongodb://127.0.0.1:${this.port}/shop`;
  }

  async stop(): Promise<void> {
    await this.process.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', reject);
  });
}
