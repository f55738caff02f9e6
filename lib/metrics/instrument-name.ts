import { TelemetryError } from '../errors/telemetry.error.js';

const ALLOWED = /^[a-z][a-z0-9_.\-/]{0,254}$/i;

/**
 * Lets a name pass that OpenTelemetry allows for an instrument.
 *
 * @throws TelemetryError `TELEMETRY_INVALID_INSTRUMENT`
 */
export function assertInstrumentName(name: unknown): asserts name is string {
  if (typeof name === 'string' && ALLOWED.test(name)) return;
  const received = typeof name === 'string' ? `'${name}'` : `a value of type ${typeof name}`;
  throw new TelemetryError(
    'TELEMETRY_INVALID_INSTRUMENT',
    `${received} is not an instrument name. Start with a letter and use only letters, digits, '_', '.', '-' and '/', ` +
      "at most 255 of them, for example 'orders_processed_total'; what varies belongs into attributes.",
  );
}
