import type { Attributes } from '@opentelemetry/api';
import type { MeterProvider } from '@opentelemetry/sdk-metrics';

import type { CardinalityConfig } from '../config/metrics.js';
import { millisToHrTime } from '../engine/time-input.js';
import { warnOnce } from '../errors/warnings.js';
import { processWide } from '../process/process-wide.js';
import { redactLabels } from '../redaction/active-redaction.js';
import { hashAttributes, hashMeasured } from './attribute-hashes.js';
import {
  type Accumulation,
  type AttributeMap,
  type DeltaProcessor,
  findMetricsSdkInternals,
  type MeasurementStorage,
  type MeterState,
  type TemporalProcessor,
} from './sdk-internals.js';

/** The limit of a reader on which none was set. */
const SDK_DEFAULT = 2_000;
/** Collections that may wait, unmerged, for a reader that shares the storage of a view. */
const MAX_UNMERGED = 4;
const DROP = 0;
const SUM = 1;
const LIMITING = Symbol.for('nestjs-telemetry.limits-series');
const LIMIT = Symbol('series limit');

interface Limited extends DeltaProcessor {
  [LIMIT]?: SeriesLimit;
}

const limitFor = (processor: Limited): SeriesLimit | undefined => processor[LIMIT];

/** By the shared state of a provider's meters. Other providers keep the SDK's own limit. */
const configs = processWide('cardinality', () => new WeakMap<object, CardinalityConfig>());

/**
 * Limits the series that each instrument of this provider has over its life. Must be called before
 * the provider makes instruments. The SDK's own limit holds between two collections only, and loses
 * values of observable instruments beyond it.
 *
 * @returns whether the structure of the SDK is known; otherwise its own limit stays
 */
export function limitSeries(provider: MeterProvider, config: CardinalityConfig): boolean {
  const internals = findMetricsSdkInternals();
  if (internals === null) return false;
  // Those of a runtime that has stopped.
  reached.clear();
  nearing.clear();
  // Private in the declarations.
  const shared = Reflect.get(provider, '_sharedState') as object;
  configs.set(shared, config);
  if (Object.hasOwn(internals.delta, LIMITING)) return true;
  limitStorages(internals.meterState);
  limitProcessors(internals.delta);
  mergeWhatWaits(internals.temporal);
  return true;
}

function limitStorages(prototype: MeterState): void {
  const { _registerMetricStorage: register } = prototype;
  const methods: Partial<MeterState> & ThisType<MeterState> = {
    _registerMetricStorage(descriptor, type) {
      const storages = register.call(this, descriptor, type);
      const config = configs.get(this._meterProviderSharedState);
      if (config !== undefined)
        for (const storage of storages) {
          const delta: Limited = storage._deltaMetricStorage;
          if (delta._aggregator.kind === DROP || delta[LIMIT] !== undefined) continue;
          delta[LIMIT] = new SeriesLimit(descriptor.name, limitOf(storage, descriptor.name, config));
        }
      return storages;
    },
  };
  Object.assign(prototype, methods);
}

/** The limit of the view, else of the instrument, else of the reader, else the general one. */
function limitOf(storage: MeasurementStorage, instrument: string, config: CardinalityConfig): number {
  const { _aggregationCardinalityLimit: given, _attributesProcessor: view, _instrumentDescriptor } = storage;
  const isSet = given !== undefined && Number.isFinite(given) && given >= 1;
  if (view !== undefined && isSet) return Math.floor(given);
  const named = [_instrumentDescriptor.name, instrument].find((name) => Object.hasOwn(config.limits, name));
  const byName = named === undefined ? undefined : config.limits[named];
  return byName ?? (isSet && given !== SDK_DEFAULT ? Math.floor(given) : config.limit);
}

function limitProcessors(prototype: DeltaProcessor): void {
  const { record, batchCumulate } = prototype;
  const methods: Partial<DeltaProcessor> & ThisType<DeltaProcessor> = {
    record(value, given, time) {
      const limit = limitFor(this);
      if (limit === undefined) return record.call(this, value, redactLabels(given), time);
      // NaN would stay the sum for ever.
      if (Number.isNaN(value) && this._aggregator.kind === SUM) return redactLabels(given);
      let hash = hashMeasured(given);
      const series = this._activeCollectionStorage;
      let known = series.get(given, hash);
      if (known !== undefined) {
        // A series has redacted attributes, so equal ones contain no secret.
        known.record(value);
        return given;
      }
      const attributes = redactLabels(given);
      if (attributes !== given) {
        hash = hashMeasured(attributes);
        known = series.get(attributes, hash);
        if (known !== undefined) {
          known.record(value);
          return attributes;
        }
      }
      const startTime = millisToHrTime(time);
      if (limit.admits(hash)) {
        const made = this._aggregator.createAccumulation(startTime);
        // A caller may reuse its object for the next measurement.
        series.set(Object.isFrozen(attributes) ? attributes : { ...attributes }, made, hash);
        made.record(value);
        return attributes;
      }
      let overflow = series.get(OVERFLOW, OVERFLOW_HASH);
      if (overflow === undefined) {
        overflow = this._aggregator.createAccumulation(startTime);
        series.set(OVERFLOW, overflow, OVERFLOW_HASH);
      }
      overflow.record(value);
      return OVERFLOW;
    },
    batchCumulate(measurements, time) {
      const limit = limitFor(this);
      if (limit === undefined) {
        batchCumulate.call(this, measurements, time);
        return;
      }
      // Ours has decided already which series there are.
      this._cardinalityLimit = Infinity;
      const admitted = new (measurements.constructor as new () => AttributeMap<number>)();
      let overflow: Accumulation | undefined;
      for (const [given, value, givenHash] of measurements.entries()) {
        const attributes = redactLabels(given);
        const hash = attributes === given ? givenHash : hashAttributes(attributes);
        if (limit.admits(hash)) admitted.set(attributes, value, hash);
        // Added up first: what was observed before is subtracted from their sum.
        else (overflow ??= this._aggregator.createAccumulation(time)).record(value);
      }
      batchCumulate.call(this, admitted, time);
      if (overflow !== undefined) addObserved(this, overflow);
    },
  };
  Object.assign(prototype, methods, { [LIMITING]: true });
}

/** Adds what was observed of the overflow to its series, as the SDK does with any other. */
function addObserved(processor: DeltaProcessor, observed: Accumulation): void {
  const { _aggregator, _activeCollectionStorage: series, _cumulativeMemoStorage: before } = processor;
  const previous = before.get(OVERFLOW, OVERFLOW_HASH);
  const difference = previous === undefined ? observed : _aggregator.diff(previous, observed);
  const active = series.get(OVERFLOW, OVERFLOW_HASH);
  before.set(OVERFLOW, observed, OVERFLOW_HASH);
  series.set(
    OVERFLOW,
    active === undefined ? difference : _aggregator.merge(active, difference),
    OVERFLOW_HASH,
  );
}

/**
 * Readers share the storage of a view, and what one collects is kept for the others. A reader that
 * does not collect (no scraper asks) must not keep every collection of the others.
 */
function mergeWhatWaits(prototype: TemporalProcessor): void {
  const { _stashAccumulations: stash } = prototype;
  const methods: Partial<TemporalProcessor> & ThisType<TemporalProcessor> = {
    _stashAccumulations(current) {
      stash.call(this, current);
      for (const [collector, waiting] of this._unreportedAccumulations)
        if (waiting.length > MAX_UNMERGED)
          this._unreportedAccumulations.set(collector, [this._getMergedUnreportedAccumulations(collector)]);
    },
  };
  Object.assign(prototype, methods);
}

/** The attributes that the specification gives to the series beyond the limit. */
const OVERFLOW: Readonly<Attributes> = Object.freeze({ 'otel.metric.overflow': true });
const OVERFLOW_HASH = hashAttributes(OVERFLOW);

/** One instrument that has reached its limit. */
interface SeriesLimitReport {
  readonly instrument: string;
  /** Series it may have, including the one for the overflow. */
  readonly limit: number;
  /** That had the most distinct values when the limit was reached; undefined for a limit of 1. */
  readonly attribute: string | undefined;
  /** How many distinct values that attribute had. */
  readonly values: number;
  /** Measurements that were added to the series of the overflow since. */
  readonly overflowed: number;
}

/** Instruments that have reached their limits, by name; those of several readers count as one. */
const reached = processWide('series-limits', () => new Map<string, SeriesLimit>());

/** Instruments that have most of the series that they may have, by name. */
const nearing = processWide('series-near-limits', () => new Map<string, SeriesLimit>());
const NEAR_SHARE = 0.8;

/** Instruments that have at least 80 % of their series, and can have more. */
export function seriesNearLimits(): { instrument: string; limit: number; series: number }[] {
  return [...nearing].flatMap(([instrument, each]) =>
    reached.has(instrument) ? [] : [{ instrument, limit: each.limit, series: each.series }],
  );
}

/** The instruments of this process that have reached their limits. */
export function seriesLimitReports(): SeriesLimitReport[] {
  return [...reached.values()].map((limit) => limit.report());
}

/**
 * Decides which series an instrument may have over its life: the first `limit - 1`, and one for
 * everything else. The SDK counts anew after each collection, which could add as many again.
 */
class SeriesLimit {
  private readonly admitted = new Set<string>();
  private attribute: string | undefined;
  private values = 0;
  private overflowed = 0;

  constructor(
    private readonly instrument: string,
    readonly limit: number,
  ) {}

  get series(): number {
    return this.admitted.size;
  }

  /** Whether the attributes with this hash have, or now get, a series to themselves. */
  admits(hash: string): boolean {
    if (this.admitted.has(hash)) return true;
    if (hash === OVERFLOW_HASH) return false;
    if (this.admitted.size < this.limit - 1) {
      this.admitted.add(hash);
      if (this.admitted.size >= this.limit * NEAR_SHARE) nearing.set(this.instrument, this);
      return true;
    }
    if (this.overflowed === 0) this.warn();
    this.overflowed += 1;
    return false;
  }

  report(): SeriesLimitReport {
    const { instrument, limit, attribute, values, overflowed } = this;
    return { instrument, limit, attribute, values, overflowed };
  }

  private warn(): void {
    const { instrument, limit } = this;
    [this.attribute, this.values] = mostDistinct(this.admitted);
    if (!reached.has(instrument)) reached.set(instrument, this);
    const series = `${limit.toLocaleString('en')} series`;
    const culprit =
      this.attribute === undefined
        ? ''
        : ` The attribute '${this.attribute}' has the most distinct values (${this.values.toLocaleString('en')}).`;
    warnOnce(
      `metrics:cardinality:${instrument}`,
      `The instrument '${instrument}' has reached its limit of ${series}: measurements with further sets of ` +
        `attributes are added to the series otel.metric.overflow="true" until the process restarts.${culprit} Leave ` +
        'that attribute out or drop it with a view (attributesProcessors), or raise the limit: ' +
        `cardinalityLimits: { ${JSON.stringify(instrument)}: ${limit * 10} }.`,
    );
  }
}

/** The attribute with the most distinct values in hashes: lists of names and values as JSON. */
function mostDistinct(hashes: Iterable<string>): [attribute: string | undefined, values: number] {
  const values = new Map<string, Set<string>>();
  for (const hash of hashes) {
    if (hash === '') continue;
    for (const [name, value] of JSON.parse(hash) as [string, unknown][]) {
      let known = values.get(name);
      if (known === undefined) values.set(name, (known = new Set()));
      known.add(JSON.stringify(value));
    }
  }
  const [most] = [...values].sort(([, a], [, b]) => b.size - a.size);
  return [most?.[0], most?.[1].size ?? 0];
}
