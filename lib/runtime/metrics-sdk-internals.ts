import { type Attributes, type Context } from '@opentelemetry/api';
import { MeterProvider } from '@opentelemetry/sdk-metrics';

import { OnDemandReader } from '../exporters/on-demand.reader.js';

/** The SDK's map from attributes to series, as far as it is used here. */
export interface AttributeMap {
  readonly _hash: (attributes: object) => string;
  get: (this: AttributeMap, attributes: object, hash?: string) => unknown;
  has: (this: AttributeMap, attributes: object, hash?: string) => boolean;
  set: (this: AttributeMap, attributes: object, value: unknown, hash?: string) => void;
  getOrDefault: (this: AttributeMap, attributes: object, make: () => unknown) => unknown;
}

/** Where measurements of one instrument arrive, as far as it is used here. */
export interface MeasurementStorage {
  readonly _instrumentDescriptor: { readonly type: string };
  readonly _attributesProcessor?:
    { process(attributes: Attributes, context: Context): Attributes } | undefined;
  readonly _deltaMetricStorage: {
    readonly _aggregator: { readonly _boundaries?: readonly number[] };
    readonly _activeCollectionStorage: AttributeMap;
    record(value: number, attributes: Attributes, time: number): void;
  };
  record(value: number, attributes: Attributes, context: Context | undefined, time: number): void;
}

/** What the metrics SDK lacks is added at these two places. */
export interface MetricsSdkInternals {
  readonly storage: MeasurementStorage;
  readonly attributeMap: AttributeMap;
}

let found: MetricsSdkInternals | null | undefined;

/**
 * The prototypes behind every instrument of the metrics SDK, or null when it is built otherwise than this knows: the version is
 * pinned, and a test fails before users could notice. A provider of our own tells, without touching the application's.
 */
export function findMetricsSdkInternals(): MetricsSdkInternals | null {
  found ??= probe();
  return found;
}

function probe(): MetricsSdkInternals | null {
  const meter = new MeterProvider({ readers: [new OnDemandReader()] }).getMeter('probe');
  const storage = memberOf(meter.createHistogram('probe'), '_writableMetricStorage');
  const delta = memberOf(storage, '_deltaMetricStorage');
  const map = memberOf(delta, '_activeCollectionStorage');
  const fits =
    hasMethods(storage, ['record']) &&
    hasMethods(delta, ['record']) &&
    hasMethods(map, ['get', 'has', 'set', 'getOrDefault', '_hash']) &&
    Array.isArray(memberOf(memberOf(delta, '_aggregator'), '_boundaries')) &&
    typeof memberOf(memberOf(storage, '_instrumentDescriptor'), 'type') === 'string';
  if (!fits) return null;
  return {
    storage: Object.getPrototypeOf(storage) as MeasurementStorage,
    attributeMap: Object.getPrototypeOf(map) as AttributeMap,
  };
}

function memberOf(owner: unknown, name: string): unknown {
  return typeof owner === 'object' && owner !== null
    ? (owner as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

function hasMethods(owner: unknown, names: readonly string[]): boolean {
  return names.every((name) => typeof memberOf(owner, name) === 'function');
}
