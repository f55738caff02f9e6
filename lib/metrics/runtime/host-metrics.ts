import { cpus, freemem, loadavg, platform, totalmem } from 'node:os';

import {
  ATTR_CPU_MODE,
  ATTR_SYSTEM_MEMORY_STATE,
  METRIC_SYSTEM_CPU_LOAD_AVERAGE_1M,
  METRIC_SYSTEM_CPU_UTILIZATION,
  METRIC_SYSTEM_MEMORY_USAGE,
  METRIC_SYSTEM_MEMORY_UTILIZATION,
} from '../../config/semantic-conventions.constants.js';
import { type RuntimeMetrics } from './runtime-metrics.interface.js';
import { shareReading } from './share-reading.js';

/**
 * The last reading of this process, also across applications: it takes 15 µs and more for each CPU, and a test suite
 * starts hundreds of applications. The first collection of a later one covers the time since that reading.
 */
let lastTimes: Record<string, number> | undefined;

/** CPU, memory and load of the host as `node:os` tells them; nothing is spawned. */
export function startHostMetrics({ gauge, upDownCounter }: RuntimeMetrics): undefined {
  lastTimes ??= sumCpuTimes();
  const cpu = {
    unit: '1',
    description: 'CPU time by mode since the last collection, mean of all logical CPUs.',
  };
  gauge(METRIC_SYSTEM_CPU_UTILIZATION, cpu, () => {
    const now = sumCpuTimes();
    const spent = Object.entries(now).map(([mode, time]) => ({
      mode,
      time: time - (lastTimes?.[mode] ?? 0),
    }));
    const total = spent.reduce((sum, { time }) => sum + time, 0);
    // Collected twice within the resolution of the host's clocks: the old interval goes on.
    if (total <= 0) return [];
    lastTimes = now;
    return spent.map(({ mode, time }) => ({ value: time / total, attributes: { [ATTR_CPU_MODE]: mode } }));
  });

  const readMemory = shareReading(() => ({ total: totalmem(), available: freemem() }));
  upDownCounter(METRIC_SYSTEM_MEMORY_USAGE, { unit: 'By', description: 'Memory by state.' }, () => {
    const { total, available } = readMemory();
    return byState(total - available, available);
  });
  gauge(METRIC_SYSTEM_MEMORY_UTILIZATION, { unit: '1', description: 'Part of the memory by state.' }, () => {
    const { total, available } = readMemory();
    return byState((total - available) / total, available / total);
  });

  if (platform() === 'win32') return undefined; // no load average there: always 0
  const load = {
    unit: '{thread}',
    description: 'Average of the threads that run or wait for a CPU, over 1 minute.',
  };
  gauge(METRIC_SYSTEM_CPU_LOAD_AVERAGE_1M, load, () => loadavg()[0] ?? 0);
}

function byState(used: number, available: number) {
  return [
    { value: used, attributes: { [ATTR_SYSTEM_MEMORY_STATE]: 'used' } },
    { value: available, attributes: { [ATTR_SYSTEM_MEMORY_STATE]: 'available' } },
  ];
}

/** Milliseconds of all logical CPUs by mode, under the conventions' names of the modes. */
function sumCpuTimes(): Record<string, number> {
  const sums = { user: 0, system: 0, nice: 0, idle: 0, interrupt: 0 };
  for (const { times } of cpus()) {
    sums.user += times.user;
    sums.system += times.sys;
    sums.nice += times.nice;
    sums.idle += times.idle;
    sums.interrupt += times.irq;
  }
  return sums;
}
