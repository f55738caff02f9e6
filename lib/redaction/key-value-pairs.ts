import { type KeyKind } from './sensitive-keys.js';

/** Asks what a key that was found in a text says about its value. */
export type JudgeKey = (key: string, inQuery: boolean) => KeyKind;

/** Makes the text that stands in place of a secret. */
export type ReplaceValue = (secret: string, key: string) => string;

const SEPARATOR = /[=:%]/g;
/** How far in front of its separator a key may begin: the key itself, and the characters allowed between them. */
export const LONGEST_HEAD = 64 + 8;
const MAY_END_KEY = /[\p{L}\p{N}_$%"'`\] -]/u;
/** Characters of a key in a text, from its end. */
const KEY_AT_END = /[\p{L}\p{N}_.$%-]+$/u;
const LINE_AND_COLUMN = /^\d+(?::\d+)?(?![\w.])/;
const SOURCE_FILE = /\.(?:[cm]?[jt]sx?|vue|json|html?)$/i;
const NO_SECRET = /^(?:null|undefined|true|false|none|nil|NaN|\[\w+\]|\*+)$/i;
/** What a masked statement has in place of a value. */
const PLACEHOLDER = /^(?:\?|\$\d{1,5})$/;
/** A word of a sentence, not of a secret. */
const PROSE = /^(?:[A-Z]?[a-z']+[.,!?]?|\d{1,3})$/;
const END_OF_VALUE = /[\s&;,"'`<>()[\]{}|]/g;
const END_OF_LINE = /["'`\r\n]/g;
const OPTION = /(^|\s)--([a-z][\w-]{1,63})(\s+)("[^"]*"?|'[^']*'?|[^\s-]\S*)/gi;

/**
 * Replaces the values of secret keys in a text: `token=…` in queries and forms, `"password":"…"` in JSON, also in JSON inside
 * JSON, `Cookie: …` in headers, `--password …` in command lines. Linear in the length of the text.
 */
export function redactPairs(text: string, judge: JudgeKey, replace: ReplaceValue): string {
  let result = '';
  let done = 0;
  for (let at = nextSeparator(text, 0); at !== -1; at = nextSeparator(text, Math.max(done, at + 1))) {
    const secret = findSecret(text, at, text.charCodeAt(at) === PERCENT ? 3 : 1, judge);
    if (secret === undefined) continue;
    const [start, end, key] = secret;
    result += text.slice(done, start) + replace(text.slice(start, end), key);
    done = end;
  }
  const pairs = done === 0 ? text : result + text.slice(done);
  return pairs.includes('--') ? redactOptions(pairs, judge, replace) : pairs;
}

/** Where the next `=`, `:` or `%3D` is that may follow a key; -1 where there is none. */
function nextSeparator(text: string, from: number): number {
  SEPARATOR.lastIndex = from;
  while (SEPARATOR.test(text)) {
    const at = SEPARATOR.lastIndex - 1;
    const code = text.charCodeAt(at);
    if (code === COLON ? !isSchemeAt(text, at) : code !== PERCENT || isEncodedEqualsAt(text, at)) return at;
  }
  return -1;
}

/** `https://` and the like. */
function isSchemeAt(text: string, at: number): boolean {
  return text.charCodeAt(at + 1) === SLASH && text.charCodeAt(at + 2) === SLASH;
}

/** `%3D`. */
function isEncodedEqualsAt(text: string, at: number): boolean {
  return text.charCodeAt(at + 1) === THREE && (text.charCodeAt(at + 2) | 0x20) === LOWER_D;
}

function redactOptions(text: string, judge: JudgeKey, replace: ReplaceValue): string {
  return text.replace(OPTION, (match, before: string, key: string, space: string, value: string) =>
    isSecret(judge(key, false)) ? `${before}--${key}${space}${replace(value, key)}` : match,
  );
}

function findSecret(
  text: string,
  separatorAt: number,
  separatorLength: number,
  judge: JudgeKey,
): readonly [start: number, end: number, key: string] | undefined {
  // Most separators follow no key: those of routes, of times behind a space, runs of them.
  const last = text.charCodeAt(separatorAt - 1);
  const isBare = last !== DOT && isKeyCode(last);
  if (!isBare && !MAY_END_KEY.test(text.charAt(separatorAt - 1))) return undefined;
  const isColon = text.charCodeAt(separatorAt) === COLON;
  let start = separatorAt + separatorLength;
  const firstOfHead = Math.max(0, separatorAt - LONGEST_HEAD);
  const endOfHead = isBare ? separatorAt : endWithoutSpaces(text, firstOfHead, separatorAt);
  const endOfKey = isBare ? separatorAt : endWithoutQuote(text, firstOfHead, endOfHead);
  const startOfKey = startOfKeyAt(text, firstOfHead, endOfKey);
  if (startOfKey === endOfKey) return undefined;
  const quotedKey = endOfKey < endOfHead;
  const key = text.slice(startOfKey, endOfKey);
  const inQuery = !isColon && isQueryMark(text.charCodeAt(startOfKey - 1));
  const kind = judge(key, inQuery);
  if (!isSecret(kind)) return undefined;
  while (text.charAt(start) === '=' || text.charAt(start) === '>' || text.charAt(start) === ':') start += 1;
  const spaceAt = start;
  while (text.charAt(start) === ' ' && start - spaceAt < 8) start += 1;
  const quote = /^\\{0,4}["'`]/.exec(text.slice(start, start + 5))?.[0];
  if (quote !== undefined) {
    const end = endOfQuoted(text, start + quote.length, quote);
    const quoted = text.slice(start + quote.length, end);
    return quoted === '' || PLACEHOLDER.test(quoted) ? undefined : [start + quote.length, end, key];
  }
  if (isColon && (SOURCE_FILE.test(key) || LINE_AND_COLUMN.test(text.slice(start, start + 24)))) {
    if (kind !== 'secret' || SOURCE_FILE.test(key)) return undefined;
  }
  const end = endOfPlain(text, start, key, isColon);
  const value = text.slice(start, end);
  if (value === '' || NO_SECRET.test(value) || PLACEHOLDER.test(value)) return undefined;
  // "Invalid token: unexpected end" is a sentence.
  if (isColon && !quotedKey && kind !== 'secret' && PROSE.test(value)) return undefined;
  return [start, end, key];
}

/** Where the text before `end` ends without the spaces behind a key, two at most. */
export function endWithoutSpaces(text: string, from: number, end: number): number {
  let last = end;
  while (last > from && end - last < 2 && text.charCodeAt(last - 1) === SPACE) last -= 1;
  return last;
}

/** The same without the quote or bracket that closes a key, which may be escaped. */
export function endWithoutQuote(text: string, from: number, end: number): number {
  if (end === from || CLOSING_CODES[text.charCodeAt(end - 1)] !== 1) return end;
  let last = end - 1;
  while (last > from && end - last <= 4 && text.charCodeAt(last - 1) === BACKSLASH) last -= 1;
  return last;
}

/** Where the key begins that ends at `end`: what `KEY_AT_END` finds, without trying each position of an ASCII text. */
function startOfKeyAt(text: string, from: number, end: number): number {
  let start = end;
  while (start > from && isKeyCode(text.charCodeAt(start - 1))) start -= 1;
  if (start === from || text.charCodeAt(start - 1) <= 0x7f) return start;
  return end - (KEY_AT_END.exec(text.slice(from, end))?.[0].length ?? 0);
}

function isQueryMark(code: number): boolean {
  return code === QUESTION_MARK || code === AMPERSAND;
}

/** Whether it is an ASCII character of a key. */
function isKeyCode(code: number): boolean {
  return KEY_CODES[code] === 1;
}

/** 1 for the ASCII characters of a key. */
export const KEY_CODES = codesOf('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$%-');
/** 1 for what closes a key. */
const CLOSING_CODES = codesOf('"\'`]');

function codesOf(characters: string): Uint8Array {
  const codes = new Uint8Array(256);
  for (const character of characters) codes[character.charCodeAt(0)] = 1;
  return codes;
}

const SPACE = 0x20;
const PERCENT = 0x25;
const AMPERSAND = 0x26;
const DOT = 0x2e;
const SLASH = 0x2f;
const THREE = 0x33;
const COLON = 0x3a;
const QUESTION_MARK = 0x3f;
const BACKSLASH = 0x5c;
const LOWER_D = 0x64;

/** The end of a quoted value; an unterminated one lasts to the end of the text. */
function endOfQuoted(text: string, start: number, quote: string): number {
  let end = text.indexOf(quote, start);
  // In a text with one level of escaping a quote behind a backslash belongs to the value.
  while (quote.length === 1 && end !== -1 && isEscaped(text, start, end)) end = text.indexOf(quote, end + 1);
  return end === -1 ? text.length : end;
}

function isEscaped(text: string, start: number, at: number): boolean {
  let backslashes = 0;
  while (at - backslashes > start && text.charAt(at - backslashes - 1) === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}

function endOfPlain(text: string, start: number, key: string, isColon: boolean): number {
  // Headers hold more than one word: `Cookie: a=1; b=2`, `Authorization: Digest username="…"`.
  if (/cookie$|authorization$/i.test(key) && isColon) return search(text, END_OF_LINE, start);
  const end = search(text, END_OF_VALUE, start);
  const isScheme = /^(?:Bearer|Basic|Digest|Negotiate|ApiKey|Token)$/i.test(text.slice(start, end));
  return isScheme && text.charAt(end) === ' ' ? search(text, END_OF_VALUE, end + 1) : end;
}

function search(text: string, pattern: RegExp, from: number): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? text.length;
}

function isSecret(kind: KeyKind): boolean {
  return kind === 'secret' || kind === 'secretText';
}

/** Where a URL ends in a text. */
const END_OF_URL = /[\s"'<>`]/g;
const LONGEST_PATH = 2_048;

/** Cuts the queries off all URLs and paths in the text of an error: `Cannot GET /reset?token=…`. Linear. */
export function cutQueries(text: string, replace: (query: string) => string): string {
  let result = '';
  let done = 0;
  let from = 0;
  for (let mark = text.indexOf('?'); mark !== -1; mark = text.indexOf('?', from)) {
    const hasPath = hasPathBefore(text, Math.max(from, mark - LONGEST_PATH), mark);
    from = mark + 1;
    if (!hasPath) continue;
    const end = search(text, END_OF_URL, mark);
    const query = text.slice(mark + 1, end).replace(/[)},.;:!]{1,8}$/, '');
    from = end;
    if (query === '') continue;
    result += text.slice(done, mark + 1) + replace(query);
    done = mark + 1 + query.length;
  }
  return done === 0 ? text : result + text.slice(done);
}

/** Whether the run of characters in front of a question mark has a slash in it. */
function hasPathBefore(text: string, from: number, mark: number): boolean {
  for (let index = mark - 1; index >= from; index -= 1) {
    const code = text.charCodeAt(index);
    if (code === SLASH) return true;
    if (code <= SPACE) return false;
  }
  return false;
}
