// The options of `npm start`, read before anything is built.
import { parseArgs } from 'node:util';

import { FAULTS } from './faults.mjs';

const TRAFFIC = ['once', 'forever', 'off'];

export const HELP = `Usage: npm start -- [options]

Starts the sample system: three services that call each other, a PostgreSQL, a Redis and a stand-in for a language model, and
the dashboard of all of them.

Options:
  --traffic=once       sends a few requests (default)
  --traffic=forever    sends requests until the end
  --no-traffic         sends none
  --fault <name>       sends usual requests, and then goes wrong; docs/stories.md finds the cause on the dashboard
${Object.entries(FAULTS)
  .map(([name, { what }]) => `                         ${name.padEnd(12)} ${what}`)
  .join('\n')}
  --help               prints this

Ports: GATEWAY_PORT, ORCHESTRATOR_PORT, WORKER_PORT; 0 takes any that is free.
`;

/** What the command line asks for. Throws an error whose message says what is wrong, and what to write. */
export function readOptions(args, env = {}) {
  const { fault, traffic, help = false, 'no-traffic': isQuiet = false } = parse(args);
  if (fault !== undefined && !Object.hasOwn(FAULTS, fault))
    throw new Error(`--fault must be one of ${Object.keys(FAULTS).join(', ')}, not "${fault}"`);
  if (traffic !== undefined && !TRAFFIC.includes(traffic))
    throw new Error(`--traffic must be one of ${TRAFFIC.join(', ')}, not "${traffic}"`);
  if (fault !== undefined && (isQuiet || traffic !== undefined))
    throw new Error('--fault has traffic that shows it: leave out --traffic and --no-traffic');
  return { help, fault, traffic: isQuiet ? 'off' : (traffic ?? trafficOf(env)) };
}

function parse(args) {
  const options = {
    fault: { type: 'string' },
    traffic: { type: 'string' },
    'no-traffic': { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  };
  return parseArgs({ args, options }).values;
}

function trafficOf({ TRAFFIC: wish = 'once' }) {
  return ['off', 'false', '0', 'no'].includes(wish) ? 'off' : wish === 'forever' ? 'forever' : 'once';
}
