import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const FOLDERS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'];

/** Path of a program that is installed. */
export function findProgram(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** A Redis or MariaDB of our own on loopback, with its data in a folder of its own. */
export class Server {
  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly child: ChildProcess,
  ) {}

  static async start(name: 'redis-server' | 'mariadbd'): Promise<Server> {
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-samples-'));
    const port = await freePort();
    const args = name === 'redis-server' ? redisArgs(port) : mariadbArgs(port, folder);
    const child = spawn(findProgram(name)!, args, { cwd: folder, stdio: 'ignore' });
    await listens(port);
    return new Server(port, folder, child);
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill();
    await gone;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function redisArgs(port: number): string[] {
  return ['--port', String(port), '--bind', '127.0.0.1', '--save', ''];
}

function mariadbArgs(port: number, folder: string): string[] {
  // MariaDB refuses to run as root by accident; here it is meant.
  const user = process.getuid?.() === 0 ? ['--user=root'] : [];
  const data = `--datadir=${join(folder, 'data')}`;
  execFileSync(
    'mariadb-install-db',
    ['--no-defaults', data, '--auth-root-authentication-method=normal', ...user],
    { stdio: 'ignore' },
  );
  const files = [`--socket=${join(folder, 'sock')}`, `--pid-file=${join(folder, 'pid')}`];
  return ['--no-defaults', data, ...files, '--bind-address=127.0.0.1', `--port=${port}`, ...user];
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listens(port: number): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
    if (open) return;
    if (Date.now() > deadline) throw new Error(`nothing listens on ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
