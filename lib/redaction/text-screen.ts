import { endWithoutQuote, endWithoutSpaces, KEY_CODES, LONGEST_HEAD } from './key-value-pairs.js';
import {
  API_KEY_BEGINNINGS,
  mayHoldSecretWithoutKey,
  RULE_BITS,
  SHORTEST_SECRET,
} from './secret-patterns.js';

/** Options of command lines, which belong to the rule `pairs`. */
const OPTIONS = 128;
export const PAIRS_AND_OPTIONS = RULE_BITS.pairs | OPTIONS;
const ALL_RULES = 255;

const SEPARATORS = /[=:%]/;

const SPACE = 0x20;
const PERCENT = 0x25;
const AMPERSAND = 0x26;
const DASH = 0x2d;
const DOT = 0x2e;
const SLASH = 0x2f;
const THREE = 0x33;
const COLON = 0x3a;
const EQUALS = 0x3d;
const QUESTION_MARK = 0x3f;
const UPPER_A = 0x41;
const LOWER_A = 0x61;
const LOWER_B = 0x62;
const LOWER_D = 0x64;
const LOWER_E = 0x65;
const LOWER_G = 0x67;
const LOWER_I = 0x69;
const LOWER_O = 0x6f;
const LOWER_S = 0x73;
const LOWER_Y = 0x79;

/** Longer texts are not screened: V8's own searches cost less there, for texts without a key from 64 characters on. */
const LONGEST_SCREENED = 400;
const LONGEST_PROSE_SCREENED = 64;
/** Up to three bytes a character, and zeros to look at behind the last one. */
const bytes = new Uint8Array(LONGEST_SCREENED * 3 + 4);
const encoder = new TextEncoder();

const DIGIT = 1;
const MARK = 2;
const SEPARATOR = 3;
const LETTER_OF_SCHEME = 4;
const LETTER_OF_TOKEN = 5;
const AT_SIGN = 6;
/** What a byte means to the rules: most bytes nothing, 0. */
const KINDS = tableOf(
  ['0123456789', DIGIT],
  ['-_.', MARK],
  ['=:%', SEPARATOR],
  ['bBgGkK', LETTER_OF_SCHEME],
  ['AJ', LETTER_OF_TOKEN],
  ['@', AT_SIGN],
);

/** By the codes of two characters, the marks that may follow them in an API key or a webhook, as bits of `markBit()`. */
const MARKS_BEHIND = new Uint8Array(1 << 14);
/** By the codes of the second and third character, 1 for API keys without a mark, such as `AKIA`. */
const BEHIND_FIRST = new Uint8Array(1 << 14);
for (const text of [...API_KEY_BEGINNINGS, 'hooks.']) {
  const mark = text.search(/[-_.]/);
  if (mark === -1) BEHIND_FIRST[pairOf(text.charCodeAt(1), text.charCodeAt(2))] = 1;
  else {
    const pair = pairOf(text.charCodeAt(mark - 2), text.charCodeAt(mark - 1));
    MARKS_BEHIND[pair] = (MARKS_BEHIND[pair] ?? 0) | markBit(text.charCodeAt(mark));
  }
}

const DIGITS_OF_CARD = 13;
const SLOTS = 512;

/**
 * Looks once at each character of a text and returns which rules may match. Nearly all texts match none, and to find that out
 * costs a fraction of one search per rule. It may return too many rules, never too few.
 */
export class TextScreen {
  /** Plain keys, by a sum of their characters: those outside of queries, then those in queries. */
  private readonly plainKeys = new Array<string>(2 * SLOTS).fill('');

  /** @param isPlainKey whether a key in a text does not make its value secret */
  constructor(private readonly isPlainKey: (key: string, inQuery: boolean) => boolean) {}

  /** The bits of the rules that may match. */
  rulesFor(text: string): number {
    if (text.length > LONGEST_PROSE_SCREENED) {
      if (!SEPARATORS.test(text)) return mayHoldSecretWithoutKey(text) ? ALL_RULES : 0;
      if (text.length > LONGEST_SCREENED) return ALL_RULES;
    }
    const end = encoder.encodeInto(text, bytes).written;
    bytes[end] = 0;
    bytes[end + 1] = 0;
    bytes[end + 2] = 0;
    let rules = 0;
    let digits = 0;
    let lastDigit = -3;
    let hasUrl = false;
    for (let at = 0; at < end; at += 1) {
      const code = byteAt(at);
      const kind = KINDS[code];
      if (kind === 0) continue;
      if (kind === DIGIT) {
        const goesOn = lastDigit === at - 1 || (lastDigit === at - 2 && isGap(byteAt(at - 1)));
        digits = goesOn ? digits + 1 : 1;
        if (digits === DIGITS_OF_CARD) rules |= RULE_BITS.cards;
        lastDigit = at;
      } else if (kind === MARK) {
        if (code === DASH && byteAt(at + 1) === DASH) rules |= RULE_BITS['private-keys'] | OPTIONS;
        if (at > 1 && mayEndPrefix(at, code)) rules |= RULE_BITS['api-keys'];
      } else if (kind === SEPARATOR) {
        if (code === COLON && byteAt(at + 1) === SLASH && byteAt(at + 2) === SLASH) hasUrl = true;
        else if ((rules & RULE_BITS.pairs) === 0 && this.mayFollowSecretKey(text, at, end))
          rules |= RULE_BITS.pairs;
      } else if (kind === LETTER_OF_SCHEME) {
        if (isInScheme(at, code)) rules |= RULE_BITS.credentials;
      } else if (kind === LETTER_OF_TOKEN) {
        if (code === UPPER_A) rules |= mayBeginKey(at) ? RULE_BITS['api-keys'] : 0;
        else if (at > 0 && byteAt(at - 1) === LOWER_Y) rules |= RULE_BITS.jwt;
      } else if (hasUrl) rules |= RULE_BITS['url-credentials'];
    }
    return rules;
  }

  /** Whether the key in front of a separator is not known to be plain. Finds keys as `redactPairs()` does. */
  private mayFollowSecretKey(text: string, at: number, length: number): boolean {
    const code = byteAt(at);
    if (code === PERCENT && !(byteAt(at + 1) === THREE && (byteAt(at + 2) | 0x20) === LOWER_D)) return false;
    // In a text with other characters than ASCII the positions are not those of the bytes.
    if (length !== text.length) return true;
    const from = Math.max(0, at - LONGEST_HEAD);
    const end = endWithoutQuote(text, from, endWithoutSpaces(text, from, at));
    let start = end;
    let sum = 0;
    while (start > from && KEY_CODES[byteAt(start - 1)] === 1) {
      start -= 1;
      sum = (Math.imul(sum, 31) + byteAt(start)) | 0;
    }
    if (start === end) return false;
    const before = start === 0 ? 0 : byteAt(start - 1);
    const inQuery = code !== COLON && (before === QUESTION_MARK || before === AMPERSAND);
    const slot = ((sum ^ (sum >>> 9)) & (SLOTS - 1)) + (inQuery ? SLOTS : 0);
    if (isText(this.plainKeys[slot] ?? '', start, end)) return false;
    const key = text.slice(start, end);
    if (!this.isPlainKey(key, inQuery)) return true;
    this.plainKeys[slot] = key;
    return false;
  }
}

/** Whether the bytes from `start` to `end` are those of `text`. */
function isText(text: string, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  for (let index = 0; index < text.length; index += 1)
    if (text.charCodeAt(index) !== byteAt(start + index)) return false;
  return true;
}

/** Whether a text is too short for any rule, and holds no key either. */
export function isShort(text: string): boolean {
  if (text.length >= SHORTEST_SECRET) return false;
  // So few characters cost less than a call of V8's search.
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === EQUALS || code === COLON || code === PERCENT) return false;
  }
  return true;
}

/** Whether a letter is that of `Bearer`, `Basic`, `Negotiate` or `ApiKey`, in any case, by those beside it. */
function isInScheme(at: number, code: number): boolean {
  const before = at === 0 ? 0 : byteAt(at - 1) | 0x20;
  const after = byteAt(at + 1) | 0x20;
  switch (code | 0x20) {
    case LOWER_B:
      return (
        (after === LOWER_E && (byteAt(at + 2) | 0x20) === LOWER_A) ||
        (after === LOWER_A && (byteAt(at + 2) | 0x20) === LOWER_S)
      );
    case LOWER_G:
      return before === LOWER_E && after === LOWER_O;
    default:
      return before === LOWER_I && after === LOWER_E;
  }
}

/** Whether an API key without a mark may begin, by its second and third character. */
function mayBeginKey(at: number): boolean {
  return BEHIND_FIRST[pairOf(byteAt(at + 1), byteAt(at + 2))] === 1;
}

/** Whether a mark may be the first one of an API key or a webhook, by the two characters before it. */
function mayEndPrefix(at: number, mark: number): boolean {
  return ((MARKS_BEHIND[pairOf(byteAt(at - 2), byteAt(at - 1))] ?? 0) & markBit(mark)) !== 0;
}

/** `-` is 1, `.` is 2, `_` is 4. */
function markBit(code: number): number {
  return code === DASH ? 1 : code === DOT ? 2 : 4;
}

/** Between two groups of digits of a card number. */
function isGap(code: number): boolean {
  return code === SPACE || code === DASH;
}

function byteAt(index: number): number {
  return bytes[index] ?? 0;
}

function pairOf(first: number, second: number): number {
  return ((first & 0x7f) << 7) | (second & 0x7f);
}

function tableOf(...kinds: readonly (readonly [characters: string, kind: number])[]): Uint8Array {
  const table = new Uint8Array(256);
  for (const [characters, kind] of kinds)
    for (const character of characters) table[character.charCodeAt(0)] = kind;
  return table;
}
