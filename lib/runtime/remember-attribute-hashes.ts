import { hashAttributes, hashMeasured } from '../recording/hash-attributes.js';
import { type AttributeMap, findMetricsSdkInternals } from './metrics-sdk-internals.js';

const REMEMBERING = Symbol.for('nestjs-telemetry.remembers-attribute-hashes');

/**
 * Lets the metrics SDK find the series of frozen attributes without sorting and printing them at each measurement, which is
 * most of what a measurement costs; each further reader adds as much. Attributes that may change are hashed as ever. The SDK
 * has no way to bind attributes to an instrument, so its map learns it here, once per copy of the SDK.
 *
 * @returns whether the SDK is built as this expects; otherwise nothing is changed
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
