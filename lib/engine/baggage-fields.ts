import { type Context, propagation } from '@opentelemetry/api';

import { clipText } from './copy-bounded.js';

/** Characters of a value. */
const MAX_TEXT = 1_024;

/** Reads the chosen baggage of a context; undefined where it has none of it. */
export type ReadBaggage = (context: Context) => Readonly<Record<string, string>> | undefined;

/** A reader of the baggage under `keys`; undefined without keys, so that nothing is read. */
export function createBaggageReader(keys: readonly string[]): ReadBaggage | undefined {
  if (keys.length === 0) return undefined;
  return (context) => {
    const baggage = propagation.getBaggage(context);
    if (baggage === undefined) return undefined;
    let fields: Record<string, string> | undefined;
    for (const key of keys) {
      const value: unknown = baggage.getEntry(key)?.value;
      if (typeof value === 'string') (fields ??= {})[key] = clipText(value, MAX_TEXT);
    }
    return fields;
  };
}
