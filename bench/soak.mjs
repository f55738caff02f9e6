// What becomes of a service that keeps its telemetry in the store, in the long run: paced load, small bounds, so that most of
// what is written has to be deleted again, and a look at everything that could grow, or could be lost.
//
//   node bench/soak.mjs [--minutes 30] [--rate 1000] [--interval 10] [--max-mib 64] [--max-rows 150000] [--burst 0] [--page]
//                       [--json FILE] [--as-is]
//
// Beside the route that most ask for, one is asked for seldom and one fails: their traces must stay. `--burst` writes so many lines
// in one go in each window, more than 20,000 cannot wait, so that rows are dropped. `--page` asks the JSON API what an open page
// asks for, every two seconds. `--as-is` takes the build that the last run unpacked. Ends with exit code 1 when a claim does not hold.
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';

import { flag, number, path, readArguments } from './arguments.mjs';
import { startChild } from './child.mjs';
import { installBench } from './install.mjs';
import { judge, mib, renderSamples } from './soak-report.mjs';
import { askApi, checkKept, countRows, countWrittenRows, openPage } from './soak-watch.mjs';

const CONNECTIONS = 20;
const WARMUP_SECONDS = 10;
/** A full collection stops the server, and shows in that window's latency: every so many windows is enough. */
const COLLECT_EVERY = 3;
/** Rows are written some 200 ms after they were made. */
const WRITTEN_AFTER_MS = 1_500;
const MIB = 2 ** 20;

const ORDERS = '/orders';
/** In half an hour of 1,000 requests/s their traces fit below the bounds, together with the rest. */
const RARE = { path: '/rare', status: 200, every: 997 };
const FAILING = { path: '/failing', status: 500, every: 499 };
const MIX = [RARE, FAILING];
/** Requests of one kind that show how many rows each makes. */
const COUNTED = 50;

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const sizeOf = (file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

/** How many spans and lines a request of each kind makes; says also how many requests that took. */
async function countRowsPerRequest(load, ask, port) {
  const rows = {};
  for (const kind of [{ path: ORDERS, status: 200 }, ...MIX]) {
    const before = await countWrittenRows(ask);
    const mix = [{ ...kind, every: 1 }];
    const { requests } = await load.ask('run', { port, connections: 1, seconds: 1, rate: COUNTED, mix });
    await sleep(WRITTEN_AFTER_MS);
    const { known } = await countWrittenRows(ask);
    rows[kind.path] = { perRequest: (known - before.known) / requests, requests };
  }
  return rows;
}

async function soak({ minutes, rate, interval, page, burst }, { server, load }, port, file) {
  const ask = askApi(port);
  const { known: atStart } = await countWrittenRows(ask);
  const rows = await countRowsPerRequest(load, ask, port);
  const answered = Object.fromEntries(Object.entries(rows).map(([path, { requests }]) => [path, requests]));
  const visit = page ? openPage(ask) : undefined;
  const windows = Math.max(4, Math.round((minutes * 60) / interval));
  const run = (seconds) => load.ask('run', { port, connections: CONNECTIONS, seconds, rate, mix: MIX });
  const take = ({ byPath }) => {
    for (const [path, count] of Object.entries(byPath)) answered[path] += count;
  };
  take(await run(WARMUP_SECONDS));
  const samples = [];
  const startedAt = performance.now();
  let { cpuMicros: cpuBefore } = await server.ask('sample');
  let running = run(interval);
  await server.ask('begin', { watch: true });
  for (let index = 0; index < windows; index += 1) {
    const client = await running;
    const { delayP99Ms, delayMaxMs, ownMaxMs } = await server.ask('endLoad');
    take(client);
    await sleep(WRITTEN_AFTER_MS);
    const must = {
      rare: { path: RARE.path, answered: answered[RARE.path] },
      failing: { answered: answered[FAILING.path] },
    };
    // The load never pauses for longer: what is looked at now shows in the latency of the next window, and not in the delays.
    if (index + 1 < windows) running = run(interval);
    if (burst > 0) await server.ask('burst', { lines: burst });
    const collect = index % COLLECT_EVERY === COLLECT_EVERY - 1;
    const memory = await server.ask('sample', { collect });
    const store = await countRows(ask);
    await server.ask('begin', { watch: true });
    const kept = await checkKept(ask, must);
    const sample = {
      seconds: (performance.now() - startedAt) / 1_000,
      perSecond: client.perSecond,
      p50Ms: client.p50Ms,
      p99Ms: client.p99Ms,
      followsCollection: samples.at(-1)?.liveBytes !== undefined,
      cpuMicros: (memory.cpuMicros - cpuBefore) / client.requests,
      delayP99Ms,
      delayMaxMs,
      ownMaxMs,
      rssBytes: memory.rssBytes,
      heapBytes: memory.heapBytes,
      liveBytes: memory.liveBytes,
      fileBytes: sizeOf(file),
      journalBytes: sizeOf(`${file}-wal`),
      kept,
      rareLost: kept.rareLost,
      failingLost: kept.failingLost,
      dead: kept.dead,
      ...store,
    };
    cpuBefore = memory.cpuMicros;
    samples.push(sample);
    console.error(
      `${sample.seconds.toFixed(0).padStart(5)} s  ${mib(sample.rssBytes)} MiB resident, file ${mib(sample.fileBytes)} MiB, ` +
        `${store.evicted} evicted, ${store.dropped} dropped, p99 ${sample.p99Ms.toFixed(1)} ms, own work at most ${ownMaxMs.toFixed(0)} ms, ` +
        `${kept.rareLost} rare and ${kept.failingLost} failed traces lost, ${kept.dead} dead dots`,
    );
  }
  await visit?.stop();
  await sleep(WRITTEN_AFTER_MS);
  const made = Object.entries(answered).reduce(
    (sum, [path, count]) => sum + count * rows[path].perRequest,
    atStart + burst * windows,
  );
  return {
    samples,
    made,
    store: await countWrittenRows(ask),
    answered: { rare: answered[RARE.path], failing: answered[FAILING.path] },
    slowest: [...(visit?.slowest ?? [])],
  };
}

async function main() {
  const options = readArguments({
    minutes: number(30),
    rate: number(1_000),
    interval: number(10),
    'max-mib': number(64),
    'max-rows': number(150_000),
    burst: number(0, { from: 0 }),
    page: flag(),
    json: path(),
    'as-is': flag(),
  });
  const processes = await installBench(options);
  const folder = mkdtempSync(join(tmpdir(), 'telemetry-soak-'));
  const file = join(folder, 'telemetry.db');
  const maxBytes = options.maxMib * MIB;
  const bounds = { file, maxBytes, maxSpans: options.maxRows, maxLogs: options.maxRows };
  const server = startChild(processes, 'app.mjs', {
    args: ['ours-store'],
    env: { NODE_ENV: 'production', BENCH_STORE: JSON.stringify(bounds), BENCH_RARE: 'true' },
  });
  const load = startChild(processes, 'load.mjs');
  let result;
  try {
    const { port } = await server.answer('listening');
    result = await soak(options, { server, load }, port, file);
  } finally {
    await Promise.all([load.stop(), server.stop()]);
    rmSync(folder, { recursive: true, force: true });
  }
  const [{ model }] = cpus();
  console.log(
    `\n${model}, ${availableParallelism()} threads; ${options.minutes} minutes of ${options.rate} requests/s, store of ` +
      `${options.maxMib} MiB, ${options.maxRows} spans and lines\n\n${renderSamples(result.samples)}\n`,
  );
  for (const [name, ms] of result.slowest)
    console.log(`page: ${name.padEnd(18)} at most ${ms.toFixed(0)} ms`);
  const claims = judge(result, { ...options, maxBytes });
  for (const { holds, text } of claims) console.log(`${holds ? 'ok  ' : 'FAIL'} ${text}`);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`);
  if (claims.some(({ holds }) => !holds)) process.exitCode = 1;
}

await main();
