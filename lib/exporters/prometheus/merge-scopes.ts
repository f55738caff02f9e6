import {
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';

import { warnOnce } from '../../errors/warnings.js';
import { type Exemplar, exemplarsOf } from '../../metrics-sdk/exemplars.js';
import { type Steps } from '../turns.js';
import { type FamilyName, labelText, type PrometheusFamilies } from './prometheus-names.js';

type Exemplars = readonly (Exemplar | undefined)[];

/** One series of a family. */
export interface Series {
  /** As in the text: `method="GET",route="/orders"`; empty without labels. */
  readonly labels: string;
  readonly value: number | Histogram;
  /** By bucket; that of a counter is the first. */
  readonly exemplars: Exemplars;
}

/** All metrics of one name. */
export interface MetricFamily extends FamilyName {
  readonly description: string;
  readonly series: Iterable<Series>;
}

/** The metrics of one scrape. */
export interface PrometheusMetrics {
  /** The labels of `target_info`. */
  readonly target: string;
  readonly families: readonly MetricFamily[];
}

/** Series between two looks at the clock. */
const SERIES_PER_STEP = 16;

/**
 * Merges the metrics of all meters, in steps. Each class of an application has its own meter, and
 * Prometheus refuses a scrape in which two of them write the same series: sums and histograms are
 * added, and the last gauge wins. Metrics get the names of `families`, and labels get names that
 * Prometheus allows.
 */
export function* mergeScopes(
  { resource, scopeMetrics }: ResourceMetrics,
  names: PrometheusFamilies,
): Steps<PrometheusMetrics> {
  const families = new Map<FamilyName, Family>();
  for (const metric of scopeMetrics.flatMap(({ metrics }) => metrics)) {
    const name = names.familyOf(metric);
    if (name === undefined) {
      warnUnrepresentable(metric.descriptor.name);
      continue;
    }
    let family = families.get(name);
    if (family === undefined) families.set(name, (family = new Family(name, metric)));
    yield* family.add(metric);
  }
  return { target: labelText(resource.attributes), families: [...families.values()] };
}

/** All metrics of one name, as series by their labels. */
class Family implements MetricFamily {
  readonly kind: FamilyName['kind'];
  readonly name: string;
  description = '';
  private readonly byLabels = new Map<string, Series>();

  constructor(
    { kind, name }: FamilyName,
    private readonly first: MetricData,
  ) {
    this.kind = kind;
    this.name = name;
  }

  get series(): Iterable<Series> {
    return this.byLabels.values();
  }

  *add(metric: MetricData): Steps<void> {
    this.description ||= metric.descriptor.description;
    let count = 0;
    for (const given of metric.dataPoints as DataPoint<number | Histogram>[]) {
      const exemplars = exemplarsOf(metric.descriptor, given.attributes);
      this.addPoint(...withDistinctBuckets(given, exemplars));
      count += 1;
      if (count % SERIES_PER_STEP === 0) yield;
    }
  }

  private addPoint({ attributes, value }: DataPoint<number | Histogram>, exemplars: Exemplars): void {
    const labels = labelText(attributes, this.kind === 'histogram' ? 'le' : undefined);
    const known = this.byLabels.get(labels);
    this.byLabels.set(
      labels,
      known === undefined
        ? { labels, value, exemplars }
        : { labels, value: this.combine(known.value, value), exemplars: newest(known.exemplars, exemplars) },
    );
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
