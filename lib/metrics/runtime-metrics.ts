import { availableParallelism, cpus, freemem, loadavg, platform, totalmem } from 'node:os';
import {
  constants,
  type EventLoopUtilization,
  monitorEventLoopDelay,
  performance,
  PerformanceObserver,
} from 'node:perf_hooks';
import { getHeapSpaceStatistics, type HeapSpaceInfo } from 'node:v8';

import { type Attributes } from '@opentelemetry/api';

import {
  ATTR_CPU_MODE,
  ATTR_NODEJS_EVENTLOOP_STATE,
  ATTR_SYSTEM_MEMORY_STATE,
  ATTR_V8JS_GC_TYPE,
  ATTR_V8JS_HEAP_SPACE_NAME,
  ATTR_V8JS_RESOURCE_TYPE,
  METRIC_NODEJS_EVENTLOOP_TIME,
  METRIC_NODEJS_EVENTLOOP_UTILIZATION,
  METRIC_PROCESS_CPU_TIME,
  METRIC_PROCESS_CPU_UTILIZATION,
  METRIC_PROCESS_MEMORY_USAGE,
  METRIC_PROCESS_UPTIME,
  METRIC_SYSTEM_CPU_LOAD_AVERAGE_1M,
  METRIC_SYSTEM_CPU_UTILIZATION,
  METRIC_SYSTEM_MEMORY_USAGE,
  METRIC_SYSTEM_MEMORY_UTILIZATION,
  METRIC_V8JS_GC_DURATION,
  METRIC_V8JS_RESOURCE_ACTIVE,
  metricOfEventLoopDelay,
  metricOfHeap,
} from '../config/semantic-conventions.constants.js';
import { warnOnce } from '../errors/warnings.js';
import { type Undo, undoAll } from '../process/undo-all.js';
import { type Observation } from './observable-handle.js';
import { createObservables, durations, type Observables } from './own-instruments.js';

let stopRunning: (() => void) | undefined;

/**
 * Measures the event loop, garbage collections, the heap, this process and its host. All but the
 * garbage collections are read when metrics are collected. Returns a function that ends that; a
 * second start returns that of the first.
 */
export function startRuntimeMetrics(): () => void {
  if (stopRunning !== undefined) return stopRunning;
  const observables = createObservables();
  const stoppers: (Undo | undefined)[] = [observables.remove];
  const groups: ((observables: Observables) => Undo | undefined)[] = [
    startEventLoopMetrics,
    startGarbageCollectionMetrics,
    startHeapMetrics,
    startProcessMetrics,
    startHostMetrics,
  ];
  for (const start of groups) {
    try {
      stoppers.push(start(observables));
    } catch (error) {
      // A restricted environment (no /proc, --permission) may forbid one group.
      warnOnce(`metrics:${start.name}`, `${start.name} is not possible here: ${String(error)}`);
    }
  }
  const stop = (): void => {
    if (stopRunning !== stop) return;
    stopRunning = undefined;
    undoAll(stoppers)();
  };
  stopRunning = stop;
  return stop;
}

type DelayHistogram = ReturnType<typeof monitorEventLoopDelay>;

const DELAYS = [
  ['min', 'minimum', (delays: DelayHistogram) => delays.min],
  ['max', 'maximum', (delays: DelayHistogram) => delays.max],
  ['mean', 'mean', (delays: DelayHistogram) => delays.mean],
  ['stddev', 'standard deviation', (delays: DelayHistogram) => delays.stddev],
  ['p50', '50 percentile', (delays: DelayHistogram) => delays.percentile(50)],
  ['p90', '90 percentile', (delays: DelayHistogram) => delays.percentile(90)],
  ['p99', '99 percentile', (delays: DelayHistogram) => delays.percentile(99)],
] as const;

/** One for the process: to make it takes ten times as long as to start it again. */
let delayMonitor: DelayHistogram | undefined;

/**
 * Delay, time and utilization of the event loop. The delays are those since the last collection,
 * and raw, as the conventions require: an idle loop shows the resolution of the monitor, 10 ms.
 */
function startEventLoopMetrics({ gauge, counter }: Observables): () => void {
  const monitor = (delayMonitor ??= monitorEventLoopDelay({ resolution: 10 }));
  monitor.reset();
  monitor.enable();

  const readDelays = shareReading(() => {
    const seconds = monitor.count === 0 ? undefined : DELAYS.map(([, , read]) => read(monitor) / 1e9);
    monitor.reset();
    return seconds;
  });
  DELAYS.forEach(([name, what], index) => {
    gauge(
      metricOfEventLoopDelay(name),
      { unit: 's', description: `Event loop delay, ${what}.` },
      (result) => {
        const value = readDelays()?.[index];
        if (value !== undefined) result.observe(value);
      },
    );
  });

  let before: EventLoopUtilization = performance.eventLoopUtilization();
  gauge(METRIC_NODEJS_EVENTLOOP_UTILIZATION, { unit: '1', description: 'Event loop utilization.' }, () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return Number.isFinite(utilization) ? utilization : [];
  });
  counter(
    METRIC_NODEJS_EVENTLOOP_TIME,
    { unit: 's', description: 'Time the event loop was in each state.' },
    () => {
      const { active, idle } = performance.eventLoopUtilization();
      return by(ATTR_NODEJS_EVENTLOOP_STATE, { active: active / 1000, idle: idle / 1000 });
    },
  );
  return () => {
    monitor.disable();
  };
}

/** One observation for each value, under its name. */
function by(attribute: string, values: Readonly<Record<string, number>>): Observation[] {
  return Object.entries(values).map(([name, value]) => ({ value, attributes: { [attribute]: name } }));
}

const SIZES = [
  ['used', 'Heap memory in use.', 'space_used_size'],
  ['space.size', 'Heap memory reserved.', 'space_size'],
  ['space.available_size', 'Heap memory available.', 'space_available_size'],
  ['space.physical_size', 'Heap memory committed.', 'physical_space_size'],
] as const satisfies readonly (readonly [string, string, keyof HeapSpaceInfo])[];

/** Sizes of V8's heap by space, and what keeps the event loop alive by type. */
function startHeapMetrics({ gauge, upDownCounter }: Observables): undefined {
  const readSpaces = shareReading(getHeapSpaceStatistics);
  for (const [name, description, field] of SIZES) {
    upDownCounter(metricOfHeap(name), { unit: 'By', description }, () =>
      readSpaces().map((space) => ({
        value: space[field],
        attributes: { [ATTR_V8JS_HEAP_SPACE_NAME]: space.space_name },
      })),
    );
  }
  const description = 'Resources that keep the event loop alive.';
  const seen = new Set<string>();
  gauge(METRIC_V8JS_RESOURCE_ACTIVE, { unit: '{resource}', description }, () => {
    // A type that was there once is reported as 0 after it has gone, or its last number would stay.
    const counts = new Map([...seen].map((type) => [type, 0]));
    for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1);
    return [...counts].map(([type, value]) => {
      seen.add(type);
      return { value, attributes: { [ATTR_V8JS_RESOURCE_TYPE]: type } };
    });
  });
}

const GC_TYPES = new Map<unknown, Attributes>(
  (['minor', 'major', 'incremental', 'weakcb'] as const).map((type) => [
    constants[`NODE_PERFORMANCE_GC_${type.toUpperCase() as Uppercase<typeof type>}`],
    { [ATTR_V8JS_GC_TYPE]: type },
  ]),
);

/** Durations of garbage collections by type; Node reports them in batches, outside the pause. */
function startGarbageCollectionMetrics(): () => void {
  const duration = durations(METRIC_V8JS_GC_DURATION, 'Garbage collection duration.', [0.01, 0.1, 1, 10]);
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      // `detail` is not in the type of an entry.
      const { detail } = entry as { readonly detail?: { readonly kind?: unknown } };
      duration.record(entry.duration / 1000, GC_TYPES.get(detail?.kind));
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  return () => {
    observer.disconnect();
  };
}

let cpuCount: number | undefined;

interface CpuUsage extends NodeJS.CpuUsage {
  /** By `performance.now()`. */
  readonly at: number;
}

/**
 * The last readings of this process and its host, also across applications: each takes up to 0.4 ms,
 * and a test suite starts hundreds of applications. The first collection of a later one covers the
 * time since that reading.
 */
let lastUsage: CpuUsage | undefined;
let lastTimes: Record<string, number> | undefined;

function readCpuUsage(): CpuUsage {
  return { ...process.cpuUsage(), at: performance.now() };
}

/** CPU time and utilization, resident memory and uptime of this process. */
function startProcessMetrics({ gauge, counter, upDownCounter }: Observables): undefined {
  counter(METRIC_PROCESS_CPU_TIME, { unit: 's', description: 'CPU time of the process by mode.' }, () => {
    const { user, system } = process.cpuUsage();
    return by(ATTR_CPU_MODE, { user: user / 1e6, system: system / 1e6 });
  });

  lastUsage ??= readCpuUsage();
  const description = 'CPU time of the process since the last collection, as a part of all CPUs.';
  gauge(METRIC_PROCESS_CPU_UTILIZATION, { unit: '1', description }, () => {
    const before = lastUsage ?? readCpuUsage();
    const now = readCpuUsage();
    // libuv reads files of the kernel for the number of CPUs.
    cpuCount ??= availableParallelism();
    const availableMicroseconds = Math.max(now.at - before.at, 1) * 1000 * cpuCount;
    const user = (now.user - before.user) / availableMicroseconds;
    const system = (now.system - before.system) / availableMicroseconds;
    lastUsage = now;
    return by(ATTR_CPU_MODE, { user, system });
  });

  const memory = { unit: 'By', description: 'Physical memory in use by the process.' };
  upDownCounter(METRIC_PROCESS_MEMORY_USAGE, memory, () => process.memoryUsage.rss());
  gauge(METRIC_PROCESS_UPTIME, { unit: 's', description: 'Time the process has been running.' }, () =>
    process.uptime(),
  );
}

/** CPU, memory and load of the host, from `node:os`; no process is spawned. */
function startHostMetrics({ gauge, upDownCounter }: Observables): undefined {
  lastTimes ??= sumCpuTimes();
  const cpu = {
    unit: '1',
    description: 'CPU time by mode since the last collection, mean of all logical CPUs.',
  };
  gauge(METRIC_SYSTEM_CPU_UTILIZATION, cpu, () => {
    const now = sumCpuTimes();
    const spent = Object.entries(now).map(([mode, time]) => [mode, time - (lastTimes?.[mode] ?? 0)] as const);
    const total = spent.reduce((sum, [, time]) => sum + time, 0);
    // Collected twice within the resolution of the host's clocks: the old interval goes on.
    if (total <= 0) return [];
    lastTimes = now;
    return by(ATTR_CPU_MODE, Object.fromEntries(spent.map(([mode, time]) => [mode, time / total])));
  });

  const readMemory = shareReading(() => ({ total: totalmem(), available: freemem() }));
  upDownCounter(METRIC_SYSTEM_MEMORY_USAGE, { unit: 'By', description: 'Memory by state.' }, () => {
    const { total, available } = readMemory();
    return by(ATTR_SYSTEM_MEMORY_STATE, { used: total - available, available });
  });
  gauge(METRIC_SYSTEM_MEMORY_UTILIZATION, { unit: '1', description: 'Part of the memory by state.' }, () => {
    const { total, available } = readMemory();
    return by(ATTR_SYSTEM_MEMORY_STATE, {
      used: (total - available) / total,
      available: available / total,
    });
  });

  if (platform() === 'win32') return undefined; // no load average there: always 0
  const load = {
    unit: '{thread}',
    description: 'Average of the threads that run or wait for a CPU, over 1 minute.',
  };
  gauge(METRIC_SYSTEM_CPU_LOAD_AVERAGE_1M, load, () => loadavg()[0] ?? 0);
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

const SHARED_FOR_MS = 10;

/**
 * Returns a `read` that several instruments of one collection share: their callbacks run in one
 * tick, and each reading costs, or starts a new interval. A reading is returned again for 10 ms.
 */
function shareReading<T>(read: () => T): () => T {
  let reading: T;
  let readAt = -Infinity;
  return () => {
    const now = performance.now();
    if (now - readAt >= SHARED_FOR_MS) {
      reading = read();
      readAt = now;
    }
    return reading;
  };
}
