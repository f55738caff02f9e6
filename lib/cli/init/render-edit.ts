import { type FileEdit } from './plan-edits.js';

const CONTEXT = 2;

/** An edit as a diff of one hunk: the lines that differ, with two lines around them. */
export function renderEdit({ path, before = '', after }: FileEdit): string {
  const [old, current] = [linesOf(before), linesOf(after)];
  const hunks = hunksOf(old, current);
  return [`--- ${path}`, `+++ ${path}`, ...hunks, ''].join('\n');
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** Lines that both texts have, as the longest common subsequence of them: the files are small. */
function hunksOf(old: readonly string[], current: readonly string[]): string[] {
  const marked = markLines(old, current);
  const isNear = (index: number): boolean =>
    marked.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some((line) => !line.startsWith(' '));
  return marked.flatMap((line, index) => {
    if (isNear(index)) return [line];
    return isNear(index + 1) && index > 0 ? ['@@'] : [];
  });
}

function markLines(old: readonly string[], current: readonly string[]): string[] {
  const width = current.length + 1;
  const lengths = new Uint32Array((old.length + 1) * width);
  const at = (i: number, j: number): number => lengths[i * width + j] ?? 0;
  for (let i = old.length - 1; i >= 0; i -= 1)
    for (let j = current.length - 1; j >= 0; j -= 1)
      lengths[i * width + j] =
        old[i] === current[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const marked: string[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < current.length) {
    if (i < old.length && j < current.length && old[i] === current[j]) {
      marked.push(` ${old[i]}`);
      i += 1;
      j += 1;
    } else if (j >= current.length || (i < old.length && at(i + 1, j) >= at(i, j + 1))) {
      marked.push(`-${old[i]}`);
      i += 1;
    } else {
      marked.push(`+${current[j]}`);
      j += 1;
    }
  }
  return marked;
}
