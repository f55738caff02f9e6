// Which part of the time of writing goes into sums that no chart shows: of errors, versions and operations.
import { rmSync } from 'node:fs';

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
  const variants = { 'with all': [], ...SUMS, none: Object.values(SUMS).flat() };
  const taken = new Map(Object.keys(variants).map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round += 1)
    for (const [name, left] of Object.entries(variants)) {
      const putBack = leaveOut(left);
      const cpu = await write(file, rate * SECONDS, routes);
      putBack();
      // The first round compiles.
      if (round > 0) taken.get(name).push(cpu);
    }
  const all = middle(taken.get('with all'));
  console.log(`with all sums: ${((all / rate / SECONDS) * 1_000).toFixed(1)} us of CPU per request`);
  for (const [name, times] of taken) {
    if (name === 'with all') continue;
    const share = (1 - middle(times) / all) * 100;
    console.log(`${name === 'none' ? 'all of them' : name}: ${share.toFixed(1)} %`);
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

async function write(file, requests, routes) {
  const store = openStore({ file, ...NO_BOUND });
  let cpu = 0;
  const timed = async (work) => {
    const before = threadCpuMs();
    await work();
    cpu += threadCpuMs() - before;
  };
  for (let number = 0; number < requests; number += 1) {
    addRequest(store, number, routes);
    // About as many as come between two writes.
    if (number % 200 === 199) await timed(() => store.flush());
  }
  await timed(() => store.close());
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
  return cpu;
}

function middle(values) {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
