// The sample system as `npm start` runs it, on free ports, with the dashboard and a fresh database.
import { fork, spawnSync } from 'node:child_process';
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

/** Builds what is stale of the project in `root`, starts every process, and resolves when all of them answer. */
export async function startSampleSystem({ root, env = {} }) {
  const build = spawnSync(process.execPath, [join(root, 'scripts/build.mjs'), '--all'], { encoding: 'utf8' });
  if (build.status !== 0) throw new Error(`the build failed:\n${build.stdout}${build.stderr}`);
  const folder = mkdtempSync(join(tmpdir(), 'telemetry-sample-'));
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
    return child.exitCode;
  };
  const ask = async (message) => {
    const done = once(child, 'message');
    child.send(message);
    await done;
  };
  const deploy = (service, version) => ask({ type: 'deploy', service, version });
  const setFault = (fault) => ask({ type: 'fault', fault });
  try {
    const [first] = await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => Promise.reject(new Error(`the system did not start:\n${printed}`))),
    ]);
    return { urls: first.urls, logFile, printed: () => printed, deploy, setFault, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
