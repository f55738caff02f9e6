import { type JsonAttributes } from '../../reader/answers.interface.js';

/** What the text says; empty when a text that somebody else wrote is no JSON object. */
export function readAttributes(text: string | null): JsonAttributes {
  return text === null ? {} : ((readJson(text) as JsonAttributes | undefined) ?? {});
}

/** The members of a JSON array; empty for anything else. */
export function readList<T>(text: string | null): readonly T[] {
  const list = text === null ? undefined : readJson(text);
  return Array.isArray(list) ? (list as T[]) : [];
}

function readJson(text: string): object | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    // Whoever wrote it did not keep to the interface; the row is shown without it.
    return undefined;
  }
}
