/** A part of a text in Markdown. */
export interface Section {
  readonly title: string;
  readonly lines: readonly string[];
  /** Of the whole text, 0 to 1; what a section leaves goes to those after it. */
  readonly share: number;
  /** The lines are code: they are fenced. */
  readonly isCode?: boolean;
}

/** Longest line: the rest of a statement or message of kilobytes says little. */
const MAX_LINE = 1_000;

/** A text of at most `maxBytes`: each section has its share, and says how many lines are left out. Empty sections are left out. */
export function writeSections(head: string, sections: readonly Section[], maxBytes: number): string {
  let text = head;
  let room = maxBytes - bytesOf(head);
  let shares = sections.reduce((sum, { lines, share }) => sum + (lines.length > 0 ? share : 0), 0);
  for (const section of sections) {
    if (section.lines.length === 0) continue;
    const written = writeSection(section, (room * section.share) / shares);
    text += written;
    room -= bytesOf(written);
    shares -= section.share;
  }
  return text;
}

/** Bytes of title, fences and the line about what is left out. */
const FRAME_BYTES = 80;

function writeSection({ title, lines, isCode = false }: Section, maxBytes: number): string {
  const kept: string[] = [];
  let room = maxBytes - FRAME_BYTES - bytesOf(title);
  for (const line of lines) {
    const cut = cutText(line, MAX_LINE);
    room -= bytesOf(cut) + 1;
    if (room < 0) break;
    kept.push(cut);
  }
  const left = lines.length - kept.length;
  if (kept.length === 0) return '';
  const body = isCode ? fence(kept.join('\n')) : kept.join('\n');
  return `\n## ${title}\n\n${body}\n${left > 0 ? `\n… ${left} more lines\n` : ''}`;
}

/** Code, with a fence that is not in it. */
function fence(code: string): string {
  const ticks = '`'.repeat(Math.max(3, 1 + Math.max(0, ...runsOf(code))));
  return `${ticks}text\n${code}\n${ticks}`;
}

/** Code within a line: a name or statement that someone else has written. */
export function inline(text: string, maxLength = 300): string {
  const plain = cutText(text.replace(/\s+/g, ' ').trim(), maxLength);
  const ticks = '`'.repeat(1 + Math.max(0, ...runsOf(plain)));
  const space = plain === '' || /^`|`$/.test(plain) ? ' ' : '';
  return `${ticks}${space}${plain}${space}${ticks}`;
}

const runsOf = (text: string): readonly number[] => (text.match(/`+/g) ?? []).map(({ length }) => length);

const bytesOf = (text: string): number => Buffer.byteLength(text);

export function cutText(text: string, length: number): string {
  if (text.length <= length) return text;
  // Not within a character of two units.
  const end = /[\ud800-\udbff]/.test(text.charAt(length - 2)) ? length - 2 : length - 1;
  return `${text.slice(0, end)}…`;
}

/** `1.24 s`, `830 ms`, `0.012 ms`. */
export function durationOf(ms: number): string {
  if (ms >= 10_000) return `${Math.round(ms / 100) / 10} s`;
  if (ms >= 1_000) return `${Math.round(ms / 10) / 100} s`;
  if (ms >= 100) return `${Math.round(ms)} ms`;
  return ms >= 1 ? `${Math.round(ms * 10) / 10} ms` : `${Math.round(ms * 1_000) / 1_000} ms`;
}

/** ISO 8601; clocks of other services may say anything. */
export function isoOf(time: number | null | undefined): string | undefined {
  if (time === null || time === undefined) return undefined;
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
