import { type TextMapPropagator } from '@opentelemetry/api';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { B3InjectEncoding, B3Propagator } from '@opentelemetry/propagator-b3';

import { type PropagatorName } from '../config/propagation.js';

const BY_NAME: Record<PropagatorName, () => TextMapPropagator> = {
  tracecontext: () => new W3CTraceContextPropagator(),
  baggage: () => new W3CBaggagePropagator(),
  b3: () => new B3Propagator({ injectEncoding: B3InjectEncoding.SINGLE_HEADER }),
  b3multi: () => new B3Propagator({ injectEncoding: B3InjectEncoding.MULTI_HEADER }),
};

/** Combines the configured propagators into the one the process uses. */
export function createPropagator(
  propagators: readonly (PropagatorName | TextMapPropagator)[],
): TextMapPropagator {
  return new CompositePropagator({
    propagators: propagators.map((propagator) =>
      typeof propagator === 'string' ? BY_NAME[propagator]() : propagator,
    ),
  });
}
