import {
  type Context,
  context,
  propagation,
  type TextMapGetter,
  type TextMapSetter,
} from '@opentelemetry/api';

/** Trace context on its way: `traceparent` and what else the propagators write. */
export type Carrier = Record<string, string>;

const setter: TextMapSetter<Carrier> = {
  set(carrier, key, value) {
    carrier[key] = value;
  },
};

/**
 * What the propagators write for the active context; undefined when that is nothing, so that the
 * message stays as it is.
 */
export function writeCarrier(from: Context = context.active()): Carrier | undefined {
  const carrier: Carrier = {};
  propagation.inject(from, carrier, setter);
  for (const key in carrier) if (Object.hasOwn(carrier, key)) return carrier;
  return undefined;
}

/**
 * Reads headers of every transport: plain objects of texts or bytes (Kafka, RabbitMQ, MQTT, packet
 * metadata), and objects with `get` (NATS, gRPC, Map).
 */
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
