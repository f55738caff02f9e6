import type { Attributes, Counter, Histogram } from '@opentelemetry/api';

import {
  ATTR_CODE_FUNCTION_NAME,
  DURATION_BUCKETS_SECONDS,
} from '../config/semantic-conventions.constants.js';
import { areLabels, toLabels } from '../engine/attribute-value.js';
import { dropPromise, readSafely, textOf } from '../engine/copy-bounded.js';
import { warnOnce } from '../errors/warnings.js';
import type { DecorationSite } from '../invocation/decorate-method-or-class.js';
import { followResult, followThrow } from '../invocation/follow-result.js';
import { isFailure } from '../invocation/is-failure.js';
import type { ResultObserver } from '../invocation/settlement.js';
import type { AnyMethod } from '../invocation/wrap-method.js';
import { assertInstrumentName, counter, histogram } from './instruments.js';

/** Options of `@Counted()` and `@Timed()`. */
export interface CallMetricOptions {
  /**
   * Name of the instrument. Default: `method.calls` and `method.duration`, shared by all methods,
   * with the label `code.function.name` (`OrderService.process`).
   */
  readonly name?: string;
  /** What the instrument measures, for readers of `/metrics`. Default: a general sentence. */
  readonly description?: string;
  /** Further labels, with few values: an object, or a function of the arguments. Default none. */
  readonly attributes?: Attributes | ((...args: never[]) => Attributes);
  /** Upper bounds of the buckets of `@Timed()`, in seconds. Default: 0.005 to 10. */
  readonly buckets?: readonly number[];
}

/** A name alone, or the options. */
export type NameOrCallMetricOptions = string | CallMetricOptions;

/** @throws TelemetryError `TELEMETRY_INVALID_INSTRUMENT` */
export function readCallMetricOptions(nameOrOptions: NameOrCallMetricOptions = {}): CallMetricOptions {
  // JavaScript may pass anything.
  const isObject = typeof nameOrOptions === 'object' && (nameOrOptions as unknown) !== null;
  const options = typeof nameOrOptions === 'string' ? { name: nameOrOptions } : isObject ? nameOrOptions : {};
  if (options.name !== undefined) assertInstrumentName(options.name);
  return options;
}

const MAX_BUCKETS = 1_000;

export const DEFAULT_CALLS_NAME = 'method.calls';
export const DEFAULT_DURATION_NAME = 'method.duration';

/**
 * How a call ended, the label `outcome`. `refused` is an answer that the caller asked for: an
 * `HttpException` with a status below 500, which is no error of a span either.
 */
type CallOutcome = 'success' | 'refused' | 'error' | 'cancelled';

/** Which metrics are recorded; at least one. */
interface CallMetrics {
  readonly counted?: CallMetricOptions;
  readonly timed?: CallMetricOptions;
}

/**
 * Wraps a method so that its calls are counted (`counted`) and timed (`timed`, in seconds). The
 * scope of the instruments is the name of the class.
 */
export function recordCalls(
  original: AnyMethod,
  site: DecorationSite,
  { counted, timed }: CallMetrics,
): AnyMethod {
  const metrics: CallMetric[] = [];
  if (counted !== undefined) metrics.push(countCalls(counted));
  if (timed !== undefined) metrics.push(timeCalls(timed));
  return function (this: unknown, ...args) {
    const observer = observeCall(metrics, site, this, args);
    let result: unknown;
    try {
      result = original.apply(this, args);
    } catch (error) {
      throw followThrow(error, observer);
    }
    return followResult(result, observer);
  };
}

/**
 * Records one call, and each further subscription to its Observable as its own call. The method
 * must run even if an argument throws when it is read.
 */
function observeCall(
  metrics: readonly CallMetric[],
  site: DecorationSite,
  self: unknown,
  args: readonly unknown[],
): ResultObserver {
  let finish: (outcome: CallOutcome) => void = () => undefined;
  try {
    const className = site.className(self);
    const labels = metrics.map(({ options }) => attributesOf(options, site, className, args));
    const startedAt = performance.now();
    finish = (outcome) => {
      const seconds = (performance.now() - startedAt) / 1000;
      metrics.forEach(({ record }, index) => {
        record(className, seconds, { ...labels[index], outcome });
      });
    };
  } catch (error) {
    warnOnce('metrics:call', `A call is not measured: ${textOf(error)}`);
  }
  return {
    onSuccess: () => {
      finish('success');
    },
    onError: (error) => {
      finish(isFailure(error) ? 'error' : 'refused');
    },
    onCancel: () => {
      finish('cancelled');
    },
    onResubscribe: () => observeCall(metrics, site, self, args),
  };
}

interface CallMetric {
  readonly options: CallMetricOptions;
  readonly record: (scope: string, seconds: number, attributes: Attributes) => void;
}

function countCalls(options: CallMetricOptions): CallMetric {
  const { name = DEFAULT_CALLS_NAME, description = 'Calls of a method, by how they ended' } = options;
  let instrument: Counter | undefined;
  return {
    options,
    record(scope, _seconds, attributes) {
      instrument ??= counter(scope, name, { description, unit: '{call}' });
      instrument.add(1, attributes);
    },
  };
}

function timeCalls(options: CallMetricOptions): CallMetric {
  const { name = DEFAULT_DURATION_NAME, description = 'Duration of the calls of a method' } = options;
  const advice = { explicitBucketBoundaries: [...bucketsOf(options)] };
  let instrument: Histogram | undefined;
  return {
    options,
    record(scope, seconds, attributes) {
      instrument ??= histogram(scope, name, { description, unit: 's', advice });
      instrument.record(seconds, attributes);
    },
  };
}

function bucketsOf({ buckets }: CallMetricOptions): readonly number[] {
  // JavaScript may pass anything, and the decorator stands on a class.
  const given = readSafely(() =>
    Array.isArray(buckets) && buckets.length <= MAX_BUCKETS ? [...(buckets as unknown[])] : undefined,
  );
  return Array.isArray(given) ? (given as readonly number[]) : DURATION_BUCKETS_SECONDS;
}

function attributesOf(
  { name, attributes }: CallMetricOptions,
  site: DecorationSite,
  className: string,
  args: readonly unknown[],
): Attributes {
  // An instrument that several methods share needs a label for the method.
  const shared = name === undefined || site.writtenOn === 'class';
  const base: Attributes = shared ? { [ATTR_CODE_FUNCTION_NAME]: `${className}.${site.methodName}` } : {};
  try {
    const made: unknown =
      typeof attributes === 'function'
        ? (attributes as (...values: readonly unknown[]) => unknown)(...args)
        : attributes;
    if (dropPromise(made)) throw new TypeError('it must not be async');
    if (made === undefined || made === null) return base;
    if (typeof made !== 'object' || !areLabels(made))
      return { ...base, ...toLabels(made, 'a metric of a method') };
    return { ...base, ...made };
  } catch (error) {
    warnOnce(
      `metrics:attributes:${className}.${site.methodName}`,
      `The attributes function of a metric of ${className}.${site.methodName} failed: ${textOf(error)}`,
    );
    return base;
  }
}
