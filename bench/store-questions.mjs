// How long each question of the page takes on a full store, and how long each of its steps blocks the event loop.
import { statSync } from 'node:fs';
import { setImmediate } from 'node:timers';

import { load, MIB, NO_BOUND, threadCpuMs, watchSteps } from './store-parts.mjs';
import { addRequest, hex, spanOf } from './store-rows.mjs';

const { openStore } = await load('store');
const { createSqliteReader } = await load('sqlite-reader');

const HOUR_MS = 3_600_000;
const LARGE = 19_000;
/** Of each question: the first reads the file, and a collection of garbage falls into some. */
const RUNS = 5;

export async function askQuestions(file, { traces, routes, hours }) {
  const store = openStore({ file, ...NO_BOUND });
  const to = Date.now();
  const { large, setClock } = await fill(store, to, { traces, routes, hours });
  console.log(
    `${traces * 4 + LARGE} spans of ${hours} h, ${routes} routes, ${(statSync(file).size / MIB).toFixed(0)} MiB`,
  );
  console.log(`${'milliseconds of CPU'.padEnd(30)}     p50     max   longest step`);
  for (const [name, ask] of Object.entries(questionsTo(createSqliteReader(store), to, hours, large))) {
    const taken = [];
    const steps = [];
    for (let run = 0; run < RUNS; run += 1) {
      const stop = watchSteps(setImmediate);
      const before = threadCpuMs();
      await ask();
      taken.push(threadCpuMs() - before);
      steps.push(...stop());
    }
    taken.sort((a, b) => a - b);
    const figures = [taken[Math.floor(RUNS / 2)], taken.at(-1), Math.max(...steps)];
    console.log(name.padEnd(30) + figures.map((value) => value.toFixed(1).padStart(8)).join(''));
  }
  setClock(undefined);
  await store.close();
}

/** Writes the traces, and a large one. */
async function fill(store, to, { traces, routes, hours }) {
  const { now } = Date;
  const setClock = (time) => {
    Date.now = time === undefined ? now : () => time;
  };
  const from = to - hours * HOUR_MS;
  for (let number = 0; number < traces; number += 1) {
    const start = Math.floor(from + number * ((to - 100_000 - from) / traces));
    addRequest(store, number, routes, start * 1_000);
    if (number % 1_000 !== 999) continue;
    // The clock of the store goes with what is written: each sum is written as long as its time lasts, as in a process that runs.
    setClock(start);
    await store.flush();
  }
  setClock(to - 60_000);
  const large = hex(16);
  const begin = (to - 60_000) * 1_000;
  const root = spanOf(large, begin, 0, { kind: 1, name: 'GET /large', method: 'GET', route: '/large' });
  store.addSpan(root);
  for (let index = 1; index < LARGE; index += 1) {
    store.addSpan(spanOf(large, begin + index, root.idLow));
    if (index % 1_000 === 0) await store.flush();
  }
  await store.flush();
  setClock(to);
  return { large, setClock };
}

/** What the page asks, by its name. */
function questionsTo(reader, to, hours, large) {
  const last = (milliseconds) => ({ from: to - milliseconds, to });
  const range = last(hours * HOUR_MS);
  const before = ({ from }) => ({ from: 2 * from - to, to: from });
  const compare = (of) => Promise.all([reader.routes(of), reader.routes(before(of))]);
  return {
    services: () => reader.services(range),
    overview: () => reader.overview({ ...range, buckets: 120 }),
    'overview of a route': () => reader.overview({ ...range, buckets: 120, route: '/orders/1' }),
    trends: () => reader.trends({ ...range, buckets: 60, recentFrom: to - HOUR_MS / 4 }),
    durations: () => reader.durations({ ...range, bars: 40 }),
    routes: () => reader.routes(range),
    'two times compared': () => compare(last((hours * HOUR_MS) / 2)),
    'two times of 40 minutes': () => compare(last(2_400_000)),
    'two times of 6 minutes': () => compare(last(360_000)),
    versions: () => reader.routeVersions({}),
    'newest traces': () => reader.traces({ limit: 200 }),
    'traces of a status': () => reader.traces({ status: '404' }),
    'traces by text': () => reader.traces({ text: 'nowhere' }),
    'traces by attribute': () => reader.traces({ attributes: [{ key: 'url.path', value: 'none' }] }),
    'newest lines': () => reader.logs({ limit: 200 }),
    'lines by word': () => reader.logs({ text: 'order', limit: 200 }),
    'lines by rare word': () => reader.logs({ text: 'nowhere' }),
    'lines by field': () => reader.logs({ fields: [{ key: 'id', value: 'none' }] }),
    'log volume': () => reader.logVolume({ ...range, buckets: 60 }),
    selection: () => reader.selection({ ...last((hours * HOUR_MS) / 2), minMs: 100 }),
    'selection of nothing': () => reader.selection({ ...last((hours * HOUR_MS) / 2), minMs: 1e6 }),
    operations: () => reader.operations(range),
    'operations by p95': () => reader.operations({ ...range, order: 'p95', limit: 1_000 }),
    'operations of a minute': () => reader.operations(last(61_000)),
    errors: () => reader.errors({ ...range, buckets: 60 }),
    'service map': () => reader.serviceMap(range),
    'service map of a large trace': () => reader.serviceMap(last(61_000)),
    'large trace': () => reader.trace(large),
    health: () => reader.health(),
  };
}
