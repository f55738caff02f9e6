import { warnOnce } from '../../errors/warnings.js';
import { type MetricSource } from '../../runtime/telemetry-plugin.js';
import { type TelemetryStore } from '../sqlite/store.js';
import { WARNING_INTERVAL_MS } from '../../exporters/delivery-log.js';
import { PointMaker } from './to-stored-points.js';

/** How often metrics are collected for the store. */
export const COLLECT_MS = 5_000;

/** Metrics flow into the store while it runs. */
export interface MetricFeed {
  /** Collects once more, now. Never rejects. */
  collect(): Promise<void>;
  /** Ends it; what was measured since the last time is collected before. Never rejects. */
  stop(): Promise<void>;
}

/**
 * Collects metrics for the store at an interval. The reader may be the one that answers scrapers: a reader of its own would
 * make every measurement cost twice.
 */
export function startMetricFeed(
  store: TelemetryStore,
  source: MetricSource,
  intervalMs = COLLECT_MS,
): MetricFeed {
  const maker = new PointMaker();
  let running: Promise<void> | undefined;

  const collectNow = async (): Promise<void> => {
    try {
      const { resourceMetrics } = await source.collect();
      store.addPoints(maker.toStoredPoints(resourceMetrics, Date.now()));
    } catch (error) {
      warnOnce(
        'store:metrics',
        `metrics could not be collected for the store: ${String(error)}.`,
        WARNING_INTERVAL_MS,
      );
    }
  };
  const collect = (): Promise<void> =>
    (running ??= collectNow().finally(() => {
      running = undefined;
    }));
  const timer = setInterval(() => void collect(), intervalMs).unref();
  return {
    collect,
    stop: () => {
      clearInterval(timer);
      return collect();
    },
  };
}
