import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { type ProfilesAnswer } from '../../lib/dashboard/panels/profiles/query.js';
import { type ProcessAnswer } from '../../lib/dashboard/reader/answers/processes.interface.js';
import { eventually } from '../support/eventually.js';

/** Token of the pages. */
export const TOKEN = 'a-token-of-this-test-0123456789';

/** An answer of the API, whatever its status. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** A service in a process of its own that shares a store with others, and its page. */
export class ProfiledService {
  /** What it has logged, as JSON. */
  readonly lines: Record<string, unknown>[] = [];

  private constructor(
    readonly name: string,
    readonly child: ChildProcess,
    readonly origin: string,
  ) {
    let rest = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) if (line.startsWith('{')) this.lines.push(JSON.parse(line) as never);
    });
  }

  static async start(name: string, file: string, dashboard: object = {}): Promise<ProfiledService> {
    const child = fork(join(__dirname, 'programs/profiled-service.mjs'), {
      env: { ...process.env, SERVICE: name, STORE: file, DASHBOARD: JSON.stringify(dashboard) },
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    const [port] = (await once(child, 'message')) as [number];
    return new ProfiledService(name, child, `http://127.0.0.1:${String(port)}`);
  }

  async api(path: string, body?: object): Promise<ApiAnswer> {
    const response = await fetch(`${this.origin}/telemetry/api/v1/${path}`, {
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
      headers: {
        authorization: `Bearer ${TOKEN}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
    });
    return { status: response.status, body: await response.json() };
  }

  /** Uses its processor, by requests, until it is told to end. */
  keepBusy(): () => Promise<void> {
    let isOver = false;
    const burn = async (): Promise<void> => {
      while (!isOver) {
        await (await fetch(`${this.origin}/busy`)).text();
        // Less busy than what refuses a profile.
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    const burning = burn();
    return async () => {
      isOver = true;
      await burning;
    };
  }

  /** Names a process in the API of this one, once it has reported. */
  async find(other: ProfiledService): Promise<{ readonly service: string; readonly instance: string }> {
    return eventually(`${other.name} in the list`, async () => {
      const processes = (await this.api('processes')).body as readonly ProcessAnswer[];
      const found = processes.find(({ pid }) => pid === other.child.pid);
      return found && { service: found.service, instance: found.instance };
    });
  }

  async profiles(name: object = {}): Promise<ProfilesAnswer> {
    const query = new URLSearchParams(name as Record<string, string>);
    return (await this.api(`profiles?${query.toString()}`)).body as ProfilesAnswer;
  }

  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill(signal);
    await exited;
  }
}
