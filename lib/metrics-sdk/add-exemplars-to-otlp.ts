import type { HrTime } from '@opentelemetry/api';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';

import { ByteWriter } from '../engine/encoding/byte-writer.js';
import {
  encodeEpochMilliseconds,
  encodeSpanIdText,
  encodeTraceIdText,
} from '../engine/encoding/encode-ids-and-times.js';
import { type Exemplar, exemplarsOf } from './exemplars.js';

/** The exemplars of each data point of a collection, in its order; most have none. */
type ExemplarsByPoint = readonly (readonly Exemplar[])[];

/** Returns each exemplar in one collection: that of the interval it was measured in. */
export class UnsentExemplars {
  private until = 0;

  /** Takes note of a collection. Returns what gives the exemplars of any part of it: undefined for one without. */
  collect({ scopeMetrics }: ResourceMetrics): (part: ResourceMetrics) => ExemplarsByPoint | undefined {
    const since = this.until;
    for (const { metrics } of scopeMetrics)
      for (const { dataPoints } of metrics)
        for (const { endTime } of dataPoints) this.until = Math.max(this.until, toMilliseconds(endTime));
    return (part) => {
      const points = part.scopeMetrics
        .flatMap(({ metrics }) => metrics)
        .flatMap(({ descriptor, dataPoints }) =>
          dataPoints.map(({ attributes, endTime }) => {
            const until = toMilliseconds(endTime);
            return exemplarsOf(descriptor, attributes).filter(
              (exemplar): exemplar is Exemplar =>
                exemplar !== undefined && exemplar.time > since && exemplar.time <= until,
            );
          }),
        );
      return points.some(({ length }) => length > 0) ? points : undefined;
    };
  }
}

function toMilliseconds([seconds, nanos]: HrTime): number {
  return seconds * 1_000 + nanos / 1_000_000;
}

interface Points {
  readonly dataPoints: (object & { exemplars?: object[] })[];
}

/** What is used of an `ExportMetricsServiceRequest`. */
interface MetricsRequest {
  readonly resourceMetrics: readonly {
    readonly scopeMetrics: readonly {
      readonly metrics: readonly Readonly<
        Partial<Record<'gauge' | 'sum' | 'histogram' | 'exponentialHistogram', Points>>
      >[];
    }[];
  }[];
}

/** Adds exemplars to OTLP's JSON; returns it unchanged if the number of data points differs. */
export function addToJson(request: Uint8Array, exemplars: ExemplarsByPoint): Uint8Array {
  const parsed = JSON.parse(new TextDecoder().decode(request)) as MetricsRequest;
  const points = parsed.resourceMetrics
    .flatMap(({ scopeMetrics }) => scopeMetrics)
    .flatMap(({ metrics }) => metrics)
    .flatMap(({ gauge, sum, histogram, exponentialHistogram }) =>
      [gauge, sum, histogram, exponentialHistogram].flatMap((data) => data?.dataPoints ?? []),
    );
  if (points.length !== exemplars.length) return request;
  for (const [index, ofPoint] of exemplars.entries()) {
    const point = points[index];
    if (point !== undefined && ofPoint.length > 0) point.exemplars = ofPoint.map(toJson);
  }
  return new TextEncoder().encode(JSON.stringify(parsed));
}

function toJson({ time, value, spanId, traceId }: Exemplar): object {
  return { timeUnixNano: `${Math.round(time * 1_000)}000`, asDouble: value, spanId, traceId };
}

/** Wire types of protobuf. */
const VARINT = 0;
const FIXED_64 = 1;
const DELIMITED = 2;

/** Numbers of the fields that lead from a request to its data points. */
const PATH: readonly (readonly number[])[] = [
  [1], // ExportMetricsServiceRequest.resource_metrics
  [2], // ResourceMetrics.scope_metrics
  [2], // ScopeMetrics.metrics
  [5, 7, 9, 10], // Metric.gauge, .sum, .histogram and .exponential_histogram
  [1], // their data_points
];
/** The level of that path at which the kind of a metric is known. */
const METRIC = 3;

/** The tag of `exemplars` in a data point, by the number of the field that it is below. */
const EXEMPLARS: Readonly<Record<number, number>> = { 5: 0x2a, 7: 0x2a, 9: 0x42, 10: 0x5a };

/** `Exemplar` of opentelemetry/proto/metrics/v1/metrics.proto. */
const TAG = { time: 0x11, value: 0x19, spanId: 0x22, traceId: 0x2a } as const;

const LENGTH_BYTES = 2;

/**
 * Adds exemplars to an encoded `ExportMetricsServiceRequest`; every other byte stays. Returns it
 * unchanged if the number of data points differs.
 */
export function addToProtobuf(request: Uint8Array, exemplars: ExemplarsByPoint): Uint8Array {
  const copy = new ExemplarCopy(request, exemplars);
  copy.message(0, 0, request.length);
  return copy.isComplete ? copy.written : request;
}

class ExemplarCopy {
  private readonly writer = new ByteWriter();
  private at = 0;
  private points = 0;

  constructor(
    private readonly source: Uint8Array,
    private readonly exemplars: ExemplarsByPoint,
  ) {}

  get isComplete(): boolean {
    return this.points === this.exemplars.length;
  }

  get written(): Uint8Array {
    return this.writer.view();
  }

  /** Copies the fields of a message up to `end`; `kind` is the field of a metric above it. */
  message(level: number, kind: number, end: number): void {
    const { writer, source } = this;
    while (this.at < end) {
      const start = this.at;
      const tag = this.varint();
      const [field, wireType] = [tag >>> 3, tag & 7];
      if (wireType !== DELIMITED || PATH[level]?.includes(field) !== true) {
        this.skip(wireType);
        writer.bytes(source.subarray(start, this.at));
        continue;
      }
      const length = this.varint();
      writer.varint(tag);
      const opened = writer.open(LENGTH_BYTES);
      this.message(level + 1, level === METRIC ? field : kind, this.at + length);
      writer.close(opened, LENGTH_BYTES);
    }
    if (level < PATH.length) return;
    for (const exemplar of this.exemplars[this.points] ?? []) this.append(EXEMPLARS[kind] ?? 0, exemplar);
    this.points += 1;
  }

  private append(tag: number, { time, value, spanId, traceId }: Exemplar): void {
    const { writer } = this;
    writer.byte(tag);
    const start = writer.open(1);
    writer.byte(TAG.time);
    encodeEpochMilliseconds(writer, time);
    writer.byte(TAG.value);
    writer.double(value);
    encodeSpanIdText(writer, TAG.spanId, spanId);
    encodeTraceIdText(writer, TAG.traceId, traceId);
    writer.close(start, 1);
  }

  private skip(wireType: number): void {
    if (wireType === VARINT) while ((this.source[this.at++] ?? 0) >= 0x80);
    else if (wireType === DELIMITED) {
      const length = this.varint();
      this.at += length;
    } else this.at += wireType === FIXED_64 ? 8 : 4;
  }

  /** Of tags and lengths, which fit into 32 bits. */
  private varint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.source[this.at++] ?? 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }
}
