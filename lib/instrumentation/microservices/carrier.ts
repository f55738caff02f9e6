import {
  type Context,
  context,
  propagation,
  type TextMapGetter,
  type TextMapSetter,
} from '@opentelemetry/api';

/** `traceparent` and what else the propagators write. */
export type Carrier = Record<string, string>;

const setter: TextMapSetter<Carrier> = {
  set(carrier, key, value) {
    carrier[key] = value;
  },
};

/** Headers for the active context; undefined when the propagators write none. */
export function writeCarrier(from: Context = context.active()): Carrier | undefined {
  const carrier: Carrier = {};
  propagation.inject(from, carrier, setter);
  return Object.keys(carrier).length > 0 ? carrier : undefined;
}

/** Reads plain objects of texts or bytes, and objects with `get` (NATS, Map). */
const getter: TextMapGetter<object> = {
  keys: (headers) => {
    const { keys } = headers as { keys?: unknown };
    return typeof keys === 'function' ? [...(keys.call(headers) as Iterable<string>)] : Object.keys(headers);
  },
  get: (headers, key) => {
    const { get } = headers as { get?: unknown };
    const value: unknown =
      typeof get === 'function' ? get.call(headers, key) : (headers as Record<string, unknown>)[key];
    return Array.isArray(value) ? asText(value[0]) : asText(value);
  },
};

/** `base` with the sender's context, where `headers` carry one. */
export function readCarrier(headers: unknown, base: Context): Context {
  return typeof headers === 'object' && headers !== null ? propagation.extract(base, headers, getter) : base;
}

function asText(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  return Buffer.isBuffer(value) ? value.toString('utf8') : undefined;
}
