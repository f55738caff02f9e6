const LONGEST = 100;

/** Renders a value for a human: texts quoted and cut, objects by their keys only, because values may be secrets. */
export function renderReceived(value: unknown): string {
  if (typeof value === 'string') return renderText(value);
  if (
    value === null ||
    typeof value === 'undefined' ||
    typeof value === 'number' ||
    typeof value === 'boolean'
  )
    return String(value);
  return renderKind(value);
}

/** Renders what kind of value it is and nothing of the value itself. */
export function renderKind(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function ${value.name}`;
  if (typeof value === 'object') return renderObject(value);
  return `a ${typeof value}`;
}

/** Renders an address without its credentials and its query, which may carry a key. */
export function renderEndpoint(text: string): string {
  return renderText(text.replace(/^([a-z][a-z\d+.-]*:\/\/)?.*@/is, '$1***@').replace(/\?.*$/s, '?***'));
}

/** Stands where a secret was received. */
export const HIDDEN = '(hidden)';

function renderText(text: string): string {
  return JSON.stringify(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);
}

function renderObject(value: object): string {
  const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: string } } | null;
  const name = prototype?.constructor?.name ?? 'Object';
  if (name !== 'Object' && name !== '') return `an instance of ${name}`;
  const keys = Object.keys(value);
  return keys.length === 0 ? 'an empty object' : `an object with ${keys.slice(0, 10).join(', ')}`;
}
