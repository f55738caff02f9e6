// What telemetry costs a request: the same application under each variant, in fresh processes, interleaved, as ratios.
//
//   node bench/run.mjs [--rounds 3] [--seconds 8] [--warmup 8] [--variants bare,pino,ours-100] [--profile DIR] [--json FILE] [--as-is]
//                      [--platform fastify] [--request read|create|call] [--scrape] [--node PATH]
//                      [--node-options=--no-allocation-site-pretenuring]
//
// `--request`: `read` is GET /orders/:id, `create` a POST with a body through a guard, a pipe and an interceptor, `call` the read
// with a query through `pg` and a `fetch` before it. `--scrape`: GET /metrics once in each window, where a variant has it.
// `--node`: another Node than the pinned one runs the servers.
// `--as-is` measures the build that the last run unpacked, for when the sources are being worked on.
// `--node-options` are given to each server; paths in them should be absolute, since servers run in a folder of their own, and what Node
// writes by itself comes to where you are. The one above takes a lottery out of the figures: V8 decides within the first
// second of load whether `process.nextTick` allocates in its old generation, and where it does, whole requests outlive
// themselves and a process pays 10 us more for each, with any variant.
// Each round starts each variant once: warm-up, a closed loop of 20 connections, then a paced run of 1,000 requests/s.
// Processor time is that of the server process, all threads, over the window and the drain after it. The numbers of a
// machine that does other work, or of another machine, do not compare; the ratios of one run do.
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';

import { flag, list, number, oneOf, path, readArguments, words } from './arguments.mjs';
import { startChild } from './child.mjs';
import { installBench } from './install.mjs';
import { VARIANTS } from './processes/variants.mjs';
import { REQUESTS } from './requests.mjs';
import { renderTable, summarize } from './table.mjs';

const CONNECTIONS = 20;
const PACED_PER_SECOND = 1_000;
/** Longer than the delays below, so that everything buffered has left when the drain ends. */
const DRAIN_MS = 2_000;
/** Spans and metrics as often as log records by default: the same work, a shorter drain. */
const EXPORT_DELAYS = { OTEL_BSP_SCHEDULE_DELAY: '1000', OTEL_METRIC_EXPORT_INTERVAL: '1000' };

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** One window under load: what the server used until everything had left it, and what the client saw. */
async function measureWindow({ server, load, sink }, { exports }, { scrape, ...options }, profile) {
  await sink.ask('take');
  await server.ask('begin', { profile });
  const [client] = await Promise.all([
    load.ask('run', options),
    scrape && scrapeOnce(options.port, (options.seconds * 1_000) / 2),
  ]);
  const { delayMeanMs, delayP99Ms } = await server.ask('endLoad');
  if (exports) await sleep(DRAIN_MS);
  const { cpuMicros, systemMicros, threadMicros, rssBytes, liveBytes } = await server.ask('report', {
    profile,
  });
  const sent = await sink.ask('take');
  return {
    cpu: cpuMicros / client.requests,
    kernel: systemMicros / client.requests,
    otherThreads: (cpuMicros - threadMicros) / client.requests,
    perSecond: client.perSecond,
    p99: client.p99Ms,
    delayMean: delayMeanMs,
    delayP99: delayP99Ms,
    rss: rssBytes / 2 ** 20,
    live: liveBytes / 2 ** 20,
    spans: sent.traces / client.requests,
    logs: sent.logs / client.requests,
  };
}

/** As Prometheus asks for them; 404 of a variant without metrics is fine. */
async function scrapeOnce(port, afterMs) {
  await sleep(afterMs);
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, {
    headers: { accept: 'application/openmetrics-text;version=1.0.0' },
  });
  await response.arrayBuffer();
}

async function measureVariant(
  name,
  sinkPort,
  { load, sink, folder, env: shared },
  { warmup, seconds, profile, node, nodeOptions, request, scrape },
) {
  const variant = VARIANTS[name];
  const env = { NODE_ENV: 'production', ...EXPORT_DELAYS, ...shared };
  const args = [name, `http://127.0.0.1:${sinkPort}`];
  const server = startChild(folder, 'app.mjs', { args, env, node, nodeOptions });
  try {
    const { port, startupMs } = await server.answer('listening');
    const children = { server, load, sink };
    const base = { port, connections: CONNECTIONS, kind: REQUESTS[request], scrape };
    await load.ask('run', { ...base, seconds: warmup, rate: 0 });
    // Idle for all alike: what the engine tidies up then is part of the state a window begins with.
    await sleep(DRAIN_MS);
    const cpuProfile = profile && join(profile, `${name}.cpuprofile`);
    const closed = await measureWindow(children, variant, { ...base, seconds, rate: 0 }, cpuProfile);
    const paced = await measureWindow(children, variant, { ...base, seconds, rate: PACED_PER_SECOND });
    return {
      startup: startupMs,
      ...closed,
      pacedCpu: paced.cpu,
      pacedP99: paced.p99,
      pacedPerSecond: paced.perSecond,
      pacedSpans: paced.spans,
      pacedDelayMean: paced.delayMean,
      pacedDelayP99: paced.delayP99,
    };
  } finally {
    await server.stop();
  }
}

const fixed = (digits) => (value) => value.toFixed(digits);

/** Ratios are taken within a round, then the median of them: the machine changes between rounds, less within one. */
function ratioTo(results, name, baseline, key) {
  const base = results.get(baseline);
  if (base === undefined) return '';
  const { ratio } = summarize(
    results.get(name).map((round, index) => ({ ratio: round[key] / base[index][key] })),
  );
  return fixed(2)(ratio);
}

function render(results) {
  const header = [
    'variant',
    'CPU us/req',
    'x bare',
    'x pino',
    'in the kernel',
    'other threads',
    'req/s',
    'x pino',
    'p99 ms',
    'x pino',
  ];
  const pacedHeader = [
    'variant',
    'CPU us/req',
    'x bare',
    'x pino',
    'req/s',
    'p99 ms',
    'x pino',
    'loop mean ms',
    'loop p99 ms',
  ];
  const restHeader = [
    'variant',
    'live MiB',
    '+ pino',
    'resident MiB',
    '+ pino',
    'start ms',
    '+ bare',
    'loop p99 ms',
    'spans/req',
    'paced',
    'logs/req',
  ];
  const closed = [];
  const paced = [];
  const rest = [];
  const difference = (value, baseline, key) =>
    results.has(baseline) ? fixed(0)(value - summarize(results.get(baseline))[key]) : '';
  for (const [name, rounds] of results) {
    const all = summarize(rounds);
    const times = (baseline, key) => ratioTo(results, name, baseline, key);
    closed.push([
      name,
      fixed(1)(all.cpu),
      times('bare', 'cpu'),
      times('pino', 'cpu'),
      fixed(1)(all.kernel),
      fixed(1)(all.otherThreads),
      fixed(0)(all.perSecond),
      times('pino', 'perSecond'),
      fixed(2)(all.p99),
      times('pino', 'p99'),
    ]);
    paced.push([
      name,
      fixed(1)(all.pacedCpu),
      times('bare', 'pacedCpu'),
      times('pino', 'pacedCpu'),
      fixed(0)(all.pacedPerSecond),
      fixed(2)(all.pacedP99),
      times('pino', 'pacedP99'),
      fixed(2)(all.pacedDelayMean),
      fixed(2)(all.pacedDelayP99),
    ]);
    rest.push([
      name,
      fixed(1)(all.live),
      results.has('pino') ? fixed(1)(all.live - summarize(results.get('pino')).live) : '',
      fixed(0)(all.rss),
      difference(all.rss, 'pino', 'rss'),
      fixed(0)(all.startup),
      difference(all.startup, 'bare', 'startup'),
      fixed(2)(all.delayP99),
      fixed(2)(all.spans),
      fixed(2)(all.pacedSpans),
      fixed(2)(all.logs),
    ]);
  }
  return [
    `Closed loop, ${CONNECTIONS} connections`,
    renderTable(header, closed),
    `Paced, ${PACED_PER_SECOND} requests/s`,
    renderTable(pacedHeader, paced),
    'Memory after the closed loop (live: what a full collection leaves), start-up, event loop, and what arrived at the sink',
    renderTable(restHeader, rest),
  ].join('\n\n');
}

async function main() {
  const options = readArguments({
    rounds: number(3),
    seconds: number(8),
    warmup: number(8),
    variants: list(Object.keys(VARIANTS)),
    platform: oneOf(['fastify', 'express']),
    request: oneOf(Object.keys(REQUESTS)),
    scrape: flag(),
    node: path(),
    profile: path(),
    json: path(),
    'as-is': flag(),
    'node-options': words(),
  });
  const folder = await installBench(options);
  if (options.profile !== undefined) mkdirSync(options.profile, { recursive: true });
  const sink = startChild(folder, 'sink.mjs');
  const load = startChild(folder, 'load.mjs');
  const upstream = options.request === 'call' ? startChild(folder, 'upstream.mjs') : undefined;
  const results = new Map(options.variants.map((name) => [name, []]));
  try {
    const { port } = await sink.answer('listening');
    const env = { BENCH_PLATFORM: options.platform };
    if (upstream !== undefined) env.BENCH_UPSTREAM = JSON.stringify(await upstream.answer('listening'));
    for (let round = 0; round < options.rounds; round += 1) {
      for (const name of options.variants) {
        const result = await measureVariant(name, port, { load, sink, folder, env }, options);
        results.get(name).push(result);
        console.error(
          `round ${round + 1}  ${name.padEnd(16)} ${result.cpu.toFixed(1)} us/request, paced ${result.pacedCpu.toFixed(1)}`,
        );
      }
    }
  } finally {
    await Promise.all([load.stop(), sink.stop(), upstream?.stop()]);
  }
  const [{ model }] = cpus();
  console.log(
    `\n${model}, ${availableParallelism()} threads; ${options.platform}, ${options.request}; ` +
      `medians of ${options.rounds} rounds\n`,
  );
  for (const name of options.variants) console.log(`${name.padEnd(16)} ${VARIANTS[name].description}`);
  console.log(`\n${render(results)}`);
  if (options.json !== undefined) {
    writeFileSync(options.json, `${JSON.stringify(Object.fromEntries(results), null, 2)}\n`);
  }
}

await main();
