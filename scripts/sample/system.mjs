// The sample system as a whole: gateway, orchestrator and background worker, and what they lean on.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { startChild, stopChild } from './child.mjs';
import { claimPort, findPort } from './ports.mjs';

/** Longest start of all processes, on a slow machine. */
const START_WITHIN_MS = 90_000;
/** Longest stop of one process; telemetry may take 5 s of it to flush. */
const STOP_WITHIN_MS = 8_000;

/**
 * Starts every process and returns once all of them answer.
 *
 * `urls` says where each is; `broken` settles when a process ends without being stopped, with the message to print;
 * `deploy()` puts another version of a service in its place; `setFault()` makes all of them misbehave in one way, or in none; `stop()` ends all of them, those that call before those that are called. `signal` gives up a start.
 */
export async function startSystem({ env = process.env, print, signal }) {
  const { urls, serviceEnv, embeddedEnv } = await layOut(env);
  const services = [
    { name: 'gateway', entry: 'gateway/main.js', env: serviceEnv },
    { name: 'orchestrator', entry: 'orchestrator/main.js', env: serviceEnv },
    { name: 'worker', entry: 'background-worker/main.js', env: serviceEnv },
    { name: 'embedded', entry: 'embedded/main.js', env: embeddedEnv },
  ].map((options) => ({ options, child: startChild({ ...options, print }) }));

  let stopping;
  const stop = () =>
    (stopping ??= (async () => {
      for (const { child } of services) if (child !== undefined) await stopChild(child, STOP_WITHIN_MS);
    })());
  let reportBroken;
  const broken = new Promise((resolve) => {
    reportBroken = resolve;
  });
  const watch = async (service) => {
    const { child } = service;
    const how = await child.ended;
    if (service.child === child) reportBroken(`${child.name} ${how}`);
  };
  services.forEach(watch);
  let fault = null;
  const setFault = (name) => {
    // JSON has no undefined.
    fault = name ?? null;
    for (const { child } of services) child?.send({ fault });
  };
  const deploy = async (name, version) => {
    const service = services.find(({ options }) => options.name === name);
    if (service === undefined) throw new Error(`there is no service ${name}`);
    const { child } = service;
    const env = { ...service.options.env, SERVICE_VERSION: version };
    // From here on its end is expected.
    service.child = undefined;
    await stopChild(child, STOP_WITHIN_MS);
    if (stopping !== undefined) return;
    service.child = startChild({ ...service.options, env, print });
    watch(service);
    await service.child.ready;
    service.child?.send({ fault });
  };

  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(
      () => resolve(`not everything was ready within ${START_WITHIN_MS / 1_000} s`),
      START_WITHIN_MS,
    );
  });
  const allReady = Promise.all(services.map(({ child }) => child.ready)).then(() => undefined);
  const aborted = new Promise((resolve) => {
    signal?.addEventListener('abort', () => resolve('interrupted'), { once: true });
  });
  const failure = await Promise.race([allReady, broken, late, aborted]);
  clearTimeout(timer);
  if (failure !== undefined) {
    await stop();
    throw new Error(failure);
  }
  return { urls: { ...urls, dashboard: dashboardUrl(urls.gateway, env) }, broken, deploy, setFault, stop };
}

/** The address of the dashboard with its token, as the gateway prints it: where none is configured, one is kept beside the store. */
function dashboardUrl(gateway, env) {
  const page = `${gateway}/telemetry`;
  if (env.TELEMETRY_DASHBOARD_TOKEN) return page;
  const store = env.TELEMETRY_STORE_FILE || join('.telemetry', 'telemetry.db');
  try {
    return `${page}/#token=${readFileSync(join(dirname(store), 'dashboard-token'), 'utf8').trim()}`;
  } catch {
    // The dashboard is off, or the token could not be kept: the gateway has printed its address.
    return page;
  }
}

/** Where everything will be, decided before the start so that all processes can start at the same time. */
async function layOut(env) {
  const host = ['', '0.0.0.0', '::'].includes(env.HOST?.trim() ?? '') ? 'localhost' : env.HOST.trim();
  const ports = {};
  for (const [variable, preferred] of [
    ['GATEWAY_PORT', 3000],
    ['ORCHESTRATOR_PORT', 3001],
    ['WORKER_PORT', 3002],
  ]) {
    ports[variable] = await claimPort(variable, preferred, env);
  }
  for (const variable of ['LLM_PORT', 'REDIS_PORT', 'POSTGRES_PORT']) {
    ports[variable] = await findPort(variable, env);
  }
  const urls = {
    gateway: `http://${host}:${ports.GATEWAY_PORT}`,
    orchestrator: env.ORCHESTRATOR_URL || `http://${host}:${ports.ORCHESTRATOR_PORT}`,
    worker: env.WORKER_URL || `http://${host}:${ports.WORKER_PORT}`,
    llm: env.LLM_URL || `http://127.0.0.1:${ports.LLM_PORT}`,
    redis: env.REDIS_URL || `redis://127.0.0.1:${ports.REDIS_PORT}`,
    database: env.DATABASE_URL || `postgres://postgres:postgres@127.0.0.1:${ports.POSTGRES_PORT}/postgres`,
  };
  // Of the embedded process, a URL in the environment means: there is a real one, start none.
  const embeddedEnv = {
    ...env,
    ...Object.fromEntries(Object.entries(ports).map(([variable, port]) => [variable, String(port)])),
  };
  const serviceEnv = {
    ...embeddedEnv,
    ORCHESTRATOR_URL: urls.orchestrator,
    WORKER_URL: urls.worker,
    LLM_URL: urls.llm,
    REDIS_URL: urls.redis,
    DATABASE_URL: urls.database,
  };
  return { urls, serviceEnv, embeddedEnv };
}
