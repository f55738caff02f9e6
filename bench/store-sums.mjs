// Which part of the time of writing goes into sums that no chart shows: of errors, versions and operations.
import { rmSync } from 'node:fs';
import { setImmediate } from 'node:timers';

import { load, NO_BOUND, threadCpuMs } from './store-parts.mjs';
import { addRequest } from './store-rows.mjs';

const { openStore } = await load('store');
const { ErrorFinder } = await load('writing/find-errors');
const { TraceParts } = await load('writing/trace-parts');
const { VersionSums } = await load('writing/version-sums');

/** After so many seconds sums are written. */
const SECONDS = 30;
const ROUNDS = 9;
const nothing = () => undefined;

/** What takes the rows, by the sums that it makes. */
const SUMS = {
  errors: [[ErrorFinder, ['takeSpan', 'takeLog', 'decide']]],
  versions: [[VersionSums, ['add']]],
  operations: [[TraceParts, ['take']]],
};

/** Writes as many requests as come in the time in which a sum waits, with all sums and without some, in turns. */
export async function measureSums(file, { rate, routes }) {
  for (const [name, left] of Object.entries({ ...SUMS, 'all of them': Object.values(SUMS).flat() })) {
    const shares = [];
    const perRequest = [];
    // The first round compiles.
    for (let round = 0; round <= ROUNDS; round += 1) {
      const cpu = await write(file, rate, routes);
      const putBack = leaveOut(left);
      const without = await write(file, rate, routes);
      putBack();
      if (round === 0) continue;
      shares.push((1 - without / cpu) * 100);
      perRequest.push((cpu / rate / SECONDS) * 1_000);
    }
    const [share, each] = [shares, perRequest].map(middle);
    console.log(`${name.padEnd(12)} ${share.toFixed(1)} % of ${each.toFixed(1)} us of CPU per request`);
  }
}

function leaveOut(classes) {
  const methods = classes.flatMap(([{ prototype }, names]) =>
    names.map((name) => [prototype, name, prototype[name]]),
  );
  for (const [prototype, name] of methods) prototype[name] = nothing;
  return () => {
    for (const [prototype, name, method] of methods) prototype[name] = method;
  };
}

async function write(file, rate, routes) {
  const store = openStore({ file, ...NO_BOUND });
  let cpu = 0;
  for (let second = 0; second < SECONDS; second += 1) {
    for (let number = 0; number < rate; number += 1) addRequest(store, second * rate + number, routes);
    const before = threadCpuMs();
    // Not by `flush()`, which writes all sums each time.
    while (store.queued > 0) await new Promise((resolve) => setImmediate(resolve));
    store.maintain();
    cpu += threadCpuMs() - before;
  }
  const before = threadCpuMs();
  await store.close();
  cpu += threadCpuMs() - before;
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
  return cpu;
}

function middle(values) {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
