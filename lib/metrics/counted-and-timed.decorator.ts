import {
  decorateMethodOrClass,
  type MethodOrClassDecorator,
} from '../invocation/decorate-method-or-class.js';
import {
  DEFAULT_CALLS_NAME,
  DEFAULT_DURATION_NAME,
  type NameOrCallMetricOptions,
  readCallMetricOptions,
  recordCalls,
} from './call-recorder.js';

/**
 * Counts the calls of a method, or of every method of a class, when their work is over: promises,
 * Observables, generators and streams included. Label `outcome`: `success`, `refused` (an
 * `HttpException` below 500), `error` or `cancelled`.
 *
 * `@Counted('orders_processed_total')` has its own counter; `@Counted()` counts into
 * `method.calls`. On a class, methods that have their own `@Counted` are left out. Two with
 * different names on one method both count.
 *
 * @throws TelemetryError `TELEMETRY_INVALID_INSTRUMENT`, `TELEMETRY_INVALID_DECORATOR`
 */
export function Counted(nameOrOptions?: NameOrCallMetricOptions): MethodOrClassDecorator {
  return decorate('counted', '@Counted()', DEFAULT_CALLS_NAME, nameOrOptions);
}

/**
 * Records how long a method, or every method of a class, works, in seconds, from the call until its
 * promise settles, its Observable completes, its generator or stream ends. Label `outcome`:
 * `success`, `refused` (an `HttpException` below 500), `error` or `cancelled`.
 *
 * `@Timed('order_duration')` has its own histogram; `@Timed()` records into `method.duration`.
 * On a class, methods that have their own `@Timed` are left out. Two with different names on one
 * method both record.
 *
 * @throws TelemetryError `TELEMETRY_INVALID_INSTRUMENT`, `TELEMETRY_INVALID_DECORATOR`
 */
export function Timed(nameOrOptions?: NameOrCallMetricOptions): MethodOrClassDecorator {
  return decorate('timed', '@Timed()', DEFAULT_DURATION_NAME, nameOrOptions);
}

function decorate(
  metric: 'counted' | 'timed',
  name: string,
  defaultName: string,
  nameOrOptions: NameOrCallMetricOptions | undefined,
): MethodOrClassDecorator {
  const options = readCallMetricOptions(nameOrOptions);
  return decorateMethodOrClass({
    name,
    marker: Symbol.for(`nestjs-telemetry.${metric}:${options.name ?? defaultName}`),
    kind: Symbol.for(`nestjs-telemetry.${metric}`),
    wrap: (original, site) => recordCalls(original, site, { [metric]: options }),
  });
}
