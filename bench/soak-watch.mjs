// What the soak asks the application while it runs: what an open page asks, and whether what must be kept is there.
import { DASHBOARD_TOKEN } from './processes/variants.mjs';

const PAGE_MS = 2_000;
const LOOK_MS = 50;
/** A queue that is full after so many looks is one that nobody empties: then that is what is to be seen. */
const MAX_LOOKS = 100;
/** Dots of a chart that are followed to their trace in each look. */
const FOLLOWED = 20;

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Asks the application's own JSON API; undefined for what is not there. */
export function askApi(port) {
  return async (path) => {
    const response = await fetch(`http://127.0.0.1:${port}/telemetry/api/v1/${path}`, {
      headers: { authorization: `Bearer ${DASHBOARD_TOKEN}` },
    });
    if (response.status === 404) return undefined;
    if (!response.ok)
      throw new Error(`${path} was answered with ${response.status}: ${await response.text()}`);
    return response.json();
  };
}

/** Rows the store knows of: there, gone or lost. */
export async function countRows(ask) {
  const { store } = await ask('health');
  return { ...store, known: store.spans + store.logs + store.evicted + store.dropped + store.queued };
}

/** The same once nothing waits to be written: points of metrics wait in the same queue, and are no rows of a request. */
export async function countWrittenRows(ask) {
  for (let look = 1; ; look += 1) {
    const rows = await countRows(ask);
    if (rows.queued === 0 || look === MAX_LOOKS) return rows;
    await sleep(LOOK_MS);
  }
}

/** Asks what the page asks for while it is open, one after the other, until `stop()`; keeps how long each took at most. */
export function openPage(ask) {
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
      await look('traces by text', `traces?${range}&text=nowhere`);
      await look('logs', `logs?${range}&limit=200`);
      await look('logs by text', `logs?${range}&text=order&limit=200`);
      await look('logs by rare word', `logs?${range}&text=nowhere`);
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

/** How many traces the store has that match. */
async function countTraces(ask, query) {
  let count = 0;
  let before = '';
  do {
    const { items, next } = await ask(`traces?${query}&limit=1000${before}`);
    count += items.length;
    before = next === undefined ? undefined : `&before=${next}`;
  } while (before !== undefined);
  return count;
}

/** Every dot that charts show, of all time there is, with the trace it leads to. */
async function findDots(ask) {
  const to = Date.now();
  const range = `from=${to - 900_000}&to=${to}`;
  const overview = await ask(`overview?${range}&buckets=120`);
  const instruments = await ask('metrics');
  const duration = instruments.find(({ name }) => name === 'http.server.request.duration');
  const chart = duration && (await ask(`metrics/${duration.id}?${range}`));
  return { overview: overview.exemplars, metrics: chart?.exemplars ?? [] };
}

/**
 * Looks whether what must be kept is there: every trace of the rare route and every failed one that had been answered before, and what
 * dots lead to.
 */
export async function checkKept(ask, { rare, failing }) {
  const kept = {
    rare: await countTraces(ask, `route=${encodeURIComponent(`${rare.path}/:id`)}`),
    failing: await countTraces(ask, 'status=error'),
  };
  const dots = await findDots(ask);
  let followed = 0;
  let dead = 0;
  for (const list of Object.values(dots))
    // Ids are random already: their order picks traces from everywhere, the same ones each time.
    for (const { traceId } of list.toSorted((a, b) => (a.traceId < b.traceId ? -1 : 1)).slice(0, FOLLOWED)) {
      followed += 1;
      if ((await ask(`traces/${traceId}`)) === undefined) dead += 1;
    }
  return {
    ...kept,
    rareLost: Math.max(0, rare.answered - kept.rare),
    failingLost: Math.max(0, failing.answered - kept.failing),
    followed,
    dead,
  };
}
