import {
  type Attributes,
  type BatchObservableCallback,
  type BatchObservableResult,
  type Context,
  createNoopMeter,
  type Meter,
  type MetricOptions,
  type Observable,
  type ObservableCallback,
  type ObservableResult,
  ValueType,
} from '@opentelemetry/api';

import { areLabels, toLabels } from '../../engine/attribute-value.js';
import { readSafely, textOf } from '../../engine/copy-bounded.js';
import { scopeText } from '../../engine/recording-tracer-provider.js';
import { isContext } from '../../engine/start-active.js';
import { warnOnce } from '../../errors/warnings.js';
import { plainScope } from './guard-parts.js';
import { createOverlay } from './overlay.js';

type Measure = (this: object, value: number, attributes?: Attributes, context?: Context) => void;

interface Instrument {
  add?: Measure;
  record?: Measure;
}

/**
 * Makes all instruments of this provider take any value: no measurement throws, and no label makes
 * a series that cannot be exported. The service, the decorators and the OpenTelemetry API use it.
 */
export function guardMeterProvider(provider: {
  getMeter(name: string, version?: string, options?: { schemaUrl?: string }): Meter;
}): void {
  const getMeter = provider.getMeter.bind(provider);
  provider.getMeter = (name, version, options) => guardMeter(getMeter(...plainScope(name, version, options)));
}

const CREATORS = [
  'createCounter',
  'createUpDownCounter',
  'createHistogram',
  'createGauge',
  'createObservableCounter',
  'createObservableUpDownCounter',
  'createObservableGauge',
] as const;

type Creator = (this: Meter, name: string, options?: MetricOptions) => object;

const guardMeter = createOverlay<Meter>((base) => {
  const methods: Partial<Record<(typeof CREATORS)[number], Creator>> = {};
  for (const creator of CREATORS) {
    // Called with its own `this` below.
    const create = Reflect.get(base, creator) as Creator;
    methods[creator] = function (name, options) {
      if (typeof name === 'string' && name !== '')
        return guardInstrument(create.call(this, name, plainOptions(options)));
      warnOnce(
        'metrics:name',
        `An instrument was asked for with ${textOf(name, 100)} as name: what is recorded on it is dropped.`,
      );
      return (createNoopMeter()[creator] as Creator)('unnamed');
    };
  }
  return {
    ...(methods as Partial<Meter>), // the same signatures, generic in the kind of instrument
    addBatchObservableCallback(callback, observables) {
      if (typeof callback === 'function' && isList(observables))
        base.addBatchObservableCallback.call(this, guardCallback(callback), observables);
    },
    removeBatchObservableCallback(callback, observables) {
      if (typeof callback === 'function' && isList(observables))
        base.removeBatchObservableCallback.call(this, guardCallback(callback), observables);
    },
  };
});

function guardInstrument(instrument: object): object {
  return 'addCallback' in instrument ? guardObservable(instrument as Observable) : guardMeasuring(instrument);
}

const guardMeasuring = createOverlay<Instrument>((base) => ({
  ...(base.add !== undefined && { add: guardMeasure(base.add) }),
  ...(base.record !== undefined && { record: guardMeasure(base.record) }),
}));

const guardObservable = createOverlay<Observable>((base) => ({
  addCallback(callback) {
    if (typeof callback === 'function') base.addCallback.call(this, guardCallback(callback));
  },
  removeCallback(callback) {
    if (typeof callback === 'function') base.removeCallback.call(this, guardCallback(callback));
  },
}));

function guardMeasure(measure: Measure): Measure {
  return function (value, attributes, context) {
    try {
      if (isMeasurement(value) && isPlain(attributes) && (context === undefined || isContext(context)))
        measure.call(this, value, attributes, context);
      else measureAnything(measure, this, [value, attributes, context]);
    } catch (error) {
      // A view or an exemplar failed; trying again might count twice.
      warnOnce('metrics:measure', `A measurement of ${ownerOf(this)} is lost: ${textOf(error)}`);
    }
  };
}

function measureAnything(
  measure: Measure,
  instrument: object,
  [value, attributes, context]: unknown[],
): void {
  const owner = ownerOf(instrument);
  const number = toMeasurement(value, owner);
  if (number === undefined) return;
  measure.call(instrument, number, toLabels(attributes, owner), isContext(context) ? context : undefined);
}

/** Whether it is finite: one NaN would stay in a sum for ever, and JSON has no Infinity. */
function isMeasurement(value: unknown): value is number {
  return typeof value === 'number' && value - value === 0;
}

function toMeasurement(value: unknown, owner: string): number | undefined {
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (isMeasurement(number)) return number;
  warnOnce(
    `metrics:value:${owner}`,
    `${textOf(value, 100)} was measured with ${owner} and is left out: a measurement is a finite number.`,
  );
  return undefined;
}

function isPlain(attributes: unknown): attributes is Attributes | undefined {
  if (attributes === undefined) return true;
  return typeof attributes === 'object' && attributes !== null && areLabels(attributes);
}

/** `instrument "orders"`. */
function ownerOf(instrument: unknown): string {
  const name = readSafely(
    () => (instrument as { readonly _descriptor?: { readonly name?: unknown } })._descriptor?.name,
  );
  return typeof name === 'string' ? `instrument "${name}"` : 'an instrument';
}

type Callback = ObservableCallback | BatchObservableCallback;

const guardedCallbacks = new WeakMap<Callback, Callback>();

/** The same function for the same callback, so that it can be removed. */
function guardCallback<C extends Callback>(callback: C): C {
  const known = guardedCallbacks.get(callback);
  if (known !== undefined) return known as C; // made of this callback, see below
  const ask = callback as (result: unknown) => unknown;
  const guarded = (result: ObservableResult | BatchObservableResult): void | Promise<void> => {
    try {
      const answer = ask(isSingle(result) ? guardResult(result) : guardBatchResult(result));
      if (typeof answer !== 'object' || answer === null) return;
      return Promise.resolve(answer).then(() => undefined, warnCallback);
    } catch (error) {
      warnCallback(error);
    }
  };
  const same = guarded as C; // it takes the results of both kinds of callbacks
  guardedCallbacks.set(callback, same);
  return same;
}

/** The SDK knows the one instrument of such a result; a batch names it. */
function isSingle(result: ObservableResult | BatchObservableResult): result is ObservableResult {
  return '_instrumentName' in result;
}

function warnCallback(error: unknown): void {
  warnOnce('metrics:api-callback', `The callback of an observable instrument failed: ${textOf(error)}`);
}

const guardResult = createOverlay<ObservableResult>((base) => ({
  observe(value, attributes) {
    const owner = 'an observable instrument';
    const number = toMeasurement(value, owner);
    if (number !== undefined)
      base.observe.call(this, number, isPlain(attributes) ? attributes : toLabels(attributes, owner));
  },
}));

const guardBatchResult = createOverlay<BatchObservableResult>((base) => ({
  observe(metric, value, attributes) {
    const owner = ownerOf(metric);
    const number = toMeasurement(value, owner);
    if (number !== undefined)
      base.observe.call(this, metric, number, isPlain(attributes) ? attributes : toLabels(attributes, owner));
  },
}));

/** Options that an exporter can write: texts are texts, and bounds of buckets are numbers. */
function plainOptions(options: unknown): MetricOptions | undefined {
  if (options === undefined) return undefined;
  const read = (key: string): unknown =>
    readSafely(() => (options as Readonly<Record<string, unknown>> | null)?.[key]);
  const description = scopeText(read('description') ?? undefined);
  const unit = scopeText(read('unit') ?? undefined);
  const valueType = read('valueType');
  const boundaries = readBoundaries(read('advice'));
  return {
    ...(description !== undefined && { description }),
    ...(unit !== undefined && { unit }),
    ...((valueType === ValueType.INT || valueType === ValueType.DOUBLE) && { valueType }),
    ...(boundaries !== undefined && { advice: { explicitBucketBoundaries: boundaries } }),
  };
}

function readBoundaries(advice: unknown): number[] | undefined {
  if (advice === undefined) return undefined;
  const given = readSafely(() => {
    const { explicitBucketBoundaries: bounds } = advice as { readonly explicitBucketBoundaries?: unknown };
    return Array.isArray(bounds) && bounds.length <= MAX_BUCKETS ? [...(bounds as unknown[])] : undefined;
  });
  return Array.isArray(given) && given.every((bound) => typeof bound === 'number' && !Number.isNaN(bound))
    ? (given as number[])
    : undefined;
}

const MAX_BUCKETS = 1_000;

function isList(observables: unknown): observables is Observable[] {
  return readSafely(() => Array.isArray(observables) && observables.length >= 0) === true;
}
