import {
  DataPointType,
  type ExponentialHistogram,
  type Histogram,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';

import { warnOnce } from '../../errors/warnings.js';
import { WARNING_INTERVAL_MS } from '../../exporters/delivery-log.js';
import { hashAttributes } from '../../metrics-sdk/attribute-hashes.js';
import { exemplarsOf } from '../../metrics-sdk/exemplars.js';
import { type MetricSource } from '../../runtime/telemetry-plugin.js';
import { getOrAdd } from '../get-or-add.js';
import {
  type StoredExemplar,
  type StoredInstrument,
  type StoredInstrumentType,
  type StoredPoint,
} from '../sqlite/rows.interface.js';
import {
  addedSince,
  explicitBuckets,
  exponentialBuckets,
  type PointTotal,
} from '../sqlite/running-totals.js';
import { type TelemetryStore } from '../sqlite/store.js';
import { sortedAsJson, storedResourceOf } from './attribute-json.js';

/** How often metrics are collected for the store. */
const COLLECT_MS = 5_000;

/** Metrics flow into the store while it runs. */
export interface MetricFeed {
  /** Collects once more, now. Never rejects. */
  collect(): Promise<void>;
  /** Ends it; what was measured since the last time is collected before. Never rejects. */
  stop(): Promise<void>;
}

/**
 * Collects metrics for the store at an interval. The reader may be the one that answers scrapers: a second reader would
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

/** A value that does not change is written so often, to show that it is still there. */
const REPEAT_MS = 55_000;

/** What a series said the last time. */
interface Series {
  readonly attributes: string;
  total: PointTotal | undefined;
  writtenAt: number;
  exemplarsUntil: number;
}

interface KnownInstrument {
  readonly instrument: StoredInstrument;
  readonly series: Map<string, Series>;
}

type DataPoint = MetricData['dataPoints'][number];

/**
 * Turns running totals into what was added since the last time. So a restart, which begins at zero, and several processes,
 * which each have their own total, need no care when rates are computed; and what did not happen takes no room.
 */
class PointMaker {
  private readonly instruments = new Map<string, KnownInstrument>();

  /** @param now milliseconds since the epoch */
  toStoredPoints({ resource, scopeMetrics }: ResourceMetrics, now: number): StoredPoint[] {
    const points: StoredPoint[] = [];
    const storedResource = storedResourceOf(resource);
    for (const { scope, metrics } of scopeMetrics) {
      for (const metric of metrics) {
        const known = this.instrumentOf(metric, scope.name, storedResource);
        for (const dataPoint of metric.dataPoints) {
          const point = this.toPoint(known, metric, dataPoint, now);
          if (point !== undefined) points.push(point);
        }
      }
    }
    return points;
  }

  private instrumentOf(
    metric: MetricData,
    scope: string,
    resource: StoredInstrument['resource'],
  ): KnownInstrument {
    const { name, description, unit } = metric.descriptor;
    const type = typeOf(metric);
    return getOrAdd(this.instruments, `${scope} ${name} ${unit} ${type}`, () => ({
      instrument: { resource, scope, name, description, unit, type },
      series: new Map(),
    }));
  }

  private toPoint(
    { instrument, series: all }: KnownInstrument,
    metric: MetricData,
    { attributes, value }: DataPoint,
    now: number,
  ): StoredPoint | undefined {
    const series = getOrAdd(all, hashAttributes(attributes), () => ({
      attributes: sortedAsJson(attributes),
      total: undefined,
      writtenAt: 0,
      exemplarsUntil: 0,
    }));
    const { total: before } = series;
    const [current, count] = typeof value === 'number' ? [value, 0] : [value.sum ?? 0, value.count];
    const isRunning = instrument.type === 'counter' || instrument.type === 'histogram';
    const isRepeated = current === before?.value && count === before.count;
    if (isRepeated && (isRunning || now - series.writtenAt < REPEAT_MS)) return undefined;
    if (!Number.isFinite(current)) return undefined;
    const total = totalOf(value);
    const added = isRunning ? addedSince(total, before) : total;
    series.total = total;
    series.writtenAt = now;
    const exemplars = this.newExemplars(series, metric, attributes, now);
    return {
      instrument,
      attributes: series.attributes,
      time: now,
      value: added.value,
      count: added.count,
      ...(instrument.type === 'histogram' && {
        boundaries: added.boundaries,
        buckets: added.buckets,
        min: added.min,
        max: added.max,
      }),
      ...(exemplars.length > 0 && { exemplars }),
    };
  }

  private newExemplars(
    series: Series,
    { descriptor }: MetricData,
    attributes: DataPoint['attributes'],
    now: number,
  ): StoredExemplar[] {
    const since = series.exemplarsUntil;
    series.exemplarsUntil = now;
    return exemplarsOf(descriptor, attributes).filter(
      (exemplar): exemplar is StoredExemplar => exemplar !== undefined && exemplar.time > since,
    );
  }
}

function typeOf({ dataPointType, ...metric }: MetricData): StoredInstrumentType {
  if (dataPointType === DataPointType.GAUGE) return 'gauge';
  if (dataPointType !== DataPointType.SUM) return 'histogram';
  return 'isMonotonic' in metric && metric.isMonotonic ? 'counter' : 'updowncounter';
}

const NO_BUCKETS: ReadonlyMap<number, number> = new Map();

function totalOf(value: number | Histogram | ExponentialHistogram): PointTotal {
  if (typeof value === 'number') return { value, count: 0, buckets: NO_BUCKETS, boundaries: [] };
  const { sum = 0, count, min, max } = value;
  const head = { value: sum, count, min, max };
  if ('buckets' in value) {
    const { boundaries, counts } = value.buckets;
    return { ...head, boundaries, buckets: explicitBuckets(counts) };
  }
  const { positive, scale, zeroCount } = value;
  const buckets = exponentialBuckets(positive.bucketCounts, positive.offset, scale, zeroCount);
  return { ...head, boundaries: [], buckets };
}
