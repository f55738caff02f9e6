import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { eventually } from '../support/eventually.js';

const command = join(__dirname, '../../dist/esm/cli/main.js');

/** The page as a separate process, with a ClickHouse behind it. */
export class ClickHousePage {
  private printed = '';

  private constructor(private readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.printed += chunk.toString()));
  }

  static async start(
    clickhouse: string,
    { username = 'default', password = '', database = 'default' } = {},
  ): Promise<ClickHousePage> {
    const child = spawn(
      process.execPath,
      [command, 'dashboard', '--clickhouse', clickhouse, '--port', '0', '--no-token'],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          PATH: process.env.PATH,
          TELEMETRY_CLICKHOUSE_USERNAME: username,
          TELEMETRY_CLICKHOUSE_PASSWORD: password,
          TELEMETRY_CLICKHOUSE_DATABASE: database,
        },
      },
    );
    const page = new ClickHousePage(child);
    await eventually(
      'the page',
      () => {
        if (child.exitCode !== null) throw new Error(`the page has ended:\n${page.printed}`);
        return page.address !== '';
      },
      60_000,
    );
    return page;
  }

  /** Without a slash at its end; empty until it is known. */
  get address(): string {
    return /The page is at (\S+?)\/?(?:#\S*)?\s/.exec(this.printed)?.[1] ?? '';
  }

  /** Whether the process answers. */
  async answers(): Promise<boolean> {
    return (await fetch(`${new URL(this.address).origin}/health`)).ok;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await ended;
  }
}
