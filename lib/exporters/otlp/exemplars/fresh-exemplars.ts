import { type HrTime } from '@opentelemetry/api';
import { type ResourceMetrics } from '@opentelemetry/sdk-metrics';

import { type Exemplar, exemplarsOf } from '../../../recording/exemplars.js';

/** What a data point gets, in the order of the data points of a collection; most get nothing. */
export type ExemplarsByPoint = readonly (readonly Exemplar[])[];

/** Gives each exemplar to one collection: the one of the interval it was measured in. */
export class FreshExemplars {
  private until = 0;

  /** Undefined when no data point has any. */
  of({ scopeMetrics }: ResourceMetrics): ExemplarsByPoint | undefined {
    const since = this.until;
    const points = scopeMetrics
      .flatMap(({ metrics }) => metrics)
      .flatMap(({ descriptor, dataPoints }) =>
        dataPoints.map(({ attributes, endTime }) => {
          const until = toMilliseconds(endTime);
          this.until = Math.max(this.until, until);
          return exemplarsOf(descriptor, attributes).filter(
            (exemplar): exemplar is Exemplar =>
              exemplar !== undefined && exemplar.time > since && exemplar.time <= until,
          );
        }),
      );
    return points.some(({ length }) => length > 0) ? points : undefined;
  }
}

function toMilliseconds([seconds, nanos]: HrTime): number {
  return seconds * 1_000 + nanos / 1_000_000;
}
