// Reads the CPU profiles that `bench/run.mjs --profile DIR` wrote: self time by package and by function.
//
//   node bench/profile.mjs FILE.cpuprofile [--top 25]
//
// Shares are of the samples that are not idle. "(native)" is what the engine and Node do in C++: `writeUtf8String` is the
// socket's write of a response. Worker threads are not in these profiles.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { renderTable } from './table.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { top: { type: 'string', default: '25' } },
});

/** The npm package, `node:` module, or file a function belongs to. */
function packageOf({ url, functionName }) {
  const inPackage = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url);
  if (inPackage !== null) return inPackage[1];
  if (url.startsWith('node:')) return url.split('/').slice(0, 2).join('/');
  if (url === '') return functionName.startsWith('(') ? functionName : '(native)';
  return 'application';
}

function fileOf({ url, lineNumber }) {
  const short = /.*\/node_modules\/(?:@[^/]+\/)?[^/]+\/(.*)/.exec(url)?.[1] ?? url.split('/').pop();
  return url === '' ? '' : `${short}:${lineNumber + 1}`;
}

function selfTimes({ nodes, samples, timeDeltas }) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const times = new Map();
  samples.forEach((id, index) => {
    const { callFrame } = byId.get(id);
    // Nothing runs, or the profiler itself does.
    if (callFrame.functionName === '(idle)' || callFrame.url.startsWith('node:inspector')) return;
    const key = `${packageOf(callFrame)}\n${callFrame.functionName || '(anonymous)'}\n${fileOf(callFrame)}`;
    times.set(key, (times.get(key) ?? 0) + timeDeltas[index]);
  });
  return times;
}

for (const file of positionals) {
  const times = selfTimes(JSON.parse(readFileSync(file, 'utf8')));
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  const share = (time) => `${((time / total) * 100).toFixed(1)} %`;
  const byPackage = new Map();
  for (const [key, time] of times) {
    const [name] = key.split('\n');
    byPackage.set(name, (byPackage.get(name) ?? 0) + time);
  }
  const largest = (map) => [...map].sort(([, a], [, b]) => b - a).slice(0, Number(values.top));
  console.log(`\n${file}: ${(total / 1e6).toFixed(2)} s not idle\n`);
  console.log(
    renderTable(
      ['package', 'self'],
      largest(byPackage).map(([name, time]) => [name, share(time)]),
    ),
  );
  console.log('');
  console.log(
    renderTable(
      ['function', 'package', 'file', 'self'],
      largest(times).map(([key, time]) => {
        const [name, functionName, where] = key.split('\n');
        return [functionName, name, where, share(time)];
      }),
    ),
  );
}
