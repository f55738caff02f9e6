import type { Attributes, Counter, Histogram } from '@opentelemetry/api';

import {
  ATTR_CODE_FUNCTION_NAME,
  DURATION_BUCKETS_SECONDS,
} from '../config/semantic-conventions.constants.js';
import { areLabels, toLabels } from '../engine/attribute-value.js';
import { dropPromise, readSafely, textOf } from '../engine/copy-bounded.js';
import { warnOnce } from '../errors/warnings.js';
import type { DecorationSite } from '../invocation/decorate-method-or-class.js';
import { isFailure } from '../invocation/is-failure.js';
import type { ResultObserver } from '../invocation/settlement.js';
import { assertInstrumentName, counter, histogram } from './instruments.js';

/** What `@Counted()` and `@Timed()` can be told. */
export interface CallMetricOptions {
  /**
   * Name of the instrument. Default: `method.calls` and `method.duration`, shared by all methods, which the label
   * `code.function.name` (`OrderService.process`) then tells apart.
   */
  readonly name?: string;
  /** What the instrument measures, for whoever reads `/metrics`. Default: a general sentence. */
  readonly description?: string;
  /** Labels besides `outcome`: an object, or a function of the arguments. Default: none. Keep their values few. */
  readonly attributes?: Attributes | ((...args: never[]) => Attributes);
  /** Upper bounds of the buckets of a timer, in seconds. Default: 0.005 to 10, as the conventions advise. */
  readonly buckets?: readonly number[];
}

/** A name alone, or the options. */
export type NameOrCallMetricOptions = string | CallMetricOptions;

export function readCallMetricOptions(nameOrOptions: NameOrCallMetricOptions = {}): CallMetricOptions {
  if (typeof nameOrOptions === 'string') return { name: nameOrOptions };
  // JavaScript may pass anything.
  return typeof nameOrOptions === 'object' && (nameOrOptions as unknown) !== null ? nameOrOptions : {};
}

const MAX_BUCKETS = 1_000;

export const DEFAULT_CALLS_NAME = 'method.calls';
export const DEFAULT_DURATION_NAME = 'method.duration';

/**
 * How a call ended, as the label `outcome` says it; `refused` is an answer the caller asked for: an `HttpException` with a
 * status below 500, which is no error of a span either.
 */
type CallOutcome = 'success' | 'refused' | 'error' | 'cancelled';

/** Tells how a call ended; only the first telling counts, as the follower of results guarantees. */
type FinishCall = (outcome: CallOutcome) => void;

/** Counts and times the calls of one method. */
interface CallRecorder {
  /** Begins a call; what it returns records it. `self` and `args` are those of the call. */
  start(self: unknown, args: readonly unknown[]): FinishCall;
}

/** Which of the two a recorder does; at least one. */
interface CallRecorderParts {
  readonly counted?: CallMetricOptions;
  readonly timed?: CallMetricOptions;
}

/**
 * Returns what counts (`counted`) and times (`timed`, in seconds) the calls of a method; `@Counted`, `@Timed` and
 * `@Observed` are made of it. The scope of the instruments is the name of the class.
 *
 * @throws TelemetryError `TELEMETRY_INVALID_INSTRUMENT` for a name that OpenTelemetry does not allow
 */
export function createCallRecorder(site: DecorationSite, parts: CallRecorderParts): CallRecorder {
  const recorders: MetricRecorder[] = [];
  if (parts.counted !== undefined) recorders.push(countCalls(parts.counted));
  if (parts.timed !== undefined) recorders.push(timeCalls(parts.timed));
  return {
    start(self, args) {
      const className = site.className(self);
      const labels = recorders.map(({ options }) => attributesOf(options, site, className, args));
      const startedAt = performance.now();
      return (outcome) => {
        const seconds = (performance.now() - startedAt) / 1000;
        recorders.forEach(({ record }, index) => {
          record(className, seconds, { ...labels[index], outcome });
        });
      };
    },
  };
}

/** An observer that records one call, and each further subscription to its Observable as a call of its own. */
export function observeCall(recorder: CallRecorder, self: unknown, args: readonly unknown[]): ResultObserver {
  const finish = startSafely(recorder, self, args);
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
    onResubscribe: () => observeCall(recorder, self, args),
  };
}

/** The method must run, whatever its arguments do to whoever looks at them. */
function startSafely(recorder: CallRecorder, self: unknown, args: readonly unknown[]): FinishCall {
  try {
    return recorder.start(self, args);
  } catch (error) {
    warnOnce('metrics:call', `A call is not measured: ${textOf(error)}`);
    return () => undefined;
  }
}

interface MetricRecorder {
  readonly options: CallMetricOptions;
  readonly record: (scope: string, seconds: number, attributes: Attributes) => void;
}

function countCalls(options: CallMetricOptions): MetricRecorder {
  const { name = DEFAULT_CALLS_NAME, description = 'Calls of a method, by how they ended' } = options;
  assertInstrumentName(name);
  let instrument: Counter | undefined;
  return {
    options,
    record(scope, _seconds, attributes) {
      instrument ??= counter(scope, name, { description, unit: '{call}' });
      instrument.add(1, attributes);
    },
  };
}

function timeCalls(options: CallMetricOptions): MetricRecorder {
  const { name = DEFAULT_DURATION_NAME, description = 'Duration of the calls of a method' } = options;
  assertInstrumentName(name);
  const advice = {
    explicitBucketBoundaries: [...bucketsOf(options)],
  };
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
  // A name of the method's own says which method it is; one shared by several needs a label for it.
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
