import {
  AggregationTemporality,
  type AggregationTemporalitySelector,
  InstrumentType,
} from '@opentelemetry/sdk-metrics';

import { warnOnce } from '../../errors/warnings.js';

const VARIABLE = 'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE';

const ALWAYS_CUMULATIVE: ReadonlySet<InstrumentType> = new Set([
  InstrumentType.UP_DOWN_COUNTER,
  InstrumentType.OBSERVABLE_UP_DOWN_COUNTER,
]);
const DELTA_IN_LOW_MEMORY: ReadonlySet<InstrumentType> = new Set([
  InstrumentType.COUNTER,
  InstrumentType.HISTOGRAM,
]);

/**
 * Whether OTLP metrics are sent as running totals or as what was added since the last export, by instrument.
 * Default cumulative. Env `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` (`cumulative`, `delta`, `lowmemory`).
 */
export function readTemporalityPreference(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): AggregationTemporalitySelector {
  const preference = environment[VARIABLE]?.trim().toLowerCase() ?? '';
  switch (preference) {
    case 'delta':
      return (type) => temporality(!ALWAYS_CUMULATIVE.has(type));
    case 'lowmemory':
      return (type) => temporality(DELTA_IN_LOW_MEMORY.has(type));
    case '':
    case 'cumulative':
      return () => AggregationTemporality.CUMULATIVE;
    default:
      warnOnce(
        `env:${VARIABLE}`,
        `${VARIABLE} is "${preference}", which is none of cumulative, delta and lowmemory; cumulative is used.`,
      );
      return () => AggregationTemporality.CUMULATIVE;
  }
}

function temporality(delta: boolean): AggregationTemporality {
  return delta ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE;
}
