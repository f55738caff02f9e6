import { availableParallelism } from 'node:os';

import {
  ATTR_CPU_MODE,
  METRIC_PROCESS_CPU_TIME,
  METRIC_PROCESS_CPU_UTILIZATION,
  METRIC_PROCESS_MEMORY_USAGE,
  METRIC_PROCESS_UPTIME,
} from '../../config/semantic-conventions.constants.js';
import { type RuntimeMetrics } from './runtime-metrics.interface.js';

/** CPU time and utilization, resident memory and uptime of this process. */
export function startProcessMetrics({ gauge, counter, upDownCounter }: RuntimeMetrics): undefined {
  counter(METRIC_PROCESS_CPU_TIME, { unit: 's', description: 'CPU time of the process by mode.' }, () => {
    const { user, system } = process.cpuUsage();
    return byMode(user / 1e6, system / 1e6);
  });

  const cpus = availableParallelism();
  let before = { ...process.cpuUsage(), at: performance.now() };
  const description = 'CPU time of the process since the last collection, as a part of all CPUs.';
  gauge(METRIC_PROCESS_CPU_UTILIZATION, { unit: '1', description }, () => {
    const now = { ...process.cpuUsage(), at: performance.now() };
    const availableMicroseconds = Math.max(now.at - before.at, 1) * 1000 * cpus;
    const user = (now.user - before.user) / availableMicroseconds;
    const system = (now.system - before.system) / availableMicroseconds;
    before = now;
    return byMode(user, system);
  });

  const memory = { unit: 'By', description: 'Physical memory in use by the process.' };
  upDownCounter(METRIC_PROCESS_MEMORY_USAGE, memory, () => process.memoryUsage.rss());
  gauge(METRIC_PROCESS_UPTIME, { unit: 's', description: 'Time the process has been running.' }, () =>
    process.uptime(),
  );
}

function byMode(user: number, system: number) {
  return [
    { value: user, attributes: { [ATTR_CPU_MODE]: 'user' } },
    { value: system, attributes: { [ATTR_CPU_MODE]: 'system' } },
  ];
}
