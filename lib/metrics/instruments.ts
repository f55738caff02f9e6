import {
  type Counter,
  createNoopMeter,
  type Gauge,
  type Histogram,
  type Meter,
  type MetricOptions,
  type Observable,
  type UpDownCounter,
} from '@opentelemetry/api';

import { TelemetryError } from '../errors/telemetry.error.js';
import { warnOnce } from '../errors/warnings.js';
import {
  CounterHandle,
  type CreateInstrument,
  onMeterProviderChange,
  RecorderHandle,
} from './instrument-handles.js';
import { ObservableHandle, type ObserveCallback, type ObserveRegistration } from './observable-handle.js';

type Handle = CounterHandle | RecorderHandle | ObservableHandle;

interface Remembered {
  /** Which function of this file has made it. */
  readonly kind: string;
  readonly handle: Handle;
}

/** By scope, then by name as written and in lower case: the SDK ignores the case. */
const scopes = new Map<string, Map<string, Remembered>>();

/** Returns a counter (requests, errors). The options of the first call for a name apply. */
export function counter(scope: string, name: string, options?: MetricOptions): Counter {
  return remember('Counter', scope, name, CounterHandle, (meter) => meter.createCounter(name, options));
}

/** Returns the counter `name` of `scope` that may also fall (jobs in progress). */
export function upDownCounter(scope: string, name: string, options?: MetricOptions): UpDownCounter {
  const create = (meter: Meter) => meter.createUpDownCounter(name, options);
  return remember('UpDownCounter', scope, name, CounterHandle, create);
}

/**
 * Returns the histogram `name` of `scope`. Without `advice.explicitBucketBoundaries` it has the
 * buckets of OpenTelemetry (0, 5, 10, 25, 50, 75, 100, 250, … 10000), which suit milliseconds.
 */
export function histogram(scope: string, name: string, options?: MetricOptions): Histogram {
  return remember('Histogram', scope, name, RecorderHandle, (meter) => meter.createHistogram(name, options));
}

/** Returns the gauge `name` of `scope`: a value that is recorded when it changes. */
export function gauge(scope: string, name: string, options?: MetricOptions): Gauge {
  return remember('Gauge', scope, name, RecorderHandle, (meter) => meter.createGauge(name, options));
}

type CreateObservable = (
  scope: string,
  name: string,
  callback: ObserveCallback,
  options?: MetricOptions,
) => ObserveRegistration;

/** Observes the gauge `name` of `scope` at each collection. Each further callback is added. */
export const observableGauge: CreateObservable = (scope, name, callback, options) =>
  observe('ObservableGauge', scope, name, callback, (meter) => meter.createObservableGauge(name, options));

/** Observes the total of the counter `name` of `scope` at each collection. */
export const observableCounter: CreateObservable = (scope, name, callback, options) =>
  observe('ObservableCounter', scope, name, callback, (meter) =>
    meter.createObservableCounter(name, options),
  );

/** Observes the sum of the up-down counter `name` of `scope` at each collection. */
export const observableUpDownCounter: CreateObservable = (scope, name, callback, options) =>
  observe('ObservableUpDownCounter', scope, name, callback, (meter) =>
    meter.createObservableUpDownCounter(name, options),
  );

function observe(
  kind: string,
  scope: string,
  name: string,
  callback: ObserveCallback,
  create: CreateInstrument<Observable>,
): ObserveRegistration {
  const handle = remember(kind, scope, name, ObservableHandle, create);
  handle.addCallback(callback);
  const remove = (): void => {
    handle.removeCallback(callback);
  };
  return { remove, [Symbol.dispose]: remove };
}

/** Returns the handle that was made before for the same kind, scope and name, or makes it. */
function remember<I, H extends Handle>(
  kind: string,
  scope: string,
  name: string,
  HandleOfKind: new (scope: string, create: CreateInstrument<I>, name: string) => H,
  create: CreateInstrument<I>,
): H {
  const exact = scopes.get(scope)?.get(name);
  // The same kind was made by the same function of this file, so its handle is an H.
  if (exact?.kind === kind) return exact.handle as H;
  assertInstrumentName(name);
  const names = scopes.get(scope) ?? new Map<string, Remembered>();
  scopes.set(scope, names);
  const known = names.get(name.toLowerCase());
  if (known?.kind === kind) {
    names.set(name, known);
    return known.handle as H; // as above
  }
  if (known !== undefined) {
    warnOnce(
      `metrics:kind:${scope}:${name}`,
      `'${name}' of '${scope}' is a ${known.kind} already and was asked for as a ${kind}: what is recorded on the ` +
        'second is dropped. Give one of the two another name.',
    );
    return new HandleOfKind(scope, () => create(createNoopMeter()), name);
  }
  const handle = new HandleOfKind(scope, create, name);
  names.set(name, { kind, handle }).set(name.toLowerCase(), { kind, handle });
  if (handle instanceof ObservableHandle) {
    onMeterProviderChange(() => {
      handle.bind();
    });
  }
  return handle;
}

const ALLOWED = /^[a-z][a-z0-9_.\-/]{0,254}$/i;

/**
 * Checks that OpenTelemetry allows `name` for an instrument.
 *
 * @throws TelemetryError `TELEMETRY_INVALID_INSTRUMENT`
 */
export function assertInstrumentName(name: unknown): asserts name is string {
  if (typeof name === 'string' && ALLOWED.test(name)) return;
  const received = typeof name === 'string' ? `'${name}'` : `a value of type ${typeof name}`;
  throw new TelemetryError(
    'TELEMETRY_INVALID_INSTRUMENT',
    `${received} is not an instrument name. Start with a letter and use only letters, digits, '_', '.', '-' and '/', ` +
      "at most 255 of them, for example 'orders_processed_total'; what varies belongs into attributes.",
  );
}
