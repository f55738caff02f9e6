// Runs the sample system until Ctrl-C: node scripts/sample/start.mjs [options], see read-options.mjs
// Started with an IPC channel it also sends { type: 'ready', urls } to the process that started it, takes { type: 'deploy', service,
// version } and { type: 'fault', fault } from it, and stops with it.
import { setTimeout as pause } from 'node:timers/promises';

import { renderBanner } from './banner.mjs';
import { FAULTS, sendFaultTraffic } from './faults.mjs';
import { HELP, readOptions } from './read-options.mjs';
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

/** Usual requests, and then those of a system with the fault. */
async function runFault({ urls, deploy, setFault }, fault) {
  const { what, usualMs } = FAULTS[fault];
  const { signal } = interrupted;
  say(`Sending usual requests for ${usualMs / 1_000} s.`);
  const traffic = sendFaultTraffic({ fault, urls, signal });
  await pause(usualMs, undefined, { signal }).catch(() => undefined);
  if (signal.aborted) return;
  say(`From now on ${what}. docs/stories.md finds the cause on the dashboard: ${urls.dashboard}`);
  if (fault === 'deploy') await deploy('worker', NEXT_VERSION);
  else setFault(fault);
  await traffic;
}

async function runTraffic({ urls: { gateway }, deploy }, traffic) {
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

/** For tests: a fault and its requests, until the next one. */
function createFaultSwitch({ urls, setFault }) {
  let ended = new globalThis.AbortController();
  return (fault) => {
    ended.abort();
    ended = new globalThis.AbortController();
    setFault(fault);
    const signal = AbortSignal.any([ended.signal, interrupted.signal]);
    if (fault !== undefined) void sendFaultTraffic({ fault, urls, signal });
  };
}

async function main(options) {
  // Else the model is now and then slow or down: the fault is to be the only thing that goes wrong.
  const env =
    options.fault === undefined ? process.env : { SLOW_SHARE: '0', FAIL_SHARE: '0', ...process.env };
  const starting = startSystem({ env, print, signal: interrupted.signal });
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
    const switchFault = createFaultSwitch(system);
    process.on('message', async ({ type, service, version, fault }) => {
      if (type === 'deploy') await system.deploy(service, version);
      if (type === 'fault') switchFault(fault);
      process.send?.({ type: 'done' });
    });
    process.channel?.unref();
    process.send?.({ type: 'ready', urls: system.urls });
    const { fault, traffic } = options;
    const sending = fault === undefined ? runTraffic(system, traffic) : runFault(system, fault);
    sending.catch((error) => say(`The traffic stopped: ${error.message}`));
  }
  const broken = await Promise.race([interruption, system.broken]);
  interrupted.abort();
  say(broken === undefined ? '\nStopping …' : `\n${broken}; stopping the rest …`);
  await system.stop();
  if (broken !== undefined) process.exitCode = 1;
  say('Stopped.');
}

/** The command line as options; undefined where it is wrong, which is said. */
function readCommandLine() {
  try {
    return readOptions(process.argv.slice(2), process.env);
  } catch (error) {
    say(`${error.message}; npm start -- --help lists the options.`);
    process.exitCode = 2;
    return undefined;
  }
}

const options = readCommandLine();
if (options?.help) say(HELP);
else if (options !== undefined) await main(options);
