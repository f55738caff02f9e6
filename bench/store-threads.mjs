// Whether the store does better on a thread of its own: the processes of all variants are up at the same time and take turns, so that
// what slows the machine down slows all of them.
import { fileURLToPath } from 'node:url';

import { startChild } from './child.mjs';
import { MIB } from './store-parts.mjs';
import { renderTable, summarize } from './table.mjs';

const RATES = [100, 1_000, 5_000];
const ROUNDS = 5;
const WARMUP = { rate: 5_000, seconds: 3 };

/** What an application does with what it records; the first is subtracted from the others. */
const VARIANTS = {
  'test data alone': { taker: 'nothing' },
  here: { taker: 'store' },
  'rows made alone': { taker: 'rows' },
  'rows to a worker': { taker: 'rows', worker: 'slices' },
  'the same, a commit each': { taker: 'rows', worker: 'batches' },
  'bytes made alone': { taker: 'bytes' },
  'bytes to a worker': { taker: 'bytes', worker: 'slices' },
  'bytes, a commit each': { taker: 'bytes', worker: 'batches' },
};

/** Runs all variants at each rate, so many seconds each in all. Prints a table for each rate. */
export async function measureThreads(file, { seconds, routes }) {
  const folder = fileURLToPath(new URL('.', import.meta.url));
  const processes = Object.entries(VARIANTS).map(([name, variant], index) => {
    const args = [JSON.stringify({ ...variant, routes, file: `${file}-${index}` })];
    return { name, child: startChild(folder, 'store-threads-process.mjs', { args }) };
  });
  const turns = new Map(RATES.map((rate) => [rate, processes.map(() => [])]));
  try {
    for (const { child } of processes) await child.ask('turn', WARMUP);
    for (let round = 0; round < ROUNDS; round += 1)
      for (const rate of RATES)
        for (const [index, { child }] of processes.entries())
          turns.get(rate)[index].push(await child.ask('turn', { rate, seconds: seconds / ROUNDS }));
  } finally {
    await Promise.all(processes.map(({ child }) => child.stop()));
  }
  for (const [rate, ofRate] of turns) print(rate, processes, ofRate);
  const lost = [...turns.values()].flat(2).filter(({ made, stored = made }) => stored !== made);
  if (lost.length === 0) return;
  console.error(`${lost.length} turns have not stored the rows that were made`);
  process.exitCode = 1;
}

function print(rate, processes, turns) {
  const [base, here] = turns;
  const rows = turns.map((ofVariant, index) => {
    // Within a round, for what slows the machine down.
    const rounds = ofVariant.map(({ allUs, mainUs, requests, p99, longest, rss, heap }, round) => {
      const idle = index === 0 ? { allUs: 0, mainUs: 0, requests: 1 } : base[round];
      return {
        all: allUs / requests - idle.allUs / idle.requests,
        main: mainUs / requests - idle.mainUs / idle.requests,
        p99,
        longest,
        addedRss: rss - here[round].rss,
        heap,
      };
    });
    const { all, main, p99, longest, addedRss, heap } = summarize(rounds);
    const sum = (key) => ofVariant.reduce((before, turn) => before + turn[key], 0);
    return [
      processes[index].name,
      all.toFixed(1),
      main.toFixed(1),
      p99.toFixed(1),
      longest.toFixed(1),
      (addedRss / MIB).toFixed(0),
      heap === 0 ? '' : (heap / MIB).toFixed(0),
      // What was thrown away is not looked for.
      ofVariant[0].stored === undefined ? '' : `${sum('stored')} of ${sum('made')}`,
    ];
  });
  const header = [
    `${rate} requests/s`,
    'CPU us/req',
    'main thread',
    'hold p99 ms',
    'longest',
    'rss + MiB',
    'worker heap MiB',
    'rows stored',
  ];
  console.log(`${renderTable(header, rows)}\n`);
}
