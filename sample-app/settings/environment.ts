/** The port in `variable`, or `fallback`; 0 asks the system for a free one. */
export function readPort(variable: string, fallback: number): number {
  const text = readText(variable);
  if (text === undefined) return fallback;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RangeError(`${variable} must be a port from 0 to 65535, not "${text}"`);
  }
  return port;
}

/** The address in `variable` without a trailing slash, or `fallback`. */
export function readUrl(variable: string, fallback: string): string {
  const text = readText(variable);
  if (text === undefined) return fallback;
  if (!URL.canParse(text)) throw new TypeError(`${variable} must be a URL, not "${text}"`);
  return text.replace(/\/+$/, '');
}

/** The share from 0 to 1 in `variable`, or `fallback`. */
export function readShare(variable: string, fallback: number): number {
  const text = readText(variable);
  if (text === undefined) return fallback;
  const share = Number(text);
  if (!(share >= 0 && share <= 1)) throw new RangeError(`${variable} must be from 0 to 1, not "${text}"`);
  return share;
}

/** What `variable` says, trimmed; undefined when that is nothing. */
export function readText(variable: string): string | undefined {
  const text = process.env[variable]?.trim();
  return text === '' ? undefined : text;
}
