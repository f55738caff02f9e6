import {
  type Attributes,
  type Counter,
  createNoopMeter,
  type Gauge,
  type Histogram,
  type Meter,
  type MetricOptions,
  type UpDownCounter,
} from '@opentelemetry/api';

import { TelemetryError } from '../errors/telemetry.error.js';
import { warnOnce } from '../errors/warnings.js';
import {
  CounterHandle,
  type CreateInstrument,
  noticeMeterProvider,
  onMeterProviderChange,
  RecorderHandle,
} from './instrument-handles.js';
import { ObservableHandle, type ObserveCallback, type ObserveRegistration } from './observable-handle.js';

type Handle = CounterHandle | RecorderHandle | ObservableHandle;

const CREATE = {
  Counter: (meter: Meter, name: string, options?: MetricOptions) => meter.createCounter(name, options),
  UpDownCounter: (meter: Meter, name: string, options?: MetricOptions) =>
    meter.createUpDownCounter(name, options),
  Histogram: (meter: Meter, name: string, options?: MetricOptions) => meter.createHistogram(name, options),
  Gauge: (meter: Meter, name: string, options?: MetricOptions) => meter.createGauge(name, options),
  ObservableCounter: (meter: Meter, name: string, options?: MetricOptions) =>
    meter.createObservableCounter(name, options),
  ObservableUpDownCounter: (meter: Meter, name: string, options?: MetricOptions) =>
    meter.createObservableUpDownCounter(name, options),
  ObservableGauge: (meter: Meter, name: string, options?: MetricOptions) =>
    meter.createObservableGauge(name, options),
};

type InstrumentKind = keyof typeof CREATE;
type Created<K extends InstrumentKind> = ReturnType<(typeof CREATE)[K]>;

interface Remembered {
  readonly kind: InstrumentKind;
  readonly handle: Handle;
}

/** Every instrument of this process, by scope, then by name as written and in lower case: the SDK ignores the case. */
const scopes = new Map<string, Map<string, Remembered>>();

/** Gives the counter `name` of `scope`: what only grows (requests, errors). The options of the first asking hold. */
export function counter(scope: string, name: string, options?: MetricOptions): Counter {
  return remember('Counter', scope, name, options, (create) => new CounterHandle(scope, create));
}

/** Gives the counter `name` of `scope` that may also fall (jobs in progress). */
export function upDownCounter(scope: string, name: string, options?: MetricOptions): UpDownCounter {
  return remember('UpDownCounter', scope, name, options, (create) => new CounterHandle(scope, create));
}

/**
 * Gives the histogram `name` of `scope`. Without `advice.explicitBucketBoundaries` the buckets are OpenTelemetry's own
 * (0, 5, 10, 25, 50, 75, 100, 250, … 10000), which suit milliseconds.
 */
export function histogram(scope: string, name: string, options?: MetricOptions): Histogram {
  return remember('Histogram', scope, name, options, (create) => new RecorderHandle(scope, create));
}

/** Gives the gauge `name` of `scope`: a value that is recorded when it changes. */
export function gauge(scope: string, name: string, options?: MetricOptions): Gauge {
  return remember('Gauge', scope, name, options, (create) => new RecorderHandle(scope, create));
}

/** Gives the gauge `name` of `scope` whose value is asked for at each collection. Each further callback is added. */
export function observableGauge(
  scope: string,
  name: string,
  callback: ObserveCallback,
  options?: MetricOptions,
): ObserveRegistration {
  return observe('ObservableGauge', scope, name, callback, options);
}

/** Gives the counter `name` of `scope` whose total is asked for at each collection. */
export function observableCounter(
  scope: string,
  name: string,
  callback: ObserveCallback,
  options?: MetricOptions,
): ObserveRegistration {
  return observe('ObservableCounter', scope, name, callback, options);
}

/** Gives the up-down counter `name` of `scope` whose sum is asked for at each collection. */
export function observableUpDownCounter(
  scope: string,
  name: string,
  callback: ObserveCallback,
  options?: MetricOptions,
): ObserveRegistration {
  return observe('ObservableUpDownCounter', scope, name, callback, options);
}

/**
 * Moves every observable instrument to the MeterProvider that is registered now; for whoever has started one. It
 * happens by itself when any other instrument is used next, but a process may have none.
 */
export function bindObservables(): void {
  noticeMeterProvider();
}

function observe(
  kind: 'ObservableCounter' | 'ObservableUpDownCounter' | 'ObservableGauge',
  scope: string,
  name: string,
  callback: ObserveCallback,
  options?: MetricOptions,
): ObserveRegistration {
  const make = (create: CreateInstrument<Created<typeof kind>>) => new ObservableHandle(scope, name, create);
  const handle = remember(kind, scope, name, options, make);
  handle.addCallback(callback);
  const remove = (): void => {
    handle.removeCallback(callback);
  };
  return { remove, [Symbol.dispose]: remove };
}

/** Gives the handle that was made before for the same kind, scope and name, or makes it. */
function remember<K extends InstrumentKind, H extends Handle>(
  kind: K,
  scope: string,
  name: string,
  options: MetricOptions | undefined,
  make: (create: CreateInstrument<Created<K>>) => H,
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
  const create = CREATE[kind] as (meter: Meter, name: string, options?: MetricOptions) => Created<K>;
  if (known !== undefined) {
    warnOnce(
      `metrics:kind:${scope}:${name}`,
      `'${name}' of '${scope}' is a ${known.kind} already and was asked for as a ${kind}: what is recorded on the ` +
        'second is dropped. Give one of the two another name.',
    );
    return make(() => create(createNoopMeter(), name, options));
  }
  const handle = make((meter) => create(meter, name, options));
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
 * Lets a name pass that OpenTelemetry allows for an instrument.
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

const MAX_SETS = 2000;

/**
 * Returns a function that makes each set of attributes once and gives the same frozen object again. Holds 2,000 sets,
 * the number of series the SDK keeps per instrument; what comes after is made anew each time.
 */
export function createAttributeSets(): (key: string, make: () => Attributes) => Attributes {
  const sets = new Map<string, Attributes>();
  return (key, make) => {
    const known = sets.get(key);
    if (known !== undefined) return known;
    const made = Object.freeze(make());
    if (sets.size < MAX_SETS) sets.set(key, made);
    return made;
  };
}

/** Scope of the instruments that this library measures with by itself. */
export const INSTRUMENTATION_SCOPE = 'nestjs-telemetry';
