import {
  decorateMethodOrClass,
  type MethodOrClassDecorator,
} from '../invocation/decorate-method-or-class.js';
import {
  type NameOrCallMetricOptions,
  readCallMetricOptions,
  recordCalls,
} from '../metrics/call-recorder.js';
import { processSymbol } from '../process/process-wide.js';
import {
  readTraceOptions,
  TRACED_METHOD,
  type TraceOptions,
  wrapInSpan,
} from '../tracing/trace.decorator.js';

/** Options of `@Observed()`: those of the span, and names or options of its two metrics. */
export interface ObservedOptions extends TraceOptions {
  /** The counter. Default `method.calls`, labelled with the method. */
  counted?: NameOrCallMetricOptions;
  /** The histogram, in seconds. Default `method.duration`, labelled with the method. */
  timed?: NameOrCallMetricOptions;
}

const OBSERVED = processSymbol('observed');

/**
 * A span, a timer and a counter around each call of a method, or of each method of a class:
 * `@Trace()`, `@Timed()` and `@Counted()` together, measured once. Label `outcome`: `success`,
 * `refused` (an `HttpException` below 500), `error` or `cancelled`.
 *
 * @example
 * @Observed({ counted: 'orders_processed_total' })
 * async process(order: Order) {}
 *
 * @throws TelemetryError `TELEMETRY_INVALID_DECORATOR`, `TELEMETRY_INVALID_INSTRUMENT`
 */
export function Observed(nameOrOptions: string | ObservedOptions = {}): MethodOrClassDecorator {
  const options: ObservedOptions = readTraceOptions(nameOrOptions);
  const counted = readCallMetricOptions(options.counted);
  const timed = readCallMetricOptions(options.timed);
  return decorateMethodOrClass({
    name: '@Observed()',
    marker: OBSERVED,
    kind: TRACED_METHOD,
    // Recorded inside the span, so that the measurement belongs to it.
    wrap: (original, site) => wrapInSpan(recordCalls(original, site, { counted, timed }), site, options),
  });
}
