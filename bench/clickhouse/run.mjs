// How the page's questions to a ClickHouse grow with what is stored: loads a made-up fleet into a real engine on this machine, and
// times each question through the reader of the page, over HTTP.
//
//   node bench/clickhouse/run.mjs load --spans 1000000 --data FOLDER    the fleet, an hour for each million spans
//   node bench/clickhouse/run.mjs rollups --data FOLDER                 what `nestjs-telemetry clickhouse init --backfill` makes
//   node bench/clickhouse/run.mjs ask --data FOLDER [--rounds 5] [--cold] [--only overview]
//
// `ask` prints, for each question: milliseconds (the lowest of the rounds, warm; with --cold also the first one after a start of the
// engine whose files the kernel has forgotten), processor time of the engine, rows and bytes it has read. Takes the build in
// dist/modules, and the engine that `npm run test:backends -- --nest=12 clickhouse` has fetched.
import { mkdirSync } from 'node:fs';

import { flag, number, path, readArguments, words } from '../arguments.mjs';
import { renderTable } from '../table.mjs';
import { dropFromPageCache, readCounters, startEngine } from './engine.mjs';
import { DATABASE, load, sizes } from './load.mjs';
import { lookAround, questionsOf } from './questions.mjs';

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
  dropFromPageCache(data);
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

async function ask({ data, rounds, cold, only }) {
  const { createClickHouseReader } = await lib('clickhouse-reader');
  const engine = await startEngine(data);
  const place = await lookAround(engine, DATABASE);
  const questions = Object.entries(questionsOf(place)).filter(
    ([name]) => only.length === 0 || only.some((word) => name.includes(word)),
  );
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

const options = readArguments(
  { spans: number(1_000_000), data: path(), rounds: number(5), cold: flag(), only: words() },
  ['ask', 'load', 'rollups'],
);
const { command, data, spans } = options;
if (data === undefined) throw new Error('Say with --data where the engine keeps its data.');
mkdirSync(data, { recursive: true });
if (command === 'ask') await ask(options);
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
