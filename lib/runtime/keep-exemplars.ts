import { context as contextApi, trace } from '@opentelemetry/api';

import { offerExemplar } from '../recording/exemplars.js';
import { findMetricsSdkInternals, type MeasurementStorage } from './metrics-sdk-internals.js';

const KEEPING = Symbol.for('nestjs-telemetry.keeps-exemplars');

let keeping = false;

/**
 * Lets histograms and counters keep, per series and bucket, the newest measurement that was made inside a sampled span:
 * `exemplarsOf()` gives them. OpenTelemetry's SDK for JavaScript has no exemplars. Every instrument takes part, also those of
 * other libraries, because all of them end in the same storage; a measurement outside a span costs one look at the context.
 *
 * @param wanted false stops keeping any, from here on
 * @returns whether the SDK is built as this expects; otherwise nothing is changed
 */
export function keepExemplars(wanted: boolean): boolean {
  keeping = wanted;
  if (!wanted) return true;
  const prototype = findMetricsSdkInternals()?.storage;
  if (prototype === undefined) return false;
  if (Object.hasOwn(prototype, KEEPING)) return true;
  const methods: Partial<MeasurementStorage> & ThisType<MeasurementStorage> = {
    record(value, attributes, given, time) {
      const delta = this._deltaMetricStorage;
      const context = given ?? contextApi.active();
      // What a view leaves of the attributes is what the series is known by.
      const kept = this._attributesProcessor?.process(attributes, context) ?? attributes;
      const limited = delta.record(value, kept, time);
      if (!keeping) return;
      const { _aggregator: aggregator } = delta;
      const descriptor = this._instrumentDescriptor;
      if (aggregator._boundaries === undefined && descriptor.type !== 'COUNTER') return;
      const span = trace.getSpan(context);
      if (span === undefined || Number.isNaN(value)) return;
      const bucket = bucketOf(value, aggregator._boundaries);
      offerExemplar(descriptor, limited ?? kept, bucket, value, time, span, limited !== undefined);
    },
  };
  Object.assign(prototype, methods, { [KEEPING]: true });
  return true;
}

/** The bucket whose upper boundary, which belongs to it, is the first that is not below the value. */
function bucketOf(value: number, boundaries: readonly number[] = []): number {
  let low = 0;
  let high = boundaries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((boundaries[middle] ?? Infinity) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
