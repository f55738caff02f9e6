// What becomes of a service that keeps its telemetry in the store, in the long run: paced load, small bounds, so that most of
// what is written has to be deleted again, and a look at everything that could grow.
//
//   node bench/soak.mjs [--minutes 30] [--rate 1000] [--interval 10] [--max-mib 64] [--max-rows 150000] [--page] [--json FILE] [--as-is]
//
// `--page` asks the JSON API what an open page asks for, every two seconds. `--as-is` takes the build that the last run
// unpacked. Ends with exit code 1 when memory grew, the file outgrew its bound or rows are missing that nobody counted.
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { startChild } from './child.mjs';
import { installBench } from './install.mjs';
import { renderTable, summarize } from './table.mjs';
import { DASHBOARD_TOKEN } from './variants.mjs';

const CONNECTIONS = 20;
const WARMUP_SECONDS = 10;
/** Each request makes four spans and two lines. */
const ROWS_PER_REQUEST = 6;
/** A full collection stops the server, and shows in that window's latency: every so many windows is enough. */
const COLLECT_EVERY = 3;
const PAGE_MS = 2_000;
/** Rows are written some 200 ms after they were made. */
const WRITTEN_AFTER_MS = 1_500;
const MIB = 2 ** 20;
/** The journal is cut down to 8 MiB whenever it has been played back; between, it may be as long as what is written meanwhile. */
const MAX_JOURNAL_BYTES = 32 * MIB;
const GROWTH = { share: 1.1, bytes: 4 * MIB };

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function readArguments() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '30' },
      rate: { type: 'string', default: '1000' },
      interval: { type: 'string', default: '10' },
      'max-mib': { type: 'string', default: '64' },
      'max-rows': { type: 'string', default: '150000' },
      page: { type: 'boolean', default: false },
      json: { type: 'string' },
      'as-is': { type: 'boolean', default: false },
    },
  });
  const number = (name) => {
    const value = Number(values[name]);
    if (!(value > 0)) throw new Error(`--${name} must be a number above 0, not ${values[name]}`);
    return value;
  };
  return {
    ...values,
    minutes: number('minutes'),
    rate: number('rate'),
    interval: number('interval'),
    maxBytes: number('max-mib') * MIB,
    maxRows: number('max-rows'),
  };
}

/** Asks the application's own JSON API. */
function askApi(port) {
  return async (path) => {
    const response = await fetch(`http://127.0.0.1:${port}/telemetry/api/v1/${path}`, {
      headers: { authorization: `Bearer ${DASHBOARD_TOKEN}` },
    });
    if (!response.ok)
      throw new Error(`${path} was answered with ${response.status}: ${await response.text()}`);
    return response.json();
  };
}

/** Asks what the page asks for while it is open, one after the other, until `stop()`; keeps how long each took at most. */
function openPage(ask) {
  const slowest = new Map();
  let open = true;
  const look = async (name, path) => {
    const from = performance.now();
    const answer = await ask(path);
    slowest.set(name, Math.max(slowest.get(name) ?? 0, performance.now() - from));
    return answer;
  };
  const looking = (async () => {
    while (open) {
      const to = Date.now();
      const range = `service=orders-bench&from=${to - 900_000}&to=${to}`;
      await look('services', `services?from=${to - 900_000}&to=${to}`);
      await look('overview', `overview?${range}&buckets=120`);
      await look('routes', `routes?${range}`);
      const { items } = await look('traces', `traces?${range}&limit=200`);
      if (items.length > 0) await look('trace', `traces/${items.at(-1).traceId}`);
      await look('logs', `logs?${range}&limit=200`);
      await look('logs by text', `logs?${range}&text=order&limit=200`);
      await sleep(PAGE_MS);
    }
  })();
  return {
    slowest,
    stop: async () => {
      open = false;
      await looking;
    },
  };
}

const sizeOf = (file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

async function soak({ minutes, rate, interval, page }, { server, load }, port, file) {
  const ask = askApi(port);
  const visit = page ? openPage(ask) : undefined;
  const windows = Math.max(4, Math.round((minutes * 60) / interval));
  const run = (seconds) => load.ask('run', { port, connections: CONNECTIONS, seconds, rate });
  const { requests: warmedUp } = await run(WARMUP_SECONDS);
  let requests = warmedUp;
  const samples = [];
  const startedAt = performance.now();
  let { cpuMicros: cpuBefore } = await server.ask('sample');
  let running = run(interval);
  await server.ask('begin', { watch: true });
  for (let index = 0; index < windows; index += 1) {
    const client = await running;
    const { delayP99Ms, delayMaxMs, ownMaxMs } = await server.ask('endLoad');
    // The load never pauses: what is measured now shows in the latency of the next window, and not in the delays.
    if (index + 1 < windows) running = run(interval);
    const collect = index % COLLECT_EVERY === COLLECT_EVERY - 1;
    const memory = await server.ask('sample', { collect });
    const { store } = await ask('health');
    await server.ask('begin', { watch: true });
    requests += client.requests;
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
      ...store,
    };
    cpuBefore = memory.cpuMicros;
    samples.push(sample);
    console.error(
      `${sample.seconds.toFixed(0).padStart(5)} s  ${(sample.rssBytes / MIB).toFixed(0)} MiB resident, file ` +
        `${(sample.fileBytes / MIB).toFixed(1)} MiB, ${store.evicted} evicted, ${store.dropped} dropped, p99 ${sample.p99Ms.toFixed(1)} ms, own work at most ${ownMaxMs.toFixed(0)} ms`,
    );
  }
  await visit?.stop();
  await sleep(WRITTEN_AFTER_MS);
  const { store } = await ask('health');
  return { samples, requests, store, slowest: [...(visit?.slowest ?? [])] };
}

const mib = (bytes) => (bytes === undefined ? '' : (bytes / MIB).toFixed(1));
const whole = (value) => value.toFixed(0);

/** At most this many lines, evenly spread; a line stands for the windows since the one before. */
function renderSamples(samples, lines = 24) {
  const every = Math.ceil(samples.length / lines);
  const rows = [];
  for (let end = every; end <= samples.length; end += every) {
    const group = samples.slice(end - every, end);
    const last = group.at(-1);
    const most = (key) => Math.max(...group.map((sample) => sample[key]));
    const middle = summarize(group.map(({ perSecond, cpuMicros }) => ({ perSecond, cpuMicros })));
    const quiet = group.filter(({ followsCollection }) => !followsCollection);
    rows.push([
      whole(last.seconds),
      whole(middle.perSecond),
      whole(middle.cpuMicros),
      (quiet.length === 0 ? group : quiet).reduce((max, { p99Ms }) => Math.max(max, p99Ms), 0).toFixed(1),
      most('delayP99Ms').toFixed(1),
      most('delayMaxMs').toFixed(1),
      most('ownMaxMs').toFixed(1),
      mib(group.findLast(({ liveBytes }) => liveBytes !== undefined)?.liveBytes),
      mib(most('rssBytes')),
      mib(most('fileBytes')),
      mib(most('journalBytes')),
      whole(last.spans),
      whole(last.logs),
      whole(last.points),
      whole(most('queued')),
      whole(last.evicted),
      whole(last.dropped),
    ]);
  }
  const header = [
    'seconds',
    'req/s',
    'CPU us/req',
    'p99 ms',
    'loop p99 ms',
    'loop max ms',
    'own max ms',
    'live MiB',
    'resident MiB',
    'file MiB',
    'journal MiB',
    'spans',
    'logs',
    'points',
    'queue',
    'evicted',
    'dropped',
  ];
  return renderTable(header, rows);
}

/** Each claim with whether it held. */
function judge({ samples, requests, store }, { maxBytes, rate }) {
  const quarter = (number) =>
    samples
      .slice(Math.floor(((number - 1) * samples.length) / 4), Math.floor((number * samples.length) / 4))
      .filter(({ liveBytes }) => liveBytes !== undefined)
      .map(({ liveBytes }) => ({ liveBytes }));
  const [early, late] = [quarter(2), quarter(4)];
  const most = (key) => Math.max(...samples.map((sample) => sample[key]));
  const { perSecond } = summarize(samples.map(({ perSecond }) => ({ perSecond })));
  const claims = [];
  const claim = (holds, text) => claims.push({ holds, text });
  claim(perSecond >= rate * 0.98, `${whole(perSecond)} of ${whole(rate)} requests/s were answered`);
  if (early.length > 0 && late.length > 0) {
    const before = summarize(early).liveBytes;
    const after = summarize(late).liveBytes;
    claim(
      after <= before * GROWTH.share + GROWTH.bytes,
      `live memory: ${mib(before)} MiB in the second quarter, ${mib(after)} MiB in the last`,
    );
  } else claim(false, 'live memory: too short a run to tell');
  const file = most('fileBytes');
  const journal = most('journalBytes');
  claim(file <= maxBytes, `file: at most ${mib(file)} MiB of ${mib(maxBytes)}`);
  claim(journal <= MAX_JOURNAL_BYTES, `journal: at most ${mib(journal)} MiB`);
  claim(store.evicted > 0, `${store.evicted} rows were evicted`);
  const made = requests * ROWS_PER_REQUEST;
  const known = store.spans + store.logs + store.evicted + store.dropped + store.queued;
  claim(
    known >= made * 0.999,
    `${made} spans and lines were made; ${known} are known of: ${store.spans + store.logs} there, ${store.evicted} evicted (points too), ${store.dropped} dropped`,
  );
  // The plain delay says as much about what else the machine does.
  const worst = most('ownMaxMs');
  claim(worst <= 50, `the process held up its event loop for at most ${whole(worst)} ms`);
  return claims;
}

async function main() {
  const options = readArguments();
  if (!options['as-is']) installBench();
  const folder = mkdtempSync(join(tmpdir(), 'telemetry-soak-'));
  const file = join(folder, 'telemetry.db');
  const bounds = { file, maxBytes: options.maxBytes, maxSpans: options.maxRows, maxLogs: options.maxRows };
  const server = startChild('./app.mjs', ['ours-store'], {
    NODE_ENV: 'production',
    BENCH_STORE: JSON.stringify(bounds),
  });
  const load = startChild('./load.mjs');
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
      `${options.maxBytes / MIB} MiB, ${options.maxRows} spans and lines\n\n${renderSamples(result.samples)}\n`,
  );
  for (const [name, ms] of result.slowest)
    console.log(`page: ${name.padEnd(12)} at most ${ms.toFixed(0)} ms`);
  const claims = judge(result, options);
  for (const { holds, text } of claims) console.log(`${holds ? 'ok  ' : 'FAIL'} ${text}`);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`);
  if (claims.some(({ holds }) => !holds)) process.exitCode = 1;
}

await main();
