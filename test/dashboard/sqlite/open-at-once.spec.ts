import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import { cleanUp, newFolder } from './open-test-store.js';
import { buildProgram } from './writer-process.js';

const THREADS = 4;
const ROUNDS = 150;

afterEach(cleanUp);

describe('stores that are opened on one new file at the same moment', () => {
  it('all have that file, and none has set it aside', async () => {
    const folder = newFolder();
    const program = buildProgram(newFolder(), 'open-at-once');
    const names = Array.from({ length: ROUNDS }, (_, round) => `${round}.db`);
    const workerData = {
      arrivals: new Int32Array(new SharedArrayBuffer(4)),
      threads: THREADS,
      files: names.map((name) => join(folder, name)),
    };
    const warnings = await Promise.all(
      Array.from({ length: THREADS }, async () => {
        const [said] = (await once(new Worker(program, { workerData }), 'message')) as [string[]];
        return said;
      }),
    );
    expect(warnings.flat()).toEqual([]);
    // Of connections that are closed at the same moment, SQLite may leave the journal to the next one.
    const files = readdirSync(folder).filter((name) => !/\.db-(?:wal|shm)$/.test(name));
    expect(files.sort()).toEqual(names.sort());
  });
});
