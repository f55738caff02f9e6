import { getOrAdd } from '../../get-or-add.js';

/** What stands before the text of a member, by its key: code names a few. */
const LABELS = new Map<string, string>();

/** The text at a member of the text of a JSON object; undefined where there is none. Other members are not read. */
export function textAt(json: string, key: string): string | undefined {
  const label = getOrAdd(LABELS, key, () => `"${key}":"`);
  const at = json.indexOf(label);
  if (at === -1) return undefined;
  const begin = at + label.length;
  const text = json.slice(begin, json.indexOf('"', begin));
  return text.includes('\\') ? readText(json, key) : text;
}

/** With what is escaped in it. */
function readText(json: string, key: string): string | undefined {
  try {
    const value = (JSON.parse(json) as Readonly<Record<string, unknown>>)[key];
    return typeof value === 'string' ? value : undefined;
  } catch {
    // It was not written by this library, or was cut: the member counts as not there.
    return undefined;
  }
}
