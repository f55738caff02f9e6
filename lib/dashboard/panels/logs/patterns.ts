import { type Page } from '../../reader/answers/answer-parts.interface.js';
import { type LogAnswer } from '../../reader/answers/logs.interface.js';
import { type Steps } from '../../steps.js';
import { maskMessage } from './mask-message.js';

/** Lines of one service and level whose messages differ only in numbers, ids and quoted texts. */
export interface LogPattern {
  /** The message with `#` and `…` in place of what differs. */
  readonly pattern: string;
  readonly service: string;
  readonly level: string;
  readonly count: number;
  /** Of the lines that were read. */
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** Whether none of its lines is in the older half of the time that was read. */
  readonly isNew: boolean;
}

export interface LogPatternsAnswer {
  /** How many of the newest lines were read. */
  readonly read: number;
  /** Whether these were all. */
  readonly isAll: boolean;
  /** New ones first, then the most frequent. */
  readonly patterns: readonly LogPattern[];
}

const MAX_LINES = 5_000;
const PAGE = 1_000;
/** Later pages are not read. */
const LOOKING_MS = 150;
const MAX_PATTERNS = 1_000;
const MAX_ANSWERED = 200;
const LINES_PER_STEP = 200;

type Counted = Omit<LogPattern, 'isNew'>;

/**
 * The patterns of the newest lines, at most 5,000.
 *
 * @param ask returns a page of the lines, newest first
 * @param work runs steps in turns with other work
 */
export async function findPatterns(
  ask: (before: string | undefined, limit: number) => Promise<Page<LogAnswer>>,
  work: <T>(steps: Steps<T>) => Promise<T>,
): Promise<LogPatternsAnswer> {
  const found = new Map<string, Counted>();
  const until = performance.now() + LOOKING_MS;
  let read = 0;
  let oldest = Infinity;
  let newest = -Infinity;
  let next: string | undefined;
  do {
    const page = await ask(next, Math.min(PAGE, MAX_LINES - read));
    await work(countPatterns(page.items, found));
    for (const { time } of page.items) {
      oldest = Math.min(oldest, time);
      newest = Math.max(newest, time);
    }
    read += page.items.length;
    next = page.next;
  } while (next !== undefined && read < MAX_LINES && performance.now() < until);
  const middle = (oldest + newest) / 2;
  const patterns = [...found.values()]
    .map((each) => ({ ...each, isNew: each.firstSeen > middle }))
    .sort((a, b) => Number(b.isNew) - Number(a.isNew) || b.count - a.count || b.lastSeen - a.lastSeen)
    .slice(0, MAX_ANSWERED);
  return { read, isAll: next === undefined, patterns };
}

function* countPatterns(lines: readonly LogAnswer[], found: Map<string, Counted>): Steps<void> {
  for (const [index, { message, service, level, time }] of lines.entries()) {
    const pattern = maskMessage(message);
    const key = `${level}\n${service}\n${pattern}`;
    const before = found.get(key);
    if (before !== undefined || found.size < MAX_PATTERNS)
      found.set(key, {
        pattern,
        service,
        level,
        count: (before?.count ?? 0) + 1,
        firstSeen: Math.min(before?.firstSeen ?? time, time),
        lastSeen: Math.max(before?.lastSeen ?? time, time),
      });
    if (index % LINES_PER_STEP === LINES_PER_STEP - 1) yield;
  }
}
