import type { LogAnswer } from '../../../reader/answers/logs.interface.js';

/** More leave no room for the message. */
export const MAX_COLUMNS = 6;
/** Of so many of the newest lines fields are suggested. */
const LATEST_LINES = 500;
const MAX_SUGGESTED = 100;

/** Fields that the address shows as columns. */
export const columnsOf = (query: URLSearchParams): readonly string[] =>
  [...new Set(query.getAll('column'))].filter((key) => key !== '').slice(0, MAX_COLUMNS);

/** Fields that lines have and no column shows, the most frequent first. */
export function suggestColumns(lines: readonly LogAnswer[], columns: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { attributes } of lines.slice(0, LATEST_LINES))
    for (const key of Object.keys(attributes)) counts.set(key, (counts.get(key) ?? 0) + 1);
  return [...counts]
    .filter(([key]) => key !== 'exception.stacktrace' && !columns.includes(key))
    .sort(([a, countOfA], [b, countOfB]) => countOfB - countOfA || a.localeCompare(b))
    .slice(0, MAX_SUGGESTED)
    .map(([key]) => key);
}
