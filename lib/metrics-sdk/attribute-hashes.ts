import { type AttributeMap, findMetricsSdkInternals } from './sdk-internals.js';
import { ValueTree } from './value-tree.js';

/** By the identity of the attributes; only of frozen ones whose values cannot change either. */
const hashes = new WeakMap<object, string>();

/**
 * Hashes of attributes that may change, by their keys and values in turn. To find one takes a tenth
 * of the time that sorting and printing take.
 */
const seen = new ValueTree<string>(250); // an attribute with more values is an id
let seenCount = 0;
const MAX_SEEN = 2_000;
/** Longer texts are not held in memory for this. */
const MAX_SEEN_LENGTH = 1_000;

/** The text by which the metrics SDK separates series, the same for attributes in any order. */
export function hashAttributes(attributes: object): string {
  const known = hashes.get(attributes);
  if (known !== undefined) return known;
  const values = attributes as Readonly<Record<string, unknown>>;
  const keys = Object.keys(attributes);
  let place: ValueTree<string> | undefined = seen;
  for (const key of keys) place = place?.get(key)?.get(values[key]);
  const hash = place?.value ?? printAttributes(values, keys);
  if (isConstant(attributes)) hashes.set(attributes, hash);
  return hash;
}

function printAttributes(values: Readonly<Record<string, unknown>>, keys: readonly string[]): string {
  const pairs = keys.toSorted().map((key) => [key, values[key]] as const);
  const hash = pairs.length === 0 ? '' : JSON.stringify(pairs);
  if (seenCount < MAX_SEEN && hash.length <= MAX_SEEN_LENGTH && pairs.every(([, value]) => isPlain(value))) {
    let place: ValueTree<string> | undefined = seen;
    for (const key of keys) place = place?.add(key)?.add(values[key]);
    if (place !== undefined) {
      place.value = hash;
      seenCount += 1;
    }
  }
  return hash;
}

/** The attributes of the last measurement, until its exemplar is kept: they may change then. */
let measured: object | undefined;
let measuredHash = '';

/** The same, to find the series of a measurement. */
export function hashMeasured(attributes: object): string {
  measuredHash = hashAttributes(attributes);
  measured = attributes;
  return measuredHash;
}

/** The same again, right after the measurement was added to its series. */
export function hashMeasuredAgain(attributes: object): string {
  const hash = attributes === measured ? measuredHash : hashAttributes(attributes);
  measured = undefined;
  return hash;
}

/** Whether neither the record nor what is in it can change. */
function isConstant(attributes: object): boolean {
  return Object.isFrozen(attributes) && Object.values(attributes).every(isPlain);
}

function isPlain(value: unknown): boolean {
  return (typeof value !== 'object' && typeof value !== 'function') || value === null;
}

const REMEMBERING = Symbol.for('nestjs-telemetry.remembers-attribute-hashes');

/**
 * Lets the metrics SDK find the series of attributes without sorting and printing them at each
 * measurement, which is most of its cost, for each reader. The SDK cannot bind attributes to an
 * instrument, so its map is changed, once for each copy of the SDK.
 *
 * @returns whether the structure of the SDK is known; otherwise nothing is changed
 */
export function rememberAttributeHashes(): boolean {
  const prototype = findMetricsSdkInternals()?.attributeMap;
  if (prototype === undefined) return false;
  if (Object.hasOwn(prototype, REMEMBERING)) return true;
  const { get, has, set } = prototype;
  const methods: Partial<AttributeMap> & ThisType<AttributeMap> = {
    get(attributes, hash) {
      return get.call(this, attributes, hash ?? hashMeasured(attributes));
    },
    has(attributes, hash) {
      return has.call(this, attributes, hash ?? hashAttributes(attributes));
    },
    set(attributes, value, hash) {
      set.call(this, attributes, value, hash ?? hashAttributes(attributes));
    },
    getOrDefault(attributes, make) {
      const hash = hashAttributes(attributes);
      if (has.call(this, attributes, hash)) return get.call(this, attributes, hash);
      const made = make();
      set.call(this, attributes, made, hash);
      return made;
    },
  };
  Object.assign(prototype, methods, { [REMEMBERING]: true });
  return true;
}
