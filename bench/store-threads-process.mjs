// The application of one variant of `bench/store.mjs threads`: records requests with the engine of the library, and gives what it has
// recorded to the store, here or in a worker.
import { rmSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AlwaysOnSampler } from '@opentelemetry/sdk-trace';

import { load, NO_BOUND, threadCpuMs, watchSteps } from './store-parts.mjs';
import { addRequest } from './store-rows.mjs';

const { storedResourceOf } = await load('../feed/attribute-json');
const { toStoredLog } = await load('../feed/to-stored-log');
const { toStoredSpan } = await load('../feed/to-stored-span');
const { encodeLogRecord } = await load('../../engine/encoding/encode-log-record');
const { encodeSpan } = await load('../../engine/encoding/encode-span');
const { RequestBuilder } = await load('../../engine/encoding/request-builder');
const { RecordingTracerProvider, TraceShare } = await load('../../engine/recording-tracer-provider');
const { readStore } = await load('queries/read-store');
const { openStore } = await load('store');

/** As the store collects what it writes. */
const DELAY_MS = 200;
const HURRY_AT = 4_000;
/** Requests before a turn is measured: a new file knows no routes, and no names. */
const FIRST_REQUESTS = 400;
const MAX_ATTRIBUTES = 128;
/** Without a bound, the heap of the worker grew to 80 to 165 MiB, and it was no faster. */
const YOUNG_MIB = 16;

const { taker: kind, worker: commits, routes, file } = JSON.parse(process.argv[2]);
const resource = resourceFromAttributes({ 'service.name': 'orders', 'service.instance.id': 'a' });
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const makeLog = (emitted) => toStoredLog(emitted, storedResourceOf(resource));

/** A worker that has the store; undefined where what is made for it is thrown away. */
class StoreThread {
  static start() {
    return commits === undefined ? undefined : new StoreThread();
  }

  #worker = new Worker(new URL('store-threads-worker.mjs', import.meta.url), {
    workerData: { commits },
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
  });

  send(message, moved = []) {
    this.#worker.postMessage(message, moved);
  }

  ask(command, more) {
    const answered = new Promise((resolve) => this.#worker.once('message', resolve));
    this.send({ command, ...more });
    return answered;
  }
}

class NothingTaker {
  open() {}
  takeSpan() {}
  takeLog() {}
  drain() {}
  close() {
    return { stored: undefined, heap: 0 };
  }
}

class StoreTaker {
  open() {
    this.store = openStore({ file, ...NO_BOUND });
  }

  takeSpan(span) {
    this.store.addSpan(span, toStoredSpan);
  }

  takeLog(emitted) {
    this.store.addLog(emitted, makeLog);
  }

  async drain() {
    // Not by `flush()`, which writes all sums each time.
    while (this.store.queued > 0) await sleep(5);
  }

  async close() {
    await this.store.flush();
    const { spans, logs } = this.store.read(readStore);
    await this.store.close();
    return { stored: spans + logs, heap: 0 };
  }
}

/** Collects what it is given, and sends it to a worker at an interval. */
class Sender {
  #thread = StoreThread.start();
  #waiting = 0;
  #timer;

  open() {
    return this.#thread?.ask('open', { file });
  }

  async drain() {
    this.#sendNow();
    await this.#thread?.ask('drain');
  }

  close() {
    return this.#thread?.ask('close') ?? { stored: undefined, heap: 0 };
  }

  /** To be called for each row. */
  added() {
    this.#waiting += 1;
    if (this.#waiting === HURRY_AT) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(this.#sendNow, 0);
    } else this.#timer ??= setTimeout(this.#sendNow, DELAY_MS);
  }

  #sendNow = () => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting === 0) return;
    this.#waiting = 0;
    const { message, moved } = this.make();
    this.#thread?.send(message, moved);
  };
}

class RowSender extends Sender {
  #spans = [];
  #logs = [];

  takeSpan(span) {
    this.#spans.push(span);
    this.added();
  }

  takeLog(emitted) {
    this.#logs.push(emitted);
    this.added();
  }

  make() {
    const message = { command: 'rows', spans: this.#spans.map(toStoredSpan), logs: this.#logs.map(makeLog) };
    this.#spans = [];
    this.#logs = [];
    return { message };
  }
}

/** Encodes as the exporters do: when a span ends, and when a line is logged. */
class ByteSender extends Sender {
  #traces = new RequestBuilder();
  #logs = new RequestBuilder();
  #scopes = new Map();

  takeSpan(span) {
    encodeSpan(this.#traces.writerFor(span.instrumentationScope, span.resource), span);
    this.added();
  }

  takeLog({ scope: name, record }) {
    let scope = this.#scopes.get(name);
    if (scope === undefined) this.#scopes.set(name, (scope = { name }));
    encodeLogRecord(this.#logs.writerFor(scope, resource), record, MAX_ATTRIBUTES);
    this.added();
  }

  make() {
    const [traces, logs] = [this.#traces.build(), this.#logs.build()];
    return { message: { command: 'bytes', traces, logs }, moved: [traces.buffer, logs.buffer] };
  }
}

const taker = new { nothing: NothingTaker, store: StoreTaker, rows: RowSender, bytes: ByteSender }[kind]();
const tracer = new RecordingTracerProvider({
  resource,
  sampler: new AlwaysOnSampler(),
  childrenFollowParent: true,
  newTraces: new TraceShare(1),
  limits: {},
  spanProcessors: [
    { onStart: () => undefined, onEnd: (span) => taker.takeSpan(span), forceFlush() {}, shutdown() {} },
  ],
}).getTracer('bench');

/** Different requests, which come again and again: making them anew would take longer than what is measured. */
const PREPARED = 4_000;
const requests = Array.from({ length: PREPARED }, (_, number) => prepare(number));

/** What an application records in a request, made of its rows. */
function prepare(number) {
  const request = { children: [], logs: [] };
  const addSpan = ({ parentLow, attributes, outcome, ...row }) => {
    const given = JSON.parse(attributes);
    if (outcome !== undefined) given['http.response.status_code'] = Number(outcome);
    const span = { ...row, attributes: given };
    if (parentLow === 0) request.root = span;
    else request.children.push(span);
  };
  const addLog = ({ context: scope, level, message, attributes }) => {
    const [severityNumber, severityText] = level < 50 ? [9, 'INFO'] : [17, 'ERROR'];
    const record = { severityNumber, severityText, body: message, attributes: JSON.parse(attributes) };
    request.logs.push({ scope, record });
  };
  addRequest({ addSpan, addLog }, number, routes);
  return request;
}

/** Records as the engine of the library does. */
function record({ root, children, logs }, now) {
  const rootSpan = start(root, now, ROOT_CONTEXT);
  const context = trace.setSpan(ROOT_CONTEXT, rootSpan);
  for (const child of children) end(start(child, now, context), child, now);
  end(rootSpan, root, now);
  for (const { scope, record: said } of logs)
    taker.takeLog({ record: { ...said, timestamp: now, context }, scope, span: rootSpan, emittedAt: now });
}

function start({ name, kind: spanKind, attributes }, startTime, parent) {
  return tracer.startSpan(name, { kind: spanKind, startTime, attributes }, parent);
}

function end(span, { duration, status }, startTime) {
  if (status !== 0) span.setStatus({ code: status });
  span.end(startTime + duration / 1_000);
}

async function turn({ rate, seconds }) {
  await taker.open();
  let made = 0;
  const add = () => record(requests[(made += 1) % PREPARED], Date.now());
  while (made < FIRST_REQUESTS) add();
  await taker.drain();
  let look;
  const stop = watchSteps((next) => {
    look = next;
  });
  const usage = process.cpuUsage();
  const mainMs = threadCpuMs();
  const startedAt = performance.now();
  for (let passed = 0; passed < seconds * 1_000; passed = performance.now() - startedAt) {
    while (made - FIRST_REQUESTS < (passed / 1_000) * rate) add();
    await sleep(5);
    look();
  }
  await taker.drain();
  const { user, system } = process.cpuUsage(usage);
  const mainUs = (threadCpuMs() - mainMs) * 1_000;
  const steps = stop().toSorted((a, b) => a - b);
  const { rss } = process.memoryUsage();
  const { stored, heap } = await taker.close();
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
  return {
    requests: made - FIRST_REQUESTS,
    allUs: user + system,
    mainUs,
    p99: steps[Math.floor((steps.length - 1) * 0.99)],
    longest: steps.at(-1),
    rss,
    heap,
    made: made * 6,
    stored,
  };
}

process.on('message', async ({ command, ...options }) => {
  process.send({ command, ...(await turn(options)) });
});
process.on('disconnect', () => process.exit(0));
