import { type ChildProcess, type ChildProcessWithoutNullStreams, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';

const command = join(__dirname, '../../dist/esm/cli/main.js');
const program = join(__dirname, 'programs/examined-service.mjs');

describe('nestjs-telemetry tail', () => {
  const children: ChildProcess[] = [];
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'telemetry-tail-'));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  });

  /** An application with a store in the folder, whose page needs the token that is beside it. */
  const startService = async (port = 0): Promise<{ origin: string; child: ChildProcess }> => {
    const options = {
      serviceName: 'orders',
      dashboard: true,
      store: { file: join(folder, '.telemetry/telemetry.db') },
      logging: { level: 'debug' },
    };
    const child = fork(program, {
      cwd: folder,
      execArgv: [],
      env: { PATH: process.env.PATH, OPTIONS: JSON.stringify(options), PORT: String(port) },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    children.push(child);
    const [bound] = (await once(child, 'message')) as [number];
    return { origin: `http://127.0.0.1:${String(bound)}`, child };
  };

  const follow = (page: string, ...args: readonly string[]) => {
    const child: ChildProcessWithoutNullStreams = spawn(
      process.execPath,
      [command, 'tail', '--page', page, ...args],
      { cwd: folder, env: { PATH: process.env.PATH } },
    );
    children.push(child);
    const seen = { printed: '', errors: '' };
    child.stdout.on('data', (chunk: Buffer) => (seen.printed += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (seen.errors += chunk.toString()));
    return { child, seen };
  };

  it('prints log lines and failed traces as they come, with the token of the folder, until it is stopped', async () => {
    const { origin } = await startService();
    const { child, seen } = follow(`${origin}/telemetry`);
    await eventually(() => seen.errors.includes('Following'));
    await fetch(origin);
    await fetch(`${origin}/fails`);
    await eventually(() => seen.printed.includes('FAILED') && seen.printed.includes('users=0'));
    expect(seen.printed).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} INFO {3}orders \[\w+\] answering users=0 trace:[0-9a-f]{8}$/m,
    );
    expect(seen.printed).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} FAILED orders GET \/fails 500 after [\d.]+ ms trace:[0-9a-f]{32}$/m,
    );
    expect(seen.printed).not.toMatch(/details|FAILED orders GET \/ /);
    child.kill('SIGINT');
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(0);
    expect(seen.printed.match(/FAILED/g)).toHaveLength(1);
  });

  it('prints the levels, the service and the form that are asked for', async () => {
    const { origin } = await startService();
    const debug = follow(`${origin}/telemetry`, '--level', 'debug', '--json');
    const others = follow(`${origin}/telemetry`, '--service', 'billing');
    const errors = follow(`${origin}/telemetry`, '--level', 'error');
    await eventually(() => [debug, others, errors].every(({ seen }) => seen.errors.includes('Following')));
    await fetch(origin);
    await fetch(`${origin}/fails`);
    await eventually(() => debug.seen.printed.includes('details') && errors.seen.printed.includes('FAILED'));
    const items = debug.seen.printed
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { type: string; log?: { message: string } });
    expect(items.map(({ log }) => log?.message)).toEqual(expect.arrayContaining(['answering', 'details']));
    expect(errors.seen.printed).not.toContain('answering');
    expect(others.seen.printed).toBe('');
  });

  it('waits for an application that restarts, and goes on', async () => {
    const port = await freePort();
    const { seen } = follow(`http://127.0.0.1:${String(port)}/telemetry`);
    await eventually(() => /^Waiting for .*ECONNREFUSED/m.test(seen.errors));
    const { origin, child } = await startService(port);
    await eventually(() => seen.errors.includes('Following'));
    child.kill('SIGKILL');
    await once(child, 'exit');
    await startService(port);
    await eventually(() => (seen.errors.match(/Following/g) ?? []).length === 2);
    await fetch(origin);
    await eventually(() => seen.printed.includes('answering'));
  });

  it.each([
    [['--level', 'loud'], 2, '--level must be one of trace, debug, info, warn, error, fatal, not "loud".'],
    [['--page', 'ftp://x'], 2, '--page must be an address such as http://localhost:3000, not "ftp://x".'],
  ])('refuses %j with a reason', async (args, code, reason) => {
    const { child, seen } = follow('http://localhost:1/telemetry', ...args);
    const [ended] = (await once(child, 'close')) as [number];
    expect(ended).toBe(code);
    expect(seen.errors).toContain(reason);
  });

  it('ends with a reason where the token is wrong, and where there is no page', async () => {
    const { origin } = await startService();
    const wrong = follow(`${origin}/telemetry`, '--token', 'wrong');
    await once(wrong.child, 'close');
    expect(wrong.child.exitCode).toBe(1);
    expect(wrong.seen.errors).toContain('The page needs its token');
    const none = follow(`${origin}/none`);
    await once(none.child, 'close');
    expect(none.child.exitCode).toBe(1);
    expect(none.seen.errors).toContain('HTTP 404');
  });
});
