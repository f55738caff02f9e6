/** The slots of OpenTelemetry's process-wide registry. */
export type GlobalSlot = 'trace' | 'metrics' | 'logs' | 'context' | 'propagation';

/**
 * Tells whether somebody has registered an implementation. The API offers no question for this, only a `set…` that
 * logs an error when the answer is yes; its registry is part of its compatibility contract between versions.
 */
export function isRegistered(slot: GlobalSlot): boolean {
  const registry = (globalThis as Partial<Record<symbol, unknown>>)[Symbol.for('opentelemetry.js.api.1')];
  return (
    typeof registry === 'object' &&
    registry !== null &&
    (registry as Record<GlobalSlot, unknown>)[slot] !== undefined
  );
}
