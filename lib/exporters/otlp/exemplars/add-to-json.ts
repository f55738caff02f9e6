import { type Exemplar } from '../../../recording/exemplars.js';
import { type ExemplarsByPoint } from './fresh-exemplars.js';

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

/**
 * Puts exemplars into OTLP's JSON of metrics; gives it as it was when it has other data points than
 * there are entries.
 */
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
