import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

interface Health {
  readonly libraries: readonly { name: string; version?: string; recorded: boolean; reason?: string }[];
  readonly seriesLimits: readonly object[];
  readonly warnings: readonly { message: string }[];
}

const versionOf = (name: string): string => {
  const file = createRequire(__filename).resolve(`${name}/package.json`);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
};

/** A package in `folder` with one file, that only looks like the one of this name. */
function writePackage(folder: string, name: string, version: string, file: string): string {
  const root = join(folder, 'node_modules', name);
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, 'package.json'), JSON.stringify({ name, version }));
  writeFileSync(join(root, file), 'exports.loaded = true;');
  return join(root, file);
}

describe('GET /health of the dashboard', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-health-'));
  let service: ChildProcess;
  let health: Health;

  beforeAll(async () => {
    const clients = [
      writePackage(folder, 'tedious', '19.0.0', 'index.js'),
      writePackage(folder, 'mongodb', '99.1.2', 'lib/cmap/connection.js'),
    ];
    service = fork(join(__dirname, 'programs/loaded-libraries.mjs'), {
      env: { ...process.env, NODE_ENV: 'development', CLIENTS: clients.join(',') },
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const [port] = (await once(service, 'message')) as [number];
    const response = await fetch(`http://127.0.0.1:${String(port)}/telemetry/api/v1/health`);
    health = (await response.json()) as Health;
  });
  afterAll(async () => {
    const ended = once(service, 'exit');
    service.send('stop');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });

  it('lists the client libraries that are loaded, with version and whether they are recorded', () => {
    expect(health.libraries).toEqual(
      expect.arrayContaining([
        { name: 'pg', version: versionOf('pg'), recorded: true },
        { name: 'mongodb', version: versionOf('mongodb'), recorded: true },
      ]),
    );
  });

  it('gives the reason why the calls of a library are not recorded', () => {
    const unrecorded = health.libraries.filter(({ recorded }) => !recorded);
    expect(unrecorded).toEqual([
      { name: 'mongodb', version: '99.1.2', recorded: false, reason: expect.any(String) as unknown },
      {
        name: 'tedious',
        version: '19.0.0',
        recorded: false,
        reason: expect.stringContaining('no instrumentation') as unknown,
      },
    ]);
    expect(health.warnings.map(({ message }) => message)).toContainEqual(
      expect.stringContaining('The calls of mongodb 99.1.2 are not recorded'),
    );
  });

  it('lists the instruments that have reached their limit of series', () => {
    expect(health.seriesLimits).toEqual([
      { instrument: 'logins.made', limit: 5, attribute: 'user', values: 4, overflowed: 46 },
    ]);
  });
});
