/** More make a search slower, and seldom more exact. */
const MAX_WORDS = 8;

/** A search that finds the lines of a pattern: its words that are the same in all of them. */
export function wordsOfPattern(pattern: string): string {
  const constant = pattern.replace(/\S*[#…]\S*/gu, ' ');
  return (constant.match(/[\p{L}\p{N}]+/gu) ?? []).slice(0, MAX_WORDS).join(' ');
}
