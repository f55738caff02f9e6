// What `bench/store.mjs` runs with the Node the repository pins: the store alone, told in JSON what to do with it.
import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { setImmediate } from 'node:timers';

const load = (path) => import(new URL(`../dist/modules/dashboard/sqlite/${path}.js`, import.meta.url));
const { openStore } = await load('store');
const { readStore } = await load('queries/read-store');

const MIB = 2 ** 20;
const WARMUP_MS = 4_000;
const NO_BOUND = { maxAgeMs: 864e5, maxBytes: 1_024 * MIB, maxSpans: 1e7, maxLogs: 1e7, maxPoints: 1e7 };
const BOUNDS = { none: {}, both: { maxSpans: 30_000, maxLogs: 20_000 }, logs: { maxLogs: 20_000 } };

const resource = { service: 'orders', version: '1', environment: 'bench', instance: 'a', attributes: '{}' };
const hex = (bytes) => randomBytes(bytes).toString('hex');
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
let ids = 0;

function spanOf(traceId, start, parentLow, more) {
  ids += 1;
  return {
    resource,
    scope: 'bench',
    traceId,
    idHigh: 1,
    idLow: ids,
    parentHigh: parentLow === 0 ? 0 : 1,
    parentLow,
    name: 'OrderService.find',
    kind: 0,
    start,
    duration: 900,
    status: 0,
    attributes: '{"code.function.name":"OrderService.find"}',
    ...more,
  };
}

/** One request with four spans and two lines. @param kinds how many routes there are, and as many methods and statements */
function addRequest(store, number, kinds, start = Date.now() * 1_000) {
  const traceId = hex(16);
  const kind = number % kinds;
  const route = `/orders/${kind}`;
  const failed = number % 200 === 0;
  const server = { kind: 1, name: `GET ${route}`, method: 'GET', route, outcome: failed ? '500' : '200' };
  const attributes = JSON.stringify({
    'http.route': route,
    'http.request.method': 'GET',
    'url.path': `/orders/${number}`,
  });
  // Multiples of the golden ratio spread evenly, and are the same in every run.
  const duration = Math.floor(1_000 + ((number * 0.618034) % 1) ** 4 * 200_000);
  const root = spanOf(traceId, start, 0, { ...server, status: failed ? 2 : 0, duration, attributes });
  const statement = {
    name: 'SELECT orders',
    kind: 2,
    attributes: JSON.stringify({
      'db.system.name': 'postgresql',
      'db.namespace': 'orders',
      'db.query.summary': `SELECT orders_${kind}`,
      'db.query.text': `SELECT * FROM orders_${kind} WHERE customer = $1 ORDER BY created_at DESC LIMIT 20`,
      'server.address': 'db.internal',
    }),
  };
  // As they end: children first.
  for (const more of [statement, {}, { name: `OrderService.find${kind}` }])
    store.addSpan(spanOf(traceId, start + 1, root.idLow, more));
  store.addSpan(root);
  for (let line = 0; line < 2; line += 1)
    store.addLog({
      resource,
      time: Math.floor(start / 1_000),
      level: failed ? 50 : 30,
      context: 'OrderService',
      traceId,
      spanId: hex(8),
      message: `order ${number} read for customer-${hex(4)}`,
      attributes: JSON.stringify({ id: String(number % 1_000), requestId: traceId }),
    });
}

/** Processor time of this thread between two turns of the event loop, at most; `stop()` gives it in milliseconds. */
function watchHold(nextTurn) {
  let before = process.threadCpuUsage();
  let longest = 0;
  let isOver = false;
  const look = () => {
    const { user, system } = process.threadCpuUsage(before);
    before = process.threadCpuUsage();
    longest = Math.max(longest, (user + system) / 1_000);
    if (!isOver) nextTurn(look);
  };
  nextTurn(look);
  return () => {
    isOver = true;
    return longest;
  };
}

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
  const stop = watchHold((look) => setTimeout(look, 5));
  const busy = await feed(seconds * 1_000, add);
  const hold = stop();
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

async function askQuestions(file, { traces }) {
  const { findTraces } = await load('queries/find-traces');
  const { findLogs } = await load('queries/find-logs');
  const { findRoutes, findServices, readOverview } = await load('queries/overview');
  const { findOperations } = await load('queries/operations');
  const { findErrors } = await load('queries/errors');
  const { findRouteVersions } = await load('queries/route-versions');
  const { rankSelection } = await load('queries/rank-selection');
  const { readTrace } = await load('queries/read-trace');
  const { findServiceMap } = await load('queries/service-map');
  const store = openStore({ file, ...NO_BOUND });
  const to = Date.now();
  const range = { from: to - 3_600_000, to };
  for (let number = 0; number < traces; number += 1) {
    const start = range.from + number * (3_500_000 / traces);
    addRequest(store, number, 333, Math.floor(start) * 1_000);
    if (number % 1_000 === 0) await store.flush();
  }
  const large = hex(16);
  const root = spanOf(large, (to - 60_000) * 1_000, 0, {
    kind: 1,
    name: 'GET /large',
    method: 'GET',
    route: '/large',
  });
  store.addSpan(root);
  for (let index = 1; index < 19_000; index += 1) {
    store.addSpan(spanOf(large, (to - 60_000) * 1_000 + index, root.idLow));
    if (index % 1_000 === 0) await store.flush();
  }
  await store.flush();
  console.log(`${(statSync(file).size / MIB).toFixed(0)} MiB`);
  const questions = {
    services: (database) => findServices(database, range),
    overview: (database) => readOverview(database, { ...range, buckets: 120 }),
    routes: (database) => findRoutes(database, range),
    'newest traces': (database) => findTraces(database, { limit: 200 }),
    'traces of a status': (database) => findTraces(database, { status: '404' }),
    'traces by text': (database) => findTraces(database, { text: 'nowhere' }),
    'newest lines': (database) => findLogs(database, { limit: 200 }),
    'lines by word': (database) => findLogs(database, { text: 'order', limit: 200 }),
    'lines by rare word': (database) => findLogs(database, { text: 'nowhere' }),
    'lines by field': (database) => findLogs(database, { fields: [{ key: 'id', value: 'none' }] }),
    selection: (database) => rankSelection(database, { from: to - 1_800_000, to, minMs: 100 }),
    operations: (database) => findOperations(database, range),
    'operations by p95': (database) => findOperations(database, { ...range, order: 'p95', limit: 1_000 }),
    'operations of a minute': (database) => findOperations(database, { ...range, from: to - 61_000 }),
    versions: (database) => findRouteVersions(database),
    errors: (database) => findErrors(database, { ...range, buckets: 60 }),
    'service map': (database) => findServiceMap(database, range),
    'service map of a large trace': (database) => findServiceMap(database, { ...range, from: to - 61_000 }),
    'large trace': (database) => readTrace(database, large),
  };
  for (const [name, question] of Object.entries(questions)) {
    const stop = watchHold(setImmediate);
    const before = process.threadCpuUsage();
    await store.ask(question);
    const { user, system } = process.threadCpuUsage(before);
    const took = (user + system) / 1_000;
    console.log(
      `${name.padEnd(22)} ${took.toFixed(1).padStart(7)} ms of CPU, held up by ${stop().toFixed(0)} ms at most`,
    );
  }
  await store.close();
}

const { command, ...options } = JSON.parse(process.argv[2]);
if (command === 'questions') await askQuestions(options.file, options);
else await write(options.file, options);
