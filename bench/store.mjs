// The store alone, without a server: what writing and evicting take of a core, and how long its questions hold up the event loop.
//
//   node bench/store.mjs write [--bound none|both|logs] [--rate 1000] [--seconds 15] [--routes 40]
//                                                             1,000 traces/s of 4 spans and 2 lines
//   node bench/store.mjs sums [--rate 1000] [--routes 40]     what the sums of errors, versions and operations take of that
//   node bench/store.mjs questions [--traces 50000] [--routes 333] [--hours 1]
//                                                             of 200,000 spans and 100,000 lines, with 1,000 operations
//   node bench/store.mjs threads [--seconds 10] [--routes 40] what a worker that has the store would save, at three rates; so many
//                                                             seconds for each variant and rate
//
// Takes the build in dist/modules: `npm run build` first.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { pinnedNode } from '../scripts/prepare/pinned-node.mjs';
import { number, oneOf, readArguments } from './arguments.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const options = readArguments(
  {
    bound: oneOf(['none', 'both', 'logs']),
    rate: number(1_000),
    // By default 10 of threads, 15 of what is written.
    seconds: number(undefined),
    // By default 40 of what is written, 333 of what is asked.
    routes: number(undefined),
    traces: number(50_000),
    hours: number(1),
  },
  ['write', 'sums', 'questions', 'threads'],
);
options.seconds ??= options.command === 'threads' ? 10 : 15;
options.routes ??= options.command === 'questions' ? 333 : 40;
const folder = mkdtempSync(join(tmpdir(), 'telemetry-store-'));
try {
  const told = JSON.stringify({ ...options, file: join(folder, 'telemetry.db') });
  const { status } = spawnSync(pinnedNode(root), [join(root, 'bench/store-process.mjs'), told], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
