import { type Context } from '@opentelemetry/api';

/** The slots of OpenTelemetry's process-wide registry. */
export type GlobalSlot = 'trace' | 'metrics' | 'logs' | 'context' | 'propagation';

/**
 * Tells whether somebody has registered an implementation. The API offers no question for this, only a `set…` that
 * logs an error when the answer is yes; its registry is part of its compatibility contract between versions.
 */
export function isRegistered(slot: GlobalSlot): boolean {
  return registered(slot) !== undefined;
}

function registered(slot: GlobalSlot): unknown {
  const registry = (globalThis as Partial<Record<symbol, unknown>>)[API_REGISTRY];
  return typeof registry === 'object' && registry !== null
    ? (registry as Record<GlobalSlot, unknown>)[slot]
    : undefined;
}

const API_REGISTRY = Symbol.for('opentelemetry.js.api.1');

/**
 * Makes `context` active until it is given back to `enterContext`, and returns what was active before. Undefined where the
 * context manager is not ours and cannot do that: then `context.with()` must. Only for around a synchronous call.
 */
export function enterContext(context: Context): Context | undefined {
  const manager = registered('context') as { enter?: (entered: Context) => Context } | undefined;
  return manager?.enter?.(context);
}
