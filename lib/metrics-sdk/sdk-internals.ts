import { type Attributes, type Context, type HrTime } from '@opentelemetry/api';
import { MeterProvider } from '@opentelemetry/sdk-metrics';

import { hasMethods } from '../config/option-rules.js';
import { memberOf } from './before-collections.js';
import { OnDemandReader } from './on-demand.reader.js';

/** The SDK's map from attributes to series, as far as it is used here. */
export interface AttributeMap<V = unknown> {
  readonly _hash: (attributes: object) => string;
  get: (this: AttributeMap<V>, attributes: object, hash?: string) => V | undefined;
  has: (this: AttributeMap<V>, attributes: object, hash?: string) => boolean;
  set: (this: AttributeMap<V>, attributes: object, value: V, hash?: string) => void;
  getOrDefault: (this: AttributeMap<V>, attributes: object, make: () => V) => V;
  entries(): IterableIterator<[attributes: Attributes, value: V, hash: string]>;
}

/** What one series holds. */
export interface Accumulation {
  record(value: number): void;
}

/** What adds measurements up, as far as it is used here. */
export interface Aggregator {
  /** 0: drops everything. 1: adds up. */
  readonly kind: number;
  /** Only where it makes histograms with fixed buckets. */
  readonly _boundaries?: readonly number[];
  createAccumulation(startTime: HrTime): Accumulation;
  diff(previous: Accumulation, current: Accumulation): Accumulation;
  merge(previous: Accumulation, delta: Accumulation): Accumulation;
}

/** The series of one instrument for one reader, since its last collection. */
export interface DeltaProcessor {
  readonly _aggregator: Aggregator;
  readonly _activeCollectionStorage: AttributeMap<Accumulation>;
  /** Of an observable instrument: the totals that were observed last. */
  readonly _cumulativeMemoStorage: AttributeMap<Accumulation>;
  _cardinalityLimit: number;
  /** `limitSeries()` lets it return the attributes of the series that the value was added to. */
  record: (
    this: DeltaProcessor,
    value: number,
    attributes: Attributes,
    time: number,
  ) => Readonly<Attributes> | undefined;
  batchCumulate: (this: DeltaProcessor, measurements: AttributeMap<number>, time: HrTime) => void;
}

/** Where measurements of one instrument arrive, as far as it is used here. */
export interface MeasurementStorage {
  readonly _instrumentDescriptor: { readonly name: string; readonly type: string };
  /** undefined where no view selects the instrument. */
  readonly _attributesProcessor?:
    { process(attributes: Attributes, context: Context): Attributes } | undefined;
  /** Of the view, or of the reader where there is no view. */
  readonly _aggregationCardinalityLimit?: number | undefined;
  readonly _deltaMetricStorage: DeltaProcessor;
  record(value: number, attributes: Attributes, context: Context | undefined, time: number): void;
}

/** Makes the storages of a meter's instruments. */
export interface MeterState {
  readonly _meterProviderSharedState: object;
  _registerMetricStorage: (
    this: MeterState,
    descriptor: MeasurementStorage['_instrumentDescriptor'],
    type: unknown,
  ) => MeasurementStorage[];
}

/** Merges what was collected with what the reader has had before. */
export interface TemporalProcessor {
  readonly _unreportedAccumulations: Map<object, AttributeMap[]>;
  _stashAccumulations: (this: TemporalProcessor, current: AttributeMap) => void;
  _getMergedUnreportedAccumulations(collector: object): AttributeMap;
}

/** What the metrics SDK lacks is added at these places. */
export interface MetricsSdkInternals {
  readonly storage: MeasurementStorage;
  readonly attributeMap: AttributeMap;
  readonly delta: DeltaProcessor;
  readonly temporal: TemporalProcessor;
  readonly meterState: MeterState;
}

let found: MetricsSdkInternals | null | undefined;

/**
 * The prototypes behind every instrument of the metrics SDK; null when its structure is unknown.
 * The version is pinned, and part of the published files; a test fails first. Found with our own provider.
 */
export function findMetricsSdkInternals(): MetricsSdkInternals | null {
  found ??= probe();
  return found;
}

function probe(): MetricsSdkInternals | null {
  const meter = new MeterProvider({ readers: [new OnDemandReader()] }).getMeter('probe');
  const meterState = memberOf(meter, '_meterSharedState');
  const storage = memberOf(meter.createHistogram('probe'), '_writableMetricStorage');
  const delta = memberOf(storage, '_deltaMetricStorage');
  const temporal = memberOf(storage, '_temporalMetricStorage');
  const map = memberOf(delta, '_activeCollectionStorage');
  const aggregator = memberOf(delta, '_aggregator');
  const fits =
    hasMethods(meterState, ['_registerMetricStorage']) &&
    typeof memberOf(meterState, '_meterProviderSharedState') === 'object' &&
    hasMethods(storage, ['record']) &&
    hasMethods(delta, ['record', 'batchCumulate']) &&
    hasMethods(temporal, ['_stashAccumulations', '_getMergedUnreportedAccumulations']) &&
    memberOf(temporal, '_unreportedAccumulations') instanceof Map &&
    hasMethods(map, ['get', 'has', 'set', 'getOrDefault', 'entries', '_hash']) &&
    hasMethods(memberOf(delta, '_cumulativeMemoStorage'), ['get', 'set']) &&
    hasMethods(aggregator, ['createAccumulation', 'diff', 'merge']) &&
    Array.isArray(memberOf(aggregator, '_boundaries')) &&
    typeof memberOf(aggregator, 'kind') === 'number' &&
    typeof memberOf(delta, '_cardinalityLimit') === 'number' &&
    typeof memberOf(storage, '_aggregationCardinalityLimit') === 'number' &&
    typeof memberOf(memberOf(storage, '_instrumentDescriptor'), 'type') === 'string';
  if (!fits) return null;
  return {
    storage: Object.getPrototypeOf(storage) as MeasurementStorage,
    attributeMap: Object.getPrototypeOf(map) as AttributeMap,
    delta: Object.getPrototypeOf(delta) as DeltaProcessor,
    temporal: Object.getPrototypeOf(temporal) as TemporalProcessor,
    meterState: Object.getPrototypeOf(meterState) as MeterState,
  };
}
