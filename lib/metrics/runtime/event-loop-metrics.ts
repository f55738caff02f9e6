import { type EventLoopUtilization, monitorEventLoopDelay, performance } from 'node:perf_hooks';

import {
  ATTR_NODEJS_EVENTLOOP_STATE,
  METRIC_NODEJS_EVENTLOOP_DELAY_MAX,
  METRIC_NODEJS_EVENTLOOP_DELAY_MEAN,
  METRIC_NODEJS_EVENTLOOP_DELAY_MIN,
  METRIC_NODEJS_EVENTLOOP_DELAY_P50,
  METRIC_NODEJS_EVENTLOOP_DELAY_P90,
  METRIC_NODEJS_EVENTLOOP_DELAY_P99,
  METRIC_NODEJS_EVENTLOOP_DELAY_STDDEV,
  METRIC_NODEJS_EVENTLOOP_TIME,
  METRIC_NODEJS_EVENTLOOP_UTILIZATION,
} from '../../config/semantic-conventions.constants.js';
import { type RuntimeMetrics } from './runtime-metrics.interface.js';
import { shareReading } from './share-reading.js';

type DelayHistogram = ReturnType<typeof monitorEventLoopDelay>;

const DELAYS = [
  [METRIC_NODEJS_EVENTLOOP_DELAY_MIN, 'minimum', (delays: DelayHistogram) => delays.min],
  [METRIC_NODEJS_EVENTLOOP_DELAY_MAX, 'maximum', (delays: DelayHistogram) => delays.max],
  [METRIC_NODEJS_EVENTLOOP_DELAY_MEAN, 'mean', (delays: DelayHistogram) => delays.mean],
  [METRIC_NODEJS_EVENTLOOP_DELAY_STDDEV, 'standard deviation', (delays: DelayHistogram) => delays.stddev],
  [METRIC_NODEJS_EVENTLOOP_DELAY_P50, '50 percentile', (delays: DelayHistogram) => delays.percentile(50)],
  [METRIC_NODEJS_EVENTLOOP_DELAY_P90, '90 percentile', (delays: DelayHistogram) => delays.percentile(90)],
  [METRIC_NODEJS_EVENTLOOP_DELAY_P99, '99 percentile', (delays: DelayHistogram) => delays.percentile(99)],
] as const;

/** One for the process: to make it takes ten times as long as to start it again, and a test suite starts hundreds of applications. */
let delayMonitor: DelayHistogram | undefined;

/**
 * Delay, time and utilization of the event loop. The delays are those since the last collection and, as the conventions
 * want them, raw: an idle loop shows the resolution of the monitor, 10 ms.
 */
export function startEventLoopMetrics({ gauge, counter }: RuntimeMetrics): () => void {
  const monitor = (delayMonitor ??= monitorEventLoopDelay({ resolution: 10 }));
  monitor.reset();
  monitor.enable();

  const readDelays = shareReading(() => {
    const seconds = monitor.count === 0 ? undefined : DELAYS.map(([, , read]) => read(monitor) / 1e9);
    monitor.reset();
    return seconds;
  });
  DELAYS.forEach(([name, what], index) => {
    gauge(name, { unit: 's', description: `Event loop delay, ${what}.` }, (result) => {
      const value = readDelays()?.[index];
      if (value !== undefined) result.observe(value);
    });
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
      return [
        { value: active / 1000, attributes: { [ATTR_NODEJS_EVENTLOOP_STATE]: 'active' } },
        { value: idle / 1000, attributes: { [ATTR_NODEJS_EVENTLOOP_STATE]: 'idle' } },
      ];
    },
  );
  return () => {
    monitor.disable();
  };
}
