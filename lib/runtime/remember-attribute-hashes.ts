import { MeterProvider } from '@opentelemetry/sdk-metrics';

import { OnDemandReader } from '../exporters/on-demand.reader.js';

/** The SDK's map from attributes to series, as far as it is used here. */
interface AttributeMap {
  readonly _hash: (attributes: object) => string;
  get(attributes: object, hash?: string): unknown;
  has(attributes: object, hash?: string): boolean;
  set(attributes: object, value: unknown, hash?: string): void;
  getOrDefault(attributes: object, make: () => unknown): unknown;
}

const REMEMBERING = Symbol.for('nestjs-telemetry.remembers-attribute-hashes');

/** By the identity of the attributes; only of frozen ones whose values cannot change either. */
const hashes = new WeakMap<object, string>();

/**
 * Lets the metrics SDK find the series of frozen attributes without sorting and printing them at each measurement, which is
 * most of what a measurement costs; a reader more doubles it. Attributes that may change are hashed as ever. The SDK has no
 * way to bind attributes to an instrument, so its map learns it here, once per copy of the SDK.
 *
 * @returns whether the SDK is built as this expects; otherwise nothing is changed
 */
export function rememberAttributeHashes(): boolean {
  const prototype = findMapPrototype();
  if (prototype === undefined) return false;
  if (Object.hasOwn(prototype, REMEMBERING)) return true;
  const original = { get: prototype.get, has: prototype.has, set: prototype.set };
  const methods: Partial<AttributeMap> & ThisType<AttributeMap> = {
    get(attributes, hash) {
      return original.get.call(this, attributes, hash ?? hashOf(this, attributes));
    },
    has(attributes, hash) {
      return original.has.call(this, attributes, hash ?? hashOf(this, attributes));
    },
    set(attributes, value, hash) {
      original.set.call(this, attributes, value, hash ?? hashOf(this, attributes));
    },
    getOrDefault(attributes, make) {
      const hash = hashOf(this, attributes);
      if (original.has.call(this, attributes, hash)) return original.get.call(this, attributes, hash);
      const made = make();
      original.set.call(this, attributes, made, hash);
      return made;
    },
  };
  Object.assign(prototype, methods, { [REMEMBERING]: true });
  return true;
}

function hashOf(map: AttributeMap, attributes: object): string {
  const known = hashes.get(attributes);
  if (known !== undefined) return known;
  const hash = map._hash(attributes);
  if (Object.isFrozen(attributes) && Object.values(attributes).every(isUnchangeable))
    hashes.set(attributes, hash);
  return hash;
}

function isUnchangeable(value: unknown): boolean {
  return typeof value !== 'object' || value === null;
}

/** The prototype of the map behind any instrument; one of a provider of our own tells without touching the application's. */
function findMapPrototype(): AttributeMap | undefined {
  const counter = new MeterProvider({ readers: [new OnDemandReader()] })
    .getMeter('probe')
    .createCounter('probe');
  const map: unknown = ['_writableMetricStorage', '_deltaMetricStorage', '_activeCollectionStorage'].reduce(
    (inside: unknown, key) => (inside as Record<string, unknown> | undefined)?.[key],
    counter,
  );
  if (typeof map !== 'object' || map === null) return undefined;
  const expected = ['get', 'has', 'set', 'getOrDefault', '_hash'] as const;
  const members = map as Partial<AttributeMap>;
  if (!expected.every((name) => typeof members[name] === 'function')) return undefined;
  return Object.getPrototypeOf(map) as AttributeMap;
}
