// The real servers that the way without links goes through, each started for the measurement alone.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

import { eventually } from '../../support/eventually.ts';
import { findChromium } from '../find-chromium.mjs';

export const SCRAPE_SECONDS = 5;

/** Asks again, through failures too, until the answer is yes. Throws after 90 s, naming `what`. */
export const waitFor = (what, ask) => eventually(what, ask, 90_000, { everyMs: 100, throughErrors: true });

const onPath = (name) =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));

/** The newest Jaeger that `npm run test:backends` built. */
function builtJaeger() {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'nestjs-telemetry');
  const names = existsSync(cache) ? readdirSync(cache).filter((name) => name.startsWith('jaeger-')) : [];
  return names
    .sort()
    .map((name) => join(cache, name, 'jaeger'))
    .findLast((path) => existsSync(path));
}

/** Where the programs are. @throws Error that names those which are missing */
export async function findPrograms() {
  const programs = {
    chromium: await findChromium(),
    prometheus: process.env.PROMETHEUS_BIN || onPath('prometheus'),
    jaeger: process.env.JAEGER_BIN || builtJaeger(),
  };
  const missing = Object.keys(programs).filter((name) => programs[name] === undefined);
  if (missing.length > 0) {
    throw new Error(
      `missing: ${missing.join(', ')}; set ${missing.map((name) => `${name.toUpperCase()}_BIN`).join(', ')}`,
    );
  }
  return programs;
}

/** Jaeger on the standard ports of a loopback address that nobody else uses. */
export async function startJaeger(binary, config) {
  const host =
    process.platform === 'linux'
      ? `127.83.${process.pid % 250}.${(process.pid >> 8) % 250 || 1}`
      : '127.0.0.1';
  const url = `http://${host}:16686`;
  const stop = start([binary, `--config=file:${config}`], {
    JAEGER_HOST: host,
    // Jaeger traces itself, to a collector that is not there.
    OTEL_TRACES_SAMPLER: 'always_off',
  });
  await waitFor('Jaeger', async () => (await fetch(`${url}/api/services`)).ok);
  return { url, otlp: `http://${host}:4318`, stop };
}

/** Prometheus that scrapes these services, and keeps no exemplars. */
export async function startPrometheus(binary, services) {
  const folder = mkdtempSync(join(tmpdir(), 'telemetry-prometheus-'));
  const url = `http://127.0.0.1:${await freePort()}`;
  const config = {
    global: { scrape_interval: `${SCRAPE_SECONDS}s`, scrape_timeout: `${SCRAPE_SECONDS}s` },
    scrape_configs: Object.entries(services).map(([job_name, address]) => ({
      job_name,
      static_configs: [{ targets: [new URL(address).host] }],
    })),
  };
  // JSON is YAML, too.
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const end = start([
    binary,
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=${new URL(url).host}`,
  ]);
  await waitFor('Prometheus', async () => (await fetch(`${url}/-/ready`)).ok);
  return {
    url,
    async scrapedTwice() {
      const query =
        'min(count_over_time(http_server_request_duration_seconds_count{http_route="/process"}[5m])) >= 2';
      const { data } = await (await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`)).json();
      return data.result.length > 0;
    },
    async stop() {
      await end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function start([file, ...args], env = {}) {
  const child = spawn(file, args, { stdio: 'ignore', env: { ...process.env, ...env } });
  child.on('error', (error) => console.error(`${file}: ${error.message}`));
  return async () => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  };
}

async function freePort() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
