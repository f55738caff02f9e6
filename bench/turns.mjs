// What telemetry costs a request, on a machine that does other work: all variants are up at the same time and take turns under
// load, so that what slows the machine down slows all of them. Prints CPU time as ratios to the first variant.
//
//   node bench/turns.mjs [--turns 20] [--seconds 1] [--rate 0] [--warmup 60000] [--variants pino,ours-100] [--as-is]
//                        [--platform fastify] [--request read|create|call] [--node PATH] [--node-options …]
//
// `--warmup` is a number of requests. Processor time is that of a turn and the time after it in which all leaves that was
// buffered. A ratio is taken within each turn; the table has their median and quartiles, and apart what is no work of the
// kernel, which changes most with the load of the machine. bench/run.mjs says what else there is, and measures the rest.
import { flag, list, number, oneOf, path, readArguments, words } from './arguments.mjs';
import { startChild } from './child.mjs';
import { installBench } from './install.mjs';
import { VARIANTS } from './processes/variants.mjs';
import { REQUESTS } from './requests.mjs';
import { renderTable } from './table.mjs';

const CONNECTIONS = 20;
/** Short, so that a turn contains what it caused. Metrics are sent once in a turn of a second. */
const EXPORT_DELAYS = {
  OTEL_BSP_SCHEDULE_DELAY: '200',
  OTEL_BLRP_SCHEDULE_DELAY: '200',
  OTEL_METRIC_EXPORT_INTERVAL: '1000',
};
const DRAIN_MS = 250;

const quantile = (values, share) => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)];
};

const options = readArguments({
  turns: number(20),
  seconds: number(1),
  rate: number(0, { from: 0 }),
  warmup: number(60_000),
  variants: list(Object.keys(VARIANTS)),
  platform: oneOf(['fastify', 'express']),
  request: oneOf(Object.keys(REQUESTS)),
  node: path(),
  'node-options': words(),
  'as-is': flag(),
});
const folder = await installBench(options);
const sink = startChild(folder, 'sink.mjs');
const load = startChild(folder, 'load.mjs');
const upstream = options.request === 'call' ? startChild(folder, 'upstream.mjs') : undefined;
const env = { NODE_ENV: 'production', ...EXPORT_DELAYS, BENCH_PLATFORM: options.platform };
const servers = [];
try {
  const { port: sinkPort } = await sink.answer('listening');
  if (upstream !== undefined) env.BENCH_UPSTREAM = JSON.stringify(await upstream.answer('listening'));
  for (const name of options.variants) {
    const args = [name, `http://127.0.0.1:${sinkPort}`];
    const child = startChild(folder, 'app.mjs', {
      args,
      env,
      node: options.node,
      nodeOptions: options.nodeOptions,
    });
    servers.push({ name, child, costs: [], userCosts: [], p99s: [] });
    servers.at(-1).port = (await child.answer('listening')).port;
  }
  const run = (port, seconds, rate) =>
    load.ask('run', { port, seconds, rate, connections: CONNECTIONS, kind: REQUESTS[options.request] });
  for (const { port } of servers) {
    // Requests, not seconds: on a busy machine, what is slow would be measured before it is compiled.
    for (let done = 0; done < options.warmup;) done += (await run(port, 1, 0)).requests;
  }
  const used = ({ child }) => child.ask('sample');
  for (let turn = 0; turn < options.turns; turn += 1) {
    for (const server of servers) {
      const before = await used(server);
      const { requests, p99Ms } = await run(server.port, options.seconds, options.rate);
      await new Promise((resolve) => setTimeout(resolve, DRAIN_MS));
      const after = await used(server);
      server.costs.push((after.cpuMicros - before.cpuMicros) / requests);
      server.userCosts.push((after.userMicros - before.userMicros) / requests);
      server.p99s.push(p99Ms);
    }
  }
} finally {
  await Promise.all([load, sink, upstream, ...servers.map(({ child }) => child)].map((each) => each?.stop()));
}
const [base] = servers;
console.log(
  `${options.platform}, ${options.request}, ${options.rate === 0 ? 'closed loop' : `${options.rate} requests/s`}; ` +
    `${options.turns} turns of ${options.seconds} s\n`,
);
const ratios = (server, key) => server[key].map((value, turn) => value / base[key][turn]);
const row = (server) => [
  server.name,
  quantile(server.costs, 0.5).toFixed(1),
  ...[0.5, 0.25, 0.75].map((share) => quantile(ratios(server, 'costs'), share).toFixed(2)),
  quantile(server.userCosts, 0.5).toFixed(1),
  quantile(ratios(server, 'userCosts'), 0.5).toFixed(2),
  quantile(server.p99s, 0.5).toFixed(2),
  quantile(ratios(server, 'p99s'), 0.5).toFixed(2),
];
const header = [
  'variant',
  'CPU us/req',
  `x ${base.name}`,
  'lower',
  'upper quartile',
  'user us/req',
  `x ${base.name}`,
  'p99 ms',
  `x ${base.name}`,
];
console.log(renderTable(header, servers.map(row)));
