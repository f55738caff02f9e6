// How the page's questions to a ClickHouse grow with what is stored: loads a made-up fleet into a real engine on this machine, and
// times each question through the reader of the page, over HTTP.
//
//   node bench/clickhouse/run.mjs load --spans 1000000 --data FOLDER    the fleet, an hour for each million spans
//   node bench/clickhouse/run.mjs rollups --data FOLDER                 what `nestjs-telemetry clickhouse init --backfill` makes
//   node bench/clickhouse/run.mjs ask --data FOLDER [--rounds 5] [--cold] [--only overview]
//   node bench/clickhouse/run.mjs sqlite --data FOLDER [--rounds 5] [--only overview]
//
// `ask` prints, for each question: milliseconds (the lowest of the rounds, warm; with --cold also the first one after a start of the
// engine whose files the kernel has forgotten), processor time of the engine, rows and bytes it has read. `sqlite` copies the fleet into
// an embedded store, which a million spans fit, and asks that. Takes the build in dist/modules, and the engine that `npm run test:backends -- --nest=12 clickhouse` has fetched.
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers';

import { flag, number, path, readArguments, words } from '../arguments.mjs';
import { threadCpuMs, watchSteps } from '../store-parts.mjs';
import { renderTable } from '../table.mjs';
import { dropPageCache, readCounters, startEngine } from './engine.mjs';
import { DATABASE, load, sizes } from './load.mjs';
import { lookAround, questionsOf } from './questions.mjs';
import { copyToStore } from './to-store.mjs';

const lib = (file) => import(new URL(`../../dist/modules/dashboard/clickhouse/${file}.js`, import.meta.url));

const configOf = ({ url, password }) => ({
  url,
  username: 'default',
  password,
  database: DATABASE,
  tables: { traces: 'otel_traces', logs: 'otel_logs', metrics: 'otel_metrics' },
  tls: {},
  maxSeconds: 600,
  maxRows: 1e12,
  maxBytes: 1e15,
});

async function showSizes(engine) {
  const rows = await sizes(engine);
  const texts = rows.map(({ table, rows: count, bytes, plain, parts }) => [
    table,
    String(count),
    `${(bytes / 1e6).toFixed(1)} MB`,
    (bytes / count).toFixed(1),
    (plain / count).toFixed(0),
    String(parts),
  ]);
  console.log(renderTable(['table', 'rows', 'on disk', 'bytes a row', 'uncompressed', 'parts'], texts));
}

/** One question: how long it takes, and what the engine does for it. */
async function measure(engine, reader, question) {
  const before = await readCounters(engine);
  const begun = performance.now();
  await question(reader);
  const ms = performance.now() - begun;
  const after = await readCounters(engine);
  return {
    ms,
    cpuMs: after.cpuMs - before.cpuMs,
    rows: after.rows - before.rows,
    bytes: after.bytes - before.bytes,
  };
}

async function askCold({ data }, name, place) {
  dropPageCache();
  const engine = await startEngine(data);
  const { createClickHouseReader } = await lib('clickhouse-reader');
  const reader = createClickHouseReader(configOf(engine));
  try {
    return await measure(engine, reader, questionsOf(place)[name]);
  } finally {
    reader.close();
    await engine.stop();
  }
}

const chosenOf = (place, only) =>
  Object.entries(questionsOf(place)).filter(
    ([name]) => only.length === 0 || only.some((word) => name.includes(word)),
  );

async function ask({ data, rounds, cold, only }) {
  const { createClickHouseReader } = await lib('clickhouse-reader');
  const engine = await startEngine(data);
  const place = await lookAround(engine, DATABASE);
  const questions = chosenOf(place, only);
  const warm = new Map();
  const reader = createClickHouseReader(configOf(engine));
  for (const [name, question] of questions) {
    const all = [];
    for (let round = 0; round < rounds; round += 1) all.push(await measure(engine, reader, question));
    warm.set(name, all);
    console.error(`${name}: ${all.map(({ ms }) => ms.toFixed(0)).join(' ')} ms`);
  }
  reader.close();
  await engine.stop();
  const table = [];
  for (const [name, all] of warm) {
    const least = (key) => Math.min(...all.map((each) => each[key]));
    const first = cold ? (await askCold({ data }, name, place)).ms.toFixed(0) : '';
    const { rows, bytes } = all.at(-1);
    table.push([
      name,
      least('ms').toFixed(0),
      first,
      least('cpuMs').toFixed(0),
      rows.toLocaleString('en'),
      `${(bytes / 1e6).toFixed(1)} MB`,
    ]);
  }
  console.log(renderTable(['question', 'warm ms', 'cold ms', 'engine CPU ms', 'rows read', 'read'], table));
}

/** The same questions to an embedded store that holds the same. */
async function askStore({ data, rounds, only }) {
  const { createSqliteReader } = await import(
    new URL('../../dist/modules/dashboard/sqlite/sqlite-reader.js', import.meta.url)
  );
  const folder = mkdtempSync(join(tmpdir(), 'telemetry-fleet-'));
  const file = join(folder, 'telemetry.db');
  try {
    const engine = await startEngine(data);
    const place = await lookAround(engine, DATABASE);
    const before = threadCpuMs();
    const { store, spans } = await copyToStore(engine, DATABASE, file);
    await engine.stop();
    console.log(
      `${spans} spans, ${(statSync(file).size / spans).toFixed(0)} bytes a span with its lines, ${((threadCpuMs() - before) / 1_000).toFixed(0)} s of CPU to copy`,
    );
    const reader = createSqliteReader(store);
    const table = [];
    for (const [name, question] of chosenOf(place, only)) {
      const all = [];
      for (let round = 0; round < rounds; round += 1) all.push(await measureInStore(reader, question));
      const least = (key) => Math.min(...all.map((each) => each[key])).toFixed(0);
      table.push([name, least('ms'), least('cpuMs'), least('stepMs')]);
    }
    await store.close();
    console.log(renderTable(['question', 'ms', 'CPU ms', 'longest step, CPU ms'], table));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureInStore(reader, question) {
  const stop = watchSteps(setImmediate);
  const [begun, before] = [performance.now(), threadCpuMs()];
  await question(reader);
  const [ms, cpuMs] = [performance.now() - begun, threadCpuMs() - before];
  return { ms, cpuMs, stepMs: Math.max(...stop()) };
}

const options = readArguments(
  { spans: number(1_000_000), data: path(), rounds: number(5), cold: flag(), only: words() },
  ['ask', 'load', 'rollups', 'sqlite'],
);
const { command, data, spans } = options;
if (data === undefined) throw new Error('Say with --data where the engine keeps its data.');
mkdirSync(data, { recursive: true });
if (command === 'ask') await ask(options);
else if (command === 'sqlite') await askStore(options);
else {
  const engine = await startEngine(data);
  try {
    if (command === 'load') await load(engine, { spans, endMs: Math.floor(Date.now() / 60_000) * 60_000 });
    else {
      const { initRollups } = await lib('rollups/init-rollups');
      const before = await readCounters(engine);
      const begun = performance.now();
      await initRollups(configOf(engine), { backfill: true, report: (text) => console.log(text) });
      const { cpuMs } = await readCounters(engine);
      console.log(
        `${((performance.now() - begun) / 1_000).toFixed(0)} s, ${((cpuMs - before.cpuMs) / 1_000).toFixed(0)} s of CPU`,
      );
    }
    await showSizes(engine);
  } finally {
    await engine.stop();
  }
}
