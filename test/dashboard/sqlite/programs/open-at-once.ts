// Opens one new file after the other, each at the moment when the other threads open it, and says what became of them.
import { parentPort, workerData } from 'node:worker_threads';

import { openStore } from '../../../../lib/dashboard/sqlite/store.js';
import { setWarningSink } from '../../../../lib/errors/warnings.js';

const { arrivals, threads, files } = workerData as {
  readonly arrivals: Int32Array;
  readonly threads: number;
  readonly files: readonly string[];
};
const warnings: string[] = [];
setWarningSink((message) => warnings.push(message));

async function openAll(): Promise<void> {
  for (const [round, file] of files.entries()) {
    const all = (round + 1) * threads;
    let here = Atomics.add(arrivals, 0, 1) + 1;
    if (here === all) Atomics.notify(arrivals, 0);
    while (here < all) {
      Atomics.wait(arrivals, 0, here);
      here = Atomics.load(arrivals, 0);
    }
    const store = openStore({
      file,
      maxAgeMs: 3_600_000,
      maxBytes: 1_024 * 1_024,
      maxSpans: 100,
      maxLogs: 100,
      maxPoints: 100,
    });
    if (store?.file !== file) warnings.push(`${file} is in memory`);
    await store?.close();
  }
  parentPort?.postMessage(warnings);
}

void openAll();
