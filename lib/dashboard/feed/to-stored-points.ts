import {
  DataPointType,
  type ExponentialHistogram,
  type Histogram,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';

import { exemplarsOf } from '../../recording/exemplars.js';
import { valueBucket } from '../sqlite/encoding/value-buckets.js';
import {
  type StoredExemplar,
  type StoredInstrument,
  type StoredInstrumentType,
  type StoredPoint,
} from '../sqlite/rows.interface.js';
import { hashAttributes } from '../../recording/hash-attributes.js';
import { sortedAsJson } from './attribute-json.js';
import { storedResourceOf } from './stored-resource.js';

/** A value that does not change is written so often, to show that it is still there. */
const REPEAT_MS = 55_000;

/** What a series said the last time. */
interface Series {
  readonly attributes: string;
  value: number;
  count: number;
  buckets: readonly number[];
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
export class PointMaker {
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
    const key = `${scope} ${name} ${unit} ${type}`;
    let known = this.instruments.get(key);
    if (known === undefined) {
      known = { instrument: { resource, scope, name, description, unit, type }, series: new Map() };
      this.instruments.set(key, known);
    }
    return known;
  }

  private toPoint(
    { instrument, series: all }: KnownInstrument,
    metric: MetricData,
    { attributes, value }: DataPoint,
    now: number,
  ): StoredPoint | undefined {
    const hash = hashAttributes(attributes);
    let series = all.get(hash);
    const isNew = series === undefined;
    if (series === undefined) {
      const text = sortedAsJson(attributes);
      series = { attributes: text, value: 0, count: 0, buckets: [], writtenAt: 0, exemplarsUntil: 0 };
      all.set(hash, series);
    }
    const total = totalOf(value);
    const before = { ...series };
    const isRunning = instrument.type === 'counter' || instrument.type === 'histogram';
    // Less than before: the instrument was made anew.
    const isReset =
      isRunning && (total.count < before.count || (total.count === 0 && total.value < before.value));
    const base = isRunning && !isReset ? before : { value: 0, count: 0, buckets: [] };
    const hasChanged = total.value !== before.value || total.count !== before.count;
    if (!isNew && !hasChanged && (isRunning || now - series.writtenAt < REPEAT_MS)) return undefined;
    if (!Number.isFinite(total.value)) return undefined;
    series.value = total.value;
    series.count = total.count;
    series.buckets = total.buckets;
    series.writtenAt = now;
    const exemplars = this.newExemplars(series, metric, attributes, now);
    return {
      instrument,
      attributes: series.attributes,
      time: now,
      value: total.value - base.value,
      count: total.count - base.count,
      ...(total.boundaries !== undefined && {
        boundaries: total.boundaries,
        buckets: difference(total, base.buckets),
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

/** What an instrument says, whatever it is. */
interface Total {
  readonly value: number;
  readonly count: number;
  /** undefined for what is no histogram; empty when the buckets are the store's own. */
  readonly boundaries: readonly number[] | undefined;
  readonly buckets: readonly number[];
}

function totalOf(value: number | Histogram | ExponentialHistogram): Total {
  if (typeof value === 'number') return { value, count: 0, boundaries: undefined, buckets: [] };
  const sum = value.sum ?? 0;
  if ('buckets' in value)
    return {
      value: sum,
      count: value.count,
      boundaries: value.buckets.boundaries,
      buckets: [...value.buckets.counts],
    };
  return { value: sum, count: value.count, boundaries: [], buckets: ownBuckets(value) };
}

/** Exponential buckets as those of the store, by the middle of each. */
function ownBuckets({ positive, scale, zeroCount }: ExponentialHistogram): number[] {
  const counts: number[] = [];
  if (zeroCount > 0) counts[0] = zeroCount;
  positive.bucketCounts.forEach((count, index) => {
    if (count === 0) return;
    const bucket = valueBucket(2 ** ((positive.offset + index + 0.5) / 2 ** scale));
    counts[bucket] = (counts[bucket] ?? 0) + count;
  });
  return counts;
}

function difference({ buckets }: Total, before: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  buckets.forEach((count, bucket) => {
    const added = count - (before[bucket] ?? 0);
    if (added > 0) counts.set(bucket, added);
  });
  return counts;
}
