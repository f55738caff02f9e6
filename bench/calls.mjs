// Nanoseconds per call of what an application writes, beside the raw SDK, a peer, and what the language itself costs.
//
//   node bench/calls.mjs [--rounds 3] [--as-is]      (`--as-is` as in bench/run.mjs)
//
// Each column is a process of its own (the SDK can be started once), told its name; rounds are interleaved and the best
// one counts, since other work on the machine can only make a call slower. Spans go to a processor that drops them: what
// exporting costs is in bench/run.mjs. Lines go to the null device.
import { flag, number, readArguments } from './arguments.mjs';
import { startChild } from './child.mjs';
import { installBench } from './install.mjs';
import { COLUMNS, ROWS } from './processes/columns.mjs';
import { renderTable } from './table.mjs';

const { rounds, asIs } = readArguments({ rounds: number(3), 'as-is': flag() });
const folder = await installBench({ asIs });
const best = new Map(Object.keys(COLUMNS).map((name) => [name, {}]));
for (let round = 0; round < rounds; round += 1) {
  for (const [name, row] of best) {
    const child = startChild(folder, 'measure-column.mjs', { args: [name] });
    const { measured } = await child.answer('measured');
    await child.stop();
    for (const [key, value] of Object.entries(measured)) row[key] = Math.min(row[key] ?? Infinity, value);
  }
}
const rows = [...best].map(([name, row]) => [
  name,
  ...Object.keys(ROWS).map((key) => (row[key] === undefined ? '' : row[key].toFixed(0))),
]);
console.log('Nanoseconds per call\n');
console.log(renderTable(['', ...Object.values(ROWS)], rows));
