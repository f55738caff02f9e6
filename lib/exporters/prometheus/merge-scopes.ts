import type { Attributes } from '@opentelemetry/api';
import {
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';

import { warnOnce } from '../../errors/warnings.js';
import { type Exemplar, exemplarsOf } from '../../metrics-sdk/exemplars.js';
import { type FamilyName, type PrometheusFamilies, prometheusLabels } from './prometheus-names.js';

type Exemplars = readonly (Exemplar | undefined)[];

/** The metrics of one scrape. */
export interface PrometheusMetrics {
  /** The labels of `target_info`. */
  readonly target: Attributes;
  readonly metrics: readonly MetricData[];
}

/** Data points of this SDK have no field for exemplars. */
const exemplarsByPoint = new WeakMap<object, Exemplars>();

/** The exemplars of a data point of `mergeScopes()`, by bucket. */
export function exemplarsOfPoint(point: object): Exemplars {
  return exemplarsByPoint.get(point) ?? [];
}

/**
 * Merges the metrics of all meters. Each class of an application has its own meter, and Prometheus
 * refuses a scrape in which two of them write the same series: sums and histograms are added, and
 * the last gauge wins. Metrics get the names of `families`, and the resource gets names that
 * Prometheus allows.
 */
export function mergeScopes(
  { resource, scopeMetrics }: ResourceMetrics,
  names: PrometheusFamilies,
): PrometheusMetrics {
  const families = new Map<FamilyName, Family>();
  for (const metric of scopeMetrics.flatMap(({ metrics }) => metrics)) {
    const name = names.familyOf(metric);
    if (name === undefined) {
      warnUnrepresentable(metric.descriptor.name);
      continue;
    }
    let family = families.get(name);
    if (family === undefined) families.set(name, (family = new Family(name, metric)));
    family.add(metric);
  }
  return {
    target: prometheusLabels(resource.attributes),
    metrics: [...families.values()].map((family) => family.merged()),
  };
}

/** All metrics of one name, as series by their labels. */
class Family {
  private description = '';
  private readonly series = new Map<string, DataPoint<number | Histogram>>();

  constructor(
    private readonly family: FamilyName,
    private readonly first: MetricData,
  ) {}

  add(metric: MetricData): void {
    this.description ||= metric.descriptor.description;
    for (const given of metric.dataPoints as DataPoint<number | Histogram>[]) {
      const exemplars = exemplarsOf(metric.descriptor, given.attributes);
      this.addPoint(...withDistinctBuckets(given, exemplars));
    }
  }

  private addPoint(point: DataPoint<number | Histogram>, exemplars: Exemplars): void {
    const attributes = prometheusLabels(
      point.attributes,
      this.family.kind === 'histogram' ? 'le' : undefined,
    );
    const key = JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
    const known = this.series.get(key);
    const value = known === undefined ? point.value : this.combine(known.value, point.value);
    const merged = { ...point, attributes, value };
    this.series.set(key, merged);
    exemplarsByPoint.set(
      merged,
      known === undefined ? exemplars : newest(exemplarsOfPoint(known), exemplars),
    );
  }

  merged(): MetricData {
    const { first, description, family } = this;
    const name = family.kind === 'counter' ? `${family.name}_total` : family.name;
    return {
      ...first,
      // The serializer writes the name unchanged, and the unit as OpenTelemetry spells it.
      descriptor: { ...first.descriptor, name, description, unit: '' },
      dataPoints: [...this.series.values()],
    } as MetricData;
  }

  private combine(known: number | Histogram, added: number | Histogram): number | Histogram {
    if (typeof known === 'number' || typeof added === 'number') {
      const isSum = this.first.dataPointType === DataPointType.SUM;
      return isSum && typeof known === 'number' && typeof added === 'number' ? known + added : added;
    }
    const sum = addHistograms(known, added);
    if (sum === undefined) warnBoundaries(this.first.descriptor.name);
    return sum ?? known;
  }
}

/**
 * Removes repeated boundaries, which would write the same sample twice. A point without any is
 * returned unchanged.
 */
function withDistinctBuckets(
  point: DataPoint<number | Histogram>,
  exemplars: Exemplars,
): [DataPoint<number | Histogram>, Exemplars] {
  const { value } = point;
  if (typeof value === 'number') return [point, exemplars];
  const { boundaries, counts } = value.buckets;
  const isDistinct = (index: number): boolean =>
    boundaries[index] !== boundaries[index - 1] && !Number.isNaN(boundaries[index]);
  if (boundaries.every((_, index) => isDistinct(index))) return [point, exemplars];
  const indices = [...counts.keys()].filter((index) => index >= boundaries.length || isDistinct(index));
  const buckets = {
    boundaries: indices.slice(0, -1).map((index) => boundaries[index] ?? Infinity),
    // The count of a removed bucket is added to the next one.
    counts: indices.map((index, place) =>
      counts.slice((indices[place - 1] ?? -1) + 1, index + 1).reduce((sum, count) => sum + count, 0),
    ),
  };
  return [{ ...point, value: { ...value, buckets } }, indices.map((index) => exemplars[index])];
}

/** Returns the newer exemplar of each bucket of two series. */
function newest(known: Exemplars, added: Exemplars): Exemplars {
  return Array.from({ length: Math.max(known.length, added.length) }, (_, bucket) => {
    const a = known[bucket];
    const b = added[bucket];
    return a === undefined || (b !== undefined && b.time >= a.time) ? b : a;
  });
}

function warnBoundaries(name: string): void {
  warnOnce(
    `prometheus-boundaries:${name}`,
    `Two histograms are called ${name} and have different bucket boundaries: only the first is shown. ` +
      'Give both the same boundaries, or rename one.',
  );
}

function warnUnrepresentable(name: string): void {
  warnOnce(
    `prometheus-exponential:${name}`,
    `${name} is an exponential histogram, which Prometheus' text format cannot show. Remove the view that makes it ` +
      'one, or read it through OTLP.',
  );
}

/** Returns the sum of two histograms; undefined when their boundaries differ. */
function addHistograms(a: Histogram, b: Histogram): Histogram | undefined {
  const { boundaries } = a.buckets;
  const equal =
    boundaries.length === b.buckets.boundaries.length &&
    boundaries.every((boundary, index) => boundary === b.buckets.boundaries[index]);
  if (!equal) return undefined;
  const sum = a.sum === undefined || b.sum === undefined ? undefined : a.sum + b.sum;
  return {
    buckets: {
      boundaries,
      counts: a.buckets.counts.map((count, index) => count + (b.buckets.counts[index] ?? 0)),
    },
    count: a.count + b.count,
    ...(sum !== undefined && { sum }),
  };
}
