// A ClickHouse engine in a process of this machine, with its data in a folder that outlives the process.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { ClickHouseLogLevel, createClient } from '@clickhouse/client';

const front = fileURLToPath(new URL('../../test/backends/clickhouse/http-front.cjs', import.meta.url));
const START_MS = 120_000;

/** Where scripts/prepare/find-backends.mjs keeps the engine and the exporter's tables. */
export function engineFolder() {
  const caches = process.env['XDG_CACHE_HOME'] ?? process.env['LOCALAPPDATA'] ?? join(homedir(), '.cache');
  const parent = join(caches, 'nestjs-telemetry');
  const name =
    existsSync(parent) && readdirSync(parent).find((entry) => /^clickhouse-[\da-f]{12}$/.test(entry));
  if (name) return join(parent, name);
  throw new Error(
    'The engine is not there yet: run `npm run test:backends -- --nest=12 clickhouse` once, which fetches it.',
  );
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts it. @param threads of one query @param memory bytes of one query */
export async function startEngine(data, { threads = 2, memory = 5e9 } = {}) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const password = 'bench';
  const settings = `max_threads = ${threads}, max_insert_threads = ${threads}, max_memory_usage = ${memory}`;
  const child = spawn(process.execPath, [front, engineFolder(), data, String(port)], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, FRONT_PASSWORD: password, FRONT_SETTINGS: settings },
  });
  const begun = performance.now();
  const answers = () =>
    fetch(`${url}/ping`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await answers())) {
    if (child.exitCode !== null) throw new Error(`The engine ended with ${child.exitCode}.`);
    if (performance.now() - begun > START_MS) throw new Error('The engine does not answer.');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const client = createClient({
    url,
    password,
    request_timeout: 3_600_000,
    log: { level: ClickHouseLogLevel.ERROR },
  });
  return {
    url,
    password,
    run: (query) => client.command({ query }),
    rows: async (query) => (await client.query({ query, format: 'JSONEachRow' })).json(),
    stop: async () => {
      await client.close();
      const gone = once(child, 'exit');
      child.kill();
      await gone;
    },
  };
}

/** What the engine has done since it began: rows and bytes (uncompressed) that queries read, and processor time of queries. */
export async function readCounters({ rows }) {
  const events = await rows(
    "SELECT event, value FROM system.events WHERE event IN ('SelectedRows', 'SelectedBytes', 'OSCPUVirtualTimeMicroseconds')",
  );
  const of = (name) => Number(events.find(({ event }) => event === name)?.value ?? 0);
  return {
    rows: of('SelectedRows'),
    bytes: of('SelectedBytes'),
    cpuMs: of('OSCPUVirtualTimeMicroseconds') / 1_000,
  };
}

/** Has the kernel forget what it keeps of files: the next read is from the disk. Needs root; Linux. */
export function dropPageCache() {
  const { status } = spawnSync('sh', ['-c', 'sync; echo 3 > /proc/sys/vm/drop_caches'], { stdio: 'inherit' });
  if (status !== 0) throw new Error('--cold needs to write to /proc/sys/vm/drop_caches, which root may do.');
}
