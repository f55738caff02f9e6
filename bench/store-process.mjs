// What `bench/store.mjs` runs with the Node the repository pins: the store alone, told in JSON what to do with it.
import { statSync } from 'node:fs';

import { load, MIB, NO_BOUND, watchSteps } from './store-parts.mjs';
import { askQuestions } from './store-questions.mjs';
import { addRequest } from './store-rows.mjs';
import { measureSums } from './store-sums.mjs';
import { measureThreads } from './store-threads.mjs';

const { openStore } = await load('store');
const { readStore } = await load('queries/read-store');

const WARMUP_MS = 4_000;
const BOUNDS = { none: {}, both: { maxSpans: 30_000, maxLogs: 20_000 }, logs: { maxLogs: 20_000 } };

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function write(file, { bound, rate, seconds, routes }) {
  const store = openStore({ file, ...NO_BOUND, ...BOUNDS[bound] });
  let made = 0;
  let largest = 0;
  const feed = async (milliseconds, add) => {
    const startedAt = performance.now();
    const usage = process.cpuUsage();
    for (let sent = 0, passed = 0; passed < milliseconds; passed = performance.now() - startedAt) {
      for (; sent < (passed / 1_000) * rate; sent += 1) add((made += 1));
      largest = Math.max(largest, statSync(file).size);
      await sleep(2);
    }
    const { user, system } = process.cpuUsage(usage);
    return (user + system) / milliseconds / 10;
  };
  const add = (number) => addRequest(store, number, routes);
  await feed(WARMUP_MS, add);
  const stop = watchSteps((look) => setTimeout(look, 5));
  const busy = await feed(seconds * 1_000, add);
  const hold = Math.max(...stop());
  await store.flush();
  const { spans, logs, evicted, dropped } = store.read(readStore);
  const rows = `${made * 6} rows made, ${spans + logs + evicted + dropped} known of`;
  await store.close();
  // The same rows made, and nothing done with them.
  const idle = await feed(5_000, (number) =>
    addRequest({ addSpan: () => undefined, addLog: () => undefined }, number, routes),
  );
  const perRequest = ((busy - idle) / rate) * 1e4;
  console.log(
    `bound ${bound}: ${perRequest.toFixed(1)} us of CPU per request, ${(perRequest / 4).toFixed(2)} us per span with its lines (${(busy - idle).toFixed(1)} % of a core), held up by ${hold.toFixed(0)} ms ` +
      `at most, file ${(largest / MIB).toFixed(1)} MiB at most; ${rows}, ${evicted} evicted, ${dropped} dropped`,
  );
}

const { command, ...options } = JSON.parse(process.argv[2]);
const commands = { write, questions: askQuestions, sums: measureSums, threads: measureThreads };
await commands[command](options.file, options);
