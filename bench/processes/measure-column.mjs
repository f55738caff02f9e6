// One column of `bench/calls.mjs`: `node measure-column.mjs NAME` measures each of its calls, tells the results over IPC and ends.
import 'reflect-metadata';

import { setImmediate as nextTurn } from 'node:timers/promises';

import { trace } from '@opentelemetry/api';

import { COLUMNS, ROWS } from './columns.mjs';

const BATCH_MS = 60;
const BATCHES = 8;
const WARMUP_MS = 300;

/** Keeps the optimiser from dropping what nobody reads. */
let blackHole;

function syncBatch(call, count) {
  const started = process.hrtime.bigint();
  for (let index = 0; index < count; index += 1) blackHole = call();
  return Number(process.hrtime.bigint() - started) / count;
}

async function asyncBatch(call, count) {
  const started = process.hrtime.bigint();
  for (let index = 0; index < count; index += 1) blackHole = await call();
  return Number(process.hrtime.bigint() - started) / count;
}

const LINES_PER_TURN = 500;

/** Lines a turn of the event loop at a time, writing included: a destination may collect those of one turn, or drop them. */
async function lineBatch(call, count) {
  const started = process.hrtime.bigint();
  for (let index = 0; index < count; index += 1) {
    blackHole = call();
    if (index % LINES_PER_TURN === LINES_PER_TURN - 1) await nextTurn();
  }
  await nextTurn();
  return Number(process.hrtime.bigint() - started) / count;
}

const batches = { wait: asyncBatch, stream: asyncBatch, log: lineBatch };

async function nanosecondsPerCall(call, batch) {
  const started = performance.now();
  let last = 0;
  while (performance.now() - started < WARMUP_MS) last = await batch(call, 2_000);
  const count = Math.max(1_000, Math.round((BATCH_MS * 1e6) / last));
  let best = Infinity;
  for (let index = 0; index < BATCHES; index += 1) {
    best = Math.min(best, await batch(call, count));
  }
  return best;
}

/** Measures one column inside an active span, as in a request. */
async function measureColumn(name) {
  const calls = await COLUMNS[name]();
  const measured = {};
  for (const row of Object.keys(ROWS)) {
    const call = calls[row];
    if (call === undefined) continue;
    measured[row] = await trace.getTracer('bench').startActiveSpan('request', async (parent) => {
      const nanoseconds = await nanosecondsPerCall(call, batches[row] ?? syncBatch);
      parent.end();
      return nanoseconds;
    });
  }
  process.send({ command: 'measured', measured, ignored: typeof blackHole });
  process.disconnect();
  process.exit(0);
}

await measureColumn(process.argv[2]);
