import { type Parsed } from './parsed.interface.js';

/**
 * Reads `key=value,key2=value2` with percent-encoded values, the form of `OTEL_RESOURCE_ATTRIBUTES` and
 * `OTEL_EXPORTER_OTLP_HEADERS`. One wrong entry discards the whole list, as the specification asks.
 */
export function parseKeyValueList(text: string): Parsed<Readonly<Record<string, string>>> {
  const entries = new Map<string, string>();
  for (const [index, entry] of text.split(',').entries()) {
    if (entry.trim() === '') continue;
    const separator = entry.indexOf('=');
    const key = decode(entry.slice(0, Math.max(separator, 0)).trim());
    const value = decode(entry.slice(separator + 1).trim());
    if (separator < 1 || key === undefined || key === '')
      return { remedy: `Write key=value pairs separated by commas; entry ${index + 1} is none.` };
    if (value === undefined)
      return { remedy: `Percent-encode values (a % itself is %25); entry ${index + 1} cannot be decoded.` };
    entries.set(key, value);
  }
  return { value: Object.fromEntries(entries) };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // A malformed escape is the caller's remedy to write, not ours to throw.
    return undefined;
  }
}
