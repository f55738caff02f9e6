import {
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';

import { warnOnce } from '../../errors/warnings.js';
import { type Exemplar, exemplarsOf } from '../../recording/exemplars.js';
import { addHistograms } from './add-histograms.js';
import { prometheusLabels, prometheusName } from './prometheus-names.js';

type Kind = 'counter' | 'gauge' | 'histogram';
type Exemplars = readonly (Exemplar | undefined)[];

/** Data points have no place for exemplars in this SDK. */
const exemplarsByPoint = new WeakMap<object, Exemplars>();

/** The exemplars of a data point that `mergeScopes()` made, by bucket. */
export function exemplarsOfPoint(point: object): Exemplars {
  return exemplarsByPoint.get(point) ?? [];
}

/**
 * The same metrics as if one meter had made them all. Each class of an application has a meter of its own, and
 * Prometheus refuses a scrape in which two of them write the same series: sums and histograms are added, of gauges the
 * last one holds. Of two metrics that share a name but not a type the first one stays, with a warning.
 */
export function mergeScopes({ resource, scopeMetrics }: ResourceMetrics): ResourceMetrics {
  const families = new Map<string, Family>();
  for (const metric of scopeMetrics.flatMap(({ metrics }) => metrics)) {
    const name = prometheusName(metric);
    const kind = kindOf(metric);
    if (kind === undefined) {
      warnUnrepresentable(name);
      continue;
    }
    let family = families.get(name);
    if (family === undefined) families.set(name, (family = new Family(name, kind, metric)));
    if (family.kind === kind && family.first.dataPointType === metric.dataPointType) family.add(metric);
    else warnConflict(name, family.kind, kind);
  }
  const metrics = [...families.values()].map((family) => family.merged());
  return { resource, scopeMetrics: metrics.length === 0 ? [] : [{ scope: { name: '' }, metrics }] };
}

/** All metrics of one name, as series by their labels. */
class Family {
  private description = '';
  private readonly series = new Map<string, DataPoint<number | Histogram>>();

  constructor(
    private readonly name: string,
    readonly kind: Kind,
    readonly first: MetricData,
  ) {}

  add(metric: MetricData): void {
    this.description ||= metric.descriptor.description;
    for (const point of metric.dataPoints as DataPoint<number | Histogram>[]) {
      const attributes = prometheusLabels(point.attributes, this.kind === 'histogram' ? 'le' : undefined);
      const key = JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
      const known = this.series.get(key);
      const value = known === undefined ? point.value : this.combine(known.value, point.value);
      const merged = { ...point, attributes, value };
      this.series.set(key, merged);
      const exemplars = exemplarsOf(metric.descriptor, point.attributes);
      exemplarsByPoint.set(
        merged,
        known === undefined ? exemplars : newest(exemplarsOfPoint(known), exemplars),
      );
    }
  }

  merged(): MetricData {
    const { first, description } = this;
    return {
      ...first,
      // The serializer takes the name as it is and would print the unit in OpenTelemetry's spelling.
      descriptor: { ...first.descriptor, name: this.name, description, unit: '' },
      dataPoints: [...this.series.values()],
    } as MetricData;
  }

  private combine(known: number | Histogram, added: number | Histogram): number | Histogram {
    if (typeof known === 'number' || typeof added === 'number') {
      const isSum = this.first.dataPointType === DataPointType.SUM;
      return isSum && typeof known === 'number' && typeof added === 'number' ? known + added : added;
    }
    const sum = addHistograms(known, added);
    if (sum === undefined) warnBoundaries(this.name);
    return sum ?? known;
  }
}

/** Of two series that become one, the newer exemplar of each bucket. */
function newest(known: Exemplars, added: Exemplars): Exemplars {
  return Array.from({ length: Math.max(known.length, added.length) }, (_, bucket) => {
    const a = known[bucket];
    const b = added[bucket];
    return a === undefined || (b !== undefined && b.time >= a.time) ? b : a;
  });
}

function kindOf(metric: MetricData): Kind | undefined {
  switch (metric.dataPointType) {
    case DataPointType.SUM:
      return metric.isMonotonic ? 'counter' : 'gauge';
    case DataPointType.GAUGE:
      return 'gauge';
    case DataPointType.HISTOGRAM:
      return 'histogram';
    default:
      return undefined;
  }
}

function warnConflict(name: string, kept: Kind, left: Kind): void {
  const what = kept === left ? `two different kinds of ${kept}` : `a ${kept} and a ${left}`;
  warnOnce(
    `prometheus-conflict:${name}`,
    `two instruments are called ${name} in Prometheus, ${what}: only the first is shown. Rename one of them.`,
  );
}

function warnBoundaries(name: string): void {
  warnOnce(
    `prometheus-boundaries:${name}`,
    `two histograms are called ${name} and have different bucket boundaries: only the first is shown. ` +
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
