// Runs the sample system until Ctrl-C: node scripts/sample/start.mjs [--no-traffic | --traffic=forever]
// Started with an IPC channel it also sends { type: 'ready', urls } to the process that started it, takes { type: 'deploy', service,
// version } from it, and stops with it.
import { renderBanner } from './banner.mjs';
import { startSystem } from './system.mjs';
import { sendTraffic } from './traffic.mjs';

/** With endless traffic, the worker is deployed anew after so many rounds, with an error that the version before had not. */
const ROUNDS_BEFORE_DEPLOYMENT = 3;
const NEXT_VERSION = '0.2.0';

const NAME_WIDTH = 'orchestrator'.length;
const print = (name, line) => process.stdout.write(`${name.padEnd(NAME_WIDTH)} | ${line}\n`);
const say = (text) => process.stdout.write(`${text}\n`);

const interrupted = new globalThis.AbortController();
const interruption = new Promise((resolve) => {
  const stop = () => {
    interrupted.abort();
    resolve(undefined);
  };
  // Repeated signals are expected: a terminal and a parent process may both pass on the same Ctrl-C.
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.on('SIGHUP', stop);
  process.on('disconnect', stop);
  // Nobody reads any more (`npm start | head`): the children must not be left behind.
  process.stdout.on('error', stop);
});
process.channel?.unref();

function readTraffic() {
  const wish = process.argv
    .slice(2)
    .find((argument) => argument.startsWith('--traffic=') || argument === '--no-traffic');
  const value =
    wish === '--no-traffic' ? 'off' : (wish?.slice('--traffic='.length) ?? process.env.TRAFFIC ?? 'once');
  return ['off', 'false', '0', 'no'].includes(value) ? 'off' : value === 'forever' ? 'forever' : 'once';
}

async function runTraffic({ urls: { gateway }, deploy }) {
  const traffic = readTraffic();
  if (traffic === 'off') return;
  say(
    `Sending ${traffic === 'forever' ? 'requests until the end' : 'a few requests'} (TRAFFIC=off or --no-traffic for none).`,
  );
  const { traceId, statuses } = await sendTraffic({
    gateway,
    signal: interrupted.signal,
    forever: traffic === 'forever',
    afterRound: async (rounds) => {
      if (traffic !== 'forever' || rounds !== ROUNDS_BEFORE_DEPLOYMENT) return;
      say(`Deploying version ${NEXT_VERSION} of the worker, which fails on questions.`);
      await deploy('worker', NEXT_VERSION);
    },
  });
  if (interrupted.signal.aborted) return;
  const counts = Object.entries(statuses).map(([status, count]) => `${count} × ${status}`);
  say(`\nSent a few requests: ${counts.join(', ')}. One of them as a waterfall:`);
  say(`  curl -s ${new URL(gateway).host}/debug/traces/${traceId}\n`);
}

async function main() {
  const starting = startSystem({ print, signal: interrupted.signal });
  let system;
  try {
    system = await starting;
  } catch (error) {
    if (interrupted.signal.aborted) return;
    say(`The sample system did not start: ${error.message}`);
    process.exitCode = 1;
    return;
  }
  if (!interrupted.signal.aborted) {
    say(renderBanner(system.urls, process.env));
    process.on('message', async ({ type, service, version }) => {
      if (type !== 'deploy') return;
      await system.deploy(service, version);
      process.send?.({ type: 'deployed' });
    });
    process.channel?.unref();
    process.send?.({ type: 'ready', urls: system.urls });
    runTraffic(system).catch((error) => say(`The traffic stopped: ${error.message}`));
  }
  const broken = await Promise.race([interruption, system.broken]);
  interrupted.abort();
  say(broken === undefined ? '\nStopping …' : `\n${broken}; stopping the rest …`);
  await system.stop();
  if (broken !== undefined) process.exitCode = 1;
  say('Stopped.');
}

await main();
