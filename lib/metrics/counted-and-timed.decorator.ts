import {
  decorateMethodOrClass,
  type MethodOrClassDecorator,
} from '../invocation/decorate-method-or-class.js';
import { followResult, followThrow } from '../invocation/follow-result.js';
import {
  createCallRecorder,
  DEFAULT_CALLS_NAME,
  DEFAULT_DURATION_NAME,
  type NameOrCallMetricOptions,
  observeCall,
  readCallMetricOptions,
} from './call-recorder.js';
import { assertInstrumentName } from './instruments.js';

const COUNTED = Symbol.for('nestjs-telemetry.counted');

/**
 * Counts the calls of a method, or of every method of a class, when their work is over: promises, Observables,
 * generators and streams included. Label `outcome`: `success`, `refused` (an `HttpException` below 500), `error` or `cancelled`.
 *
 * `@Counted('orders_processed_total')` has a counter of its own; `@Counted()` counts into `method.calls`. A method that
 * has its own `@Counted` is left alone by the one on its class. Two with different names on one method both count.
 *
 * @throws TelemetryError `TELEMETRY_INVALID_INSTRUMENT`, `TELEMETRY_INVALID_DECORATOR`
 */
export function Counted(nameOrOptions?: NameOrCallMetricOptions): MethodOrClassDecorator {
  const options = readCallMetricOptions(nameOrOptions);
  const { name = DEFAULT_CALLS_NAME } = options;
  assertInstrumentName(name);
  return decorateMethodOrClass({
    name: '@Counted()',
    marker: Symbol.for(`nestjs-telemetry.counted:${name}`),
    kind: COUNTED,
    wrap(original, site) {
      const recorder = createCallRecorder(site, { counted: options });
      return function (this: unknown, ...args) {
        const observer = observeCall(recorder, this, args);
        let result: unknown;
        try {
          result = original.apply(this, args);
        } catch (error) {
          throw followThrow(error, observer);
        }
        return followResult(result, observer);
      };
    },
  });
}

const TIMED = Symbol.for('nestjs-telemetry.timed');

/**
 * Records how long a method, or every method of a class, works, in seconds, from the call until its promise settles,
 * its Observable completes, its generator or stream ends. Label `outcome`: `success`, `refused` (an `HttpException` below 500), `error` or `cancelled`.
 *
 * `@Timed('order_duration')` has a histogram of its own; `@Timed()` records into `method.duration`. A method that has
 * its own `@Timed` is left alone by the one on its class. Two with different names on one method both record.
 *
 * @throws TelemetryError `TELEMETRY_INVALID_INSTRUMENT`, `TELEMETRY_INVALID_DECORATOR`
 */
export function Timed(nameOrOptions?: NameOrCallMetricOptions): MethodOrClassDecorator {
  const options = readCallMetricOptions(nameOrOptions);
  const { name = DEFAULT_DURATION_NAME } = options;
  assertInstrumentName(name);
  return decorateMethodOrClass({
    name: '@Timed()',
    marker: Symbol.for(`nestjs-telemetry.timed:${name}`),
    kind: TIMED,
    wrap(original, site) {
      const recorder = createCallRecorder(site, { timed: options });
      return function (this: unknown, ...args) {
        const observer = observeCall(recorder, this, args);
        let result: unknown;
        try {
          result = original.apply(this, args);
        } catch (error) {
          throw followThrow(error, observer);
        }
        return followResult(result, observer);
      };
    },
  });
}
