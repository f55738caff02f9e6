import { valueBucket } from '../../store/encoding/value-buckets.js';
import {
  type StoredExemplar,
  type StoredInstrument,
  type StoredInstrumentType,
  type StoredPoint,
  type StoredResource,
} from '../../store/rows.interface.js';
import { readResource } from './read-resource.js';
import { type ReadItems } from './read-spans.js';
import { attributesAt, idAt, listAt, microsecondsAt, numberAt, objectAt, textAt } from './read-values.js';

type Fields = Readonly<Record<string, unknown>>;

/** `AGGREGATION_TEMPORALITY_CUMULATIVE` of OTLP. */
const CUMULATIVE = 2;
/** Series of senders whose totals are remembered; beyond, all are forgotten and begin anew. */
const MAX_SERIES = 20_000;

/** What a series said, as a running total or since the last time. */
interface Total {
  readonly value: number;
  readonly count: number;
  readonly buckets: ReadonlyMap<number, number>;
}

interface Form {
  readonly field: string;
  readonly type: (metric: Fields) => StoredInstrumentType;
}

const FORMS: readonly Form[] = [
  { field: 'gauge', type: () => 'gauge' },
  { field: 'sum', type: (sum) => (sum.isMonotonic === true ? 'counter' : 'updowncounter') },
  { field: 'histogram', type: () => 'histogram' },
  { field: 'exponentialHistogram', type: () => 'histogram' },
];

/** Turns metrics of other services into rows; running totals are set against what the sender said before. */
export class PointReader {
  private readonly instruments = new Map<string, StoredInstrument>();
  private readonly totals = new Map<string, Total>();

  /**
   * The rows of an `ExportMetricsServiceRequest`.
   *
   * @throws DashboardError 400 when it is none
   */
  readPointRows(request: Fields, now = Date.now()): ReadItems<StoredPoint> {
    const rows: StoredPoint[] = [];
    let rejected = 0;
    for (const ofResource of listAt(request, 'resourceMetrics')) {
      const resource = readResource(objectAt(ofResource, 'resource'));
      for (const ofScope of listAt(ofResource, 'scopeMetrics')) {
        const scope = textAt(objectAt(ofScope, 'scope'), 'name');
        for (const metric of listAt(ofScope, 'metrics')) {
          const form = FORMS.find(({ field }) => metric[field] !== undefined);
          if (form === undefined || textAt(metric, 'name') === '') rejected += 1;
          else this.readMetric(metric, form, resource, scope, rows, now);
        }
      }
    }
    return {
      rows,
      rejected,
      reason: rejected === 0 ? '' : 'a metric needs a name and a gauge, sum or histogram',
    };
  }

  private readMetric(
    metric: Fields,
    { field, type }: Form,
    resource: StoredResource,
    scope: string,
    rows: StoredPoint[],
    now: number,
  ): void {
    const data = objectAt(metric, field);
    const instrument = this.instrumentOf(metric, type(data), resource, scope);
    const isRunning = instrument.type === 'counter' || instrument.type === 'histogram';
    const isCumulative = isRunning && isCumulativeIn(data);
    for (const point of listAt(data, 'dataPoints')) {
      const attributes = sortedText(attributesAt(point));
      const total = totalOf(point, field);
      const key = `${resource.attributes}\n${scope}\n${instrument.name}\n${instrument.type}\n${attributes}`;
      const added = isCumulative ? this.addedTo(key, total) : total;
      if (added === undefined || !Number.isFinite(added.value)) continue;
      const exemplars = listAt(point, 'exemplars')
        .map(readExemplar)
        .filter((each) => each !== undefined);
      rows.push({
        instrument,
        attributes,
        time: timeOf(point, now),
        value: added.value,
        count: added.count,
        ...(instrument.type === 'histogram' && {
          boundaries: field === 'histogram' ? boundariesOf(point) : [],
          buckets: added.buckets,
        }),
        ...(exemplars.length > 0 && { exemplars }),
      });
    }
  }

  /** What came since the last time; undefined the first time, when nobody knows since when it counts. */
  private addedTo(key: string, total: Total): Total | undefined {
    const before = this.totals.get(key);
    if (before === undefined && this.totals.size >= MAX_SERIES) this.totals.clear();
    this.totals.set(key, total);
    if (before === undefined) return undefined;
    // Less than before: the sender was started anew, and began at zero.
    if (total.count < before.count || (total.count === 0 && total.value < before.value)) return total;
    const buckets = new Map<number, number>();
    for (const [bucket, count] of total.buckets) {
      const more = count - (before.buckets.get(bucket) ?? 0);
      if (more > 0) buckets.set(bucket, more);
    }
    return { value: total.value - before.value, count: total.count - before.count, buckets };
  }

  private instrumentOf(
    metric: Fields,
    type: StoredInstrumentType,
    resource: StoredResource,
    scope: string,
  ): StoredInstrument {
    const [name, unit] = [textAt(metric, 'name'), textAt(metric, 'unit')];
    const key = `${resource.attributes}\n${scope}\n${name}\n${unit}\n${type}`;
    let known = this.instruments.get(key);
    if (known === undefined) {
      known = { resource, scope, name, description: textAt(metric, 'description'), unit, type };
      if (this.instruments.size >= MAX_SERIES) this.instruments.clear();
      this.instruments.set(key, known);
    }
    return known;
  }
}

/** 0 is how protobuf says that there is none. */
function timeOf(point: Fields, now: number): number {
  const time = microsecondsAt(point, 'timeUnixNano');
  return time === undefined || time === 0 ? now : time / 1_000;
}

/** JSON may have the name of the enumeration instead of its number. */
function isCumulativeIn(data: Fields): boolean {
  const temporality = data.aggregationTemporality;
  return temporality === CUMULATIVE || temporality === 'AGGREGATION_TEMPORALITY_CUMULATIVE';
}

function totalOf(point: Fields, field: string): Total {
  if (field === 'gauge' || field === 'sum')
    return {
      value: numberAt(point, 'asDouble') ?? numberAt(point, 'asInt') ?? 0,
      count: 0,
      buckets: new Map(),
    };
  const buckets = field === 'histogram' ? explicitBuckets(point) : exponentialBuckets(point);
  return { value: numberAt(point, 'sum') ?? 0, count: numberAt(point, 'count') ?? 0, buckets };
}

function explicitBuckets(point: Fields): Map<number, number> {
  const buckets = new Map<number, number>();
  numbersAt(point, 'bucketCounts').forEach((count, index) => {
    if (count > 0) buckets.set(index, count);
  });
  return buckets;
}

/** As buckets of the store, by the middle of each. */
function exponentialBuckets(point: Fields): Map<number, number> {
  const buckets = new Map<number, number>();
  const scale = numberAt(point, 'scale') ?? 0;
  const positive = objectAt(point, 'positive');
  const offset = numberAt(positive, 'offset') ?? 0;
  const add = (bucket: number, count: number): void => {
    if (count > 0) buckets.set(bucket, (buckets.get(bucket) ?? 0) + count);
  };
  add(0, numberAt(point, 'zeroCount') ?? 0);
  numbersAt(positive, 'bucketCounts').forEach((count, index) => {
    add(valueBucket(2 ** ((offset + index + 0.5) / 2 ** scale)), count);
  });
  return buckets;
}

function boundariesOf(point: Fields): number[] {
  return numbersAt(point, 'explicitBounds').filter(Number.isFinite);
}

function numbersAt(parent: Fields, name: string): number[] {
  const list = parent[name];
  return Array.isArray(list) ? list.map(Number) : [];
}

function readExemplar(exemplar: Fields): StoredExemplar | undefined {
  const traceId = idAt(exemplar, 'traceId', 32);
  const spanId = idAt(exemplar, 'spanId', 16);
  const value = numberAt(exemplar, 'asDouble') ?? numberAt(exemplar, 'asInt');
  const time = microsecondsAt(exemplar, 'timeUnixNano');
  if (traceId === undefined || spanId === undefined || value === undefined || time === undefined)
    return undefined;
  return { traceId, spanId, value, time: time / 1_000 };
}

/** Equal attributes give equal texts. */
function sortedText(attributes: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1))));
}
