import { type RedactionConfig } from './telemetry-config.interface.js';
import { type TelemetryOptions } from './telemetry-options.interface.js';

/** Decides what is kept out of everything that is recorded. */
export function resolveRedaction({ redaction }: TelemetryOptions): RedactionConfig {
  const chosen = typeof redaction === 'object' ? redaction : {};
  const { disable = redaction === false } = chosen;
  return Object.freeze({
    disable: typeof disable === 'boolean' ? disable : Object.freeze([...disable]),
    keys: Object.freeze([...(chosen.keys ?? [])]),
    patterns: Object.freeze([...(chosen.patterns ?? [])]),
    replace: chosen.replace ?? '[Redacted]',
    errorProperties: Object.freeze([...(chosen.errorProperties ?? [])]),
  });
}
