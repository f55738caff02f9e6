// The thread that has the store in `bench/store.mjs threads`: takes rows, or OTLP as bytes, and answers when they are written.
import { getHeapStatistics } from 'node:v8';
import { parentPort, workerData } from 'node:worker_threads';

import { load, NO_BOUND } from './store-parts.mjs';

const { decodeProtobuf } = await load('../otlp/decode-protobuf');
const { OTLP_REQUESTS } = await load('../otlp/otlp-messages.constants');
const { readLogRows } = await load('../otlp/read-logs');
const { readSpanRows } = await load('../otlp/read-spans');
const { addRows } = await load('../otlp/receive-otlp');
const { RequestBudget } = await load('../otlp/request-limits');
const { readStore } = await load('queries/read-store');
const { openStore } = await load('store');

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
/** Rows are looked up by the object of their resource, and a message has a copy. */
const resources = new Map();
let store;

/** One commit for all that waits. The writer's own slices are for a thread that has requests to answer, and private. */
function writeAtOnce() {
  if (workerData.commits === 'batches') store.writer.writeSlice(Infinity);
}

function withResource(row) {
  const { attributes } = row.resource;
  const known = resources.get(attributes);
  if (known === undefined) resources.set(attributes, row.resource);
  else row.resource = known;
  return row;
}

/** As the dashboard receives OTLP, without HTTP. */
async function takeBytes(signal, bytes, readRows, add) {
  const budget = new RequestBudget();
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const request = await store.work(decodeProtobuf(body, OTLP_REQUESTS[signal], budget));
  const { rejected, reason } = await addRows(store, await store.work(readRows(request, budget)), add);
  if (rejected > 0) throw new Error(`${rejected} rows were rejected: ${reason}`);
}

const commands = {
  open: ({ file }) => {
    store = openStore({ file, ...NO_BOUND });
    return {};
  },
  rows: ({ spans, logs }) => {
    for (const span of spans) store.addSpan(withResource(span));
    for (const log of logs) store.addLog(withResource(log));
    writeAtOnce();
  },
  bytes: async ({ traces, logs }) => {
    await takeBytes('traces', traces, readSpanRows, (span) => store.addSpan(span));
    await takeBytes('logs', logs, readLogRows, (log) => store.addLog(log));
    writeAtOnce();
  },
  drain: async () => {
    // Not by `flush()`, which writes all sums each time.
    while (store.queued > 0) await sleep(5);
    return {};
  },
  close: async () => {
    await store.flush();
    const { spans, logs } = store.read(readStore);
    const { total_heap_size: heap } = getHeapStatistics();
    await store.close();
    return { stored: spans + logs, heap };
  },
};

// One after the other, as they came.
let last = Promise.resolve();
parentPort.on('message', ({ command, ...message }) => {
  last = last.then(async () => {
    const answer = await commands[command](message);
    if (answer !== undefined) parentPort.postMessage(answer);
  });
});
