// The sample system as `npm start` runs it, on free ports, with the dashboard and a fresh database; it must have been built.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A model that behaves unless a request says otherwise; everything else as somebody has it who just cloned the project. */
const SETTINGS = {
  GATEWAY_PORT: '0',
  ORCHESTRATOR_PORT: '0',
  WORKER_PORT: '0',
  LLM_PORT: '0',
  REDIS_PORT: '0',
  POSTGRES_PORT: '0',
  SLOW_SHARE: '0',
  FAIL_SHARE: '0',
};

/** What is set around a test must not decide where the system sends or which servers it uses. */
function withoutSettings(env) {
  const setting =
    /^OTEL_|^TELEMETRY_|^JAEGER_ENDPOINT$|_URL$|_PORT$|^HOST$|^EMBEDDED_HOST$|^NODE_|^JEST_|^TRAFFIC$/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !setting.test(name)));
}

/** Starts every process below `root` and resolves when all of them answer; `logFile` keeps everything they print. */
export async function startWatchedSystem({ root, env = {} }) {
  const folder = mkdtempSync(join(tmpdir(), 'telemetry-watched-'));
  const logFile = join(folder, 'system.txt');
  const child = fork(join(root, 'scripts/sample/start.mjs'), ['--no-traffic'], {
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      ...withoutSettings(process.env),
      ...SETTINGS,
      TELEMETRY_STORE_FILE: join(folder, 'telemetry.db'),
      ...env,
    },
  });
  const log = createWriteStream(logFile);
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      log.write(chunk);
      printed += String(chunk);
    });
  }
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    }
    log.end();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const [first] = await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => Promise.reject(new Error(`the system did not start:\n${printed}`))),
    ]);
    return { urls: first.urls, logFile, printed: () => printed, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** `POST /process` at the gateway: how it was answered, and the trace it made where the answer names it. */
export async function sendRequest(gateway, body) {
  const response = await fetch(`${gateway}/process`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const traceId = response.headers.get('traceparent')?.split('-')[1] ?? '';
  await response.arrayBuffer();
  return { status: response.status, traceId };
}

/** An ordinary request; one that the model keeps waiting and whose job then fails; one that the model refuses. */
export const REQUESTS = {
  usual: { text: 'hello' },
  spike: { text: 'take your time', simulate: { llm: 'slow', job: 'fail' } },
  refused: { text: 'the model is down', simulate: { llm: 'fail' } },
};

/** Traffic with something in it to find: many usual requests, a spike of a few slow ones that fail within, a few refused. */
export async function sendIncident(gateway, { usual = 30, spike = 4, refused = 2 } = {}) {
  const sent = { usual: [], spike: [], refused: [] };
  const half = Math.ceil(usual / 2);
  for (let at = 0; at < half; at += 1) sent.usual.push(await sendRequest(gateway, REQUESTS.usual));
  const from = Date.now();
  sent.spike = await Promise.all(Array.from({ length: spike }, () => sendRequest(gateway, REQUESTS.spike)));
  const to = Date.now();
  for (let at = 0; at < refused; at += 1) sent.refused.push(await sendRequest(gateway, REQUESTS.refused));
  for (let at = half; at < usual; at += 1) sent.usual.push(await sendRequest(gateway, REQUESTS.usual));
  return { ...sent, from, to };
}
