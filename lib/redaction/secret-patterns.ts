import type { RedactionRule } from '../config/redaction.js';

/** The built-in rules on texts, each as a bit. */
export const RULE_BITS = {
  'private-keys': 1,
  'url-credentials': 2,
  credentials: 4,
  jwt: 8,
  'api-keys': 16,
  cards: 32,
  pairs: 64,
} as const satisfies Partial<Record<RedactionRule, number>>;

/** A shorter text is a secret only by its key. */
export const SHORTEST_SECRET = 12;

/** A built-in rule on texts: what it finds, and what of a match is the secret. */
export interface SecretPattern {
  readonly rule: keyof typeof RULE_BITS;
  /** Whether the text can match at all: a test that costs a fraction of what searching costs. */
  readonly mayMatch: (text: string) => boolean;
  /** Global. Linear in the length of the text. */
  readonly pattern: RegExp;
  /** Where the secret begins and ends in a match; undefined for a match that is none. */
  readonly locate: (match: string) => readonly [start: number, end: number] | undefined;
}

const whole = (match: string): readonly [number, number] => [0, match.length];

/**
 * Keys that their issuers made recognisable: how they begin, and what follows. All screens of API keys are made of the beginnings.
 */
const API_KEYS: readonly (readonly [beginnings: string, rest: string])[] = [
  ['AKIA ASIA ABIA ACCA', '[A-Z0-9]{16}'],
  ['AIza', String.raw`[\w-]{35}`],
  ['ya29.', String.raw`[\w-]{20,}`],
  ['GOCSPX-', String.raw`[\w-]{20,}`],
  ['ghp_ gho_ ghu_ ghs_ ghr_', '[A-Za-z0-9]{20,}'],
  ['github_pat_', String.raw`\w{22,}`],
  ['glpat-', String.raw`[\w-]{20,}`],
  ['xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs-', String.raw`[\w-]{10,}`],
  ['xapp-', String.raw`[\w-]{10,}`],
  ['sk_live_ sk_test_ rk_live_ rk_test_', '[A-Za-z0-9]{10,}'],
  ['whsec_', String.raw`[\w+/=]{16,}`],
  ['sk-', String.raw`[\w-]{20,}`],
  ['SG.', String.raw`[\w-]{16,}\.[\w-]{16,}`],
  ['npm_', '[A-Za-z0-9]{36}'],
  ['hf_', '[A-Za-z0-9]{30,}'],
  ['dop_v1_', '[a-f0-9]{64}'],
  ['shpat_ shpca_ shppa_ shpss_', '[a-fA-F0-9]{32}'],
];
export const API_KEY_BEGINNINGS: readonly string[] = API_KEYS.flatMap(([beginnings]) =>
  beginnings.split(' '),
);

/** A scheme in any case. V8 skips to a space, but would try each position for an alternation. */
const SCHEME_AND_SPACE = /\s(?<=(?:bearer|basic|negotiate|apikey)\s)/i;
/** V8 skips to the rare letter. */
const JWT = /J(?<=eyJ)/;
/** The beginning of a card number. Without a look behind, V8 skips to a digit. */
const SEVEN_DIGITS = /\d(?:[ -]?\d){6}/;

export const SECRET_PATTERNS: readonly SecretPattern[] = [
  {
    rule: 'private-keys',
    mayMatch: (text) => text.includes('-----BEGIN '),
    pattern:
      /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[^]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)/g,
    locate: whole,
  },
  {
    rule: 'url-credentials',
    mayMatch: (text) => text.includes('@') && text.includes('://'),
    pattern: /:\/\/[^\s"'<>`]{1,2048}/g,
    locate: locateUserinfo,
  },
  {
    rule: 'credentials',
    mayMatch: (text) => SCHEME_AND_SPACE.test(text),
    pattern: /\b(?:Bearer|Basic|Negotiate|ApiKey)\s{1,4}[A-Za-z0-9._~+/=-]{4,}(?!["A-Za-z0-9._~+/=-])/gi,
    locate: locateCredentials,
  },
  {
    rule: 'jwt',
    mayMatch: (text) => JWT.test(text),
    pattern: /\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*){0,3}/g,
    locate: whole,
  },
  {
    rule: 'api-keys',
    mayMatch: mayHoldApiKey,
    pattern: new RegExp(
      `(?<![A-Za-z0-9])(?:${API_KEYS.map(([beginnings, rest]) => `(?:${anyOf(beginnings.split(' '))})${rest}`).join('|')})`,
      'g',
    ),
    locate: whole,
  },
  {
    rule: 'api-keys',
    mayMatch: (text) => text.includes('.slack.com'),
    pattern: /hooks\.slack\.com\/(?:services|workflows|triggers)\/[\w/-]{8,}/g,
    locate: (match) => [match.indexOf('/', match.indexOf('/') + 1) + 1, match.length],
  },
  {
    rule: 'cards',
    mayMatch: (text) => SEVEN_DIGITS.test(text),
    pattern: /(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-]|\.\d)/g,
    locate: (match) => (isCardNumber(match.replace(/[ -]/g, '')) ? whole(match) : undefined),
  },
];

/** One of these is in each text that `WITHOUT_DASH` matches: V8 looks for a few characters in some ten nanoseconds. */
const RARE = /[JICG9]/;
const DASHES = /[_-]/;
const WITHOUT_DASH = new RegExp(`eyJ|${anyOf(API_KEY_BEGINNINGS.filter((text) => !DASHES.test(text)))}`);
/** Begins with a rare letter of each scheme: V8 skips to one, but tries each position for an alternation. */
const SCHEMES = /[bBgK](?:(?<=[bB])(?:earer|EARER|asic|ASIC)|(?<=eg)otiate|(?<=piK)ey)\s/;
/** Two dashes, or the beginning of an API key up to its first dash. */
const AROUND_DASH = new RegExp(`-(?:-|(?<=${upTo('-')}))|_(?<=${upTo('_')})`);

/** Whether a rule may match a text without `=`, `:` and `%`. For long texts cheaper than a look at each character. */
export function mayHoldSecretWithoutKey(text: string): boolean {
  return mayHoldApiKey(text) || SEVEN_DIGITS.test(text) || SCHEMES.test(text) || text.includes('.slack.com');
}

function mayHoldApiKey(text: string): boolean {
  return (RARE.test(text) && WITHOUT_DASH.test(text)) || (DASHES.test(text) && AROUND_DASH.test(text));
}

/** The beginnings of API keys up to the first dash, if it is `dash`; those that differ in the letter before it are one alternative. */
function upTo(dash: string): string {
  const letters = new Map<string, string>();
  for (const text of API_KEY_BEGINNINGS) {
    const at = text.search(DASHES);
    if (text[at] !== dash) continue;
    const stem = text.slice(0, at - 1);
    letters.set(stem, `${letters.get(stem) ?? ''}${text.charAt(at - 1)}`);
  }
  return Array.from(letters, ([stem, last]) => `${stem}[${last}]${dash}`).join('|');
}

/** The source of an expression for one of these texts. */
function anyOf(texts: readonly string[]): string {
  return texts.map((text) => text.replaceAll('.', String.raw`\.`)).join('|');
}

/** Whether the digits are those of a payment card: an issuer's prefix, its length and the Luhn check digit. */
export function isCardNumber(digits: string): boolean {
  const { length } = digits;
  const two = Number(digits.slice(0, 2));
  const four = Number(digits.slice(0, 4));
  const issued =
    (digits.startsWith('4') && (length === 13 || length === 16 || length === 19)) ||
    (length === 16 && ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720))) ||
    (length === 15 && (two === 34 || two === 37)) ||
    (length === 14 && (two === 36 || two === 38 || (four >= 3000 && four <= 3059))) ||
    (length >= 16 && (two === 65 || two === 62 || four === 6011 || (four >= 3528 && four <= 3589))) ||
    (length === 16 && four >= 6440 && four <= 6499);
  return issued && passesLuhn(digits);
}

function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index += 1) {
    const digit = digits.charCodeAt(digits.length - 1 - index) - 48;
    const weighed = index % 2 === 0 ? digit : digit * 2;
    sum += weighed > 9 ? weighed - 9 : weighed;
  }
  return sum % 10 === 0;
}

/** `user:password@` of a URL; a plain user name alone (`ssh://git@host`) is no secret. */
function locateUserinfo(match: string): readonly [number, number] | undefined {
  const start = 3;
  const slash = match.slice(start).search(/[/?#\\]/);
  const authority = slash === -1 ? match.slice(start) : match.slice(start, start + slash);
  const at = authority.lastIndexOf('@');
  if (at > 0) {
    const userinfo = authority.slice(0, at);
    return /^[a-z][a-z._-]{0,31}$/i.test(userinfo) ? undefined : [start, start + at];
  }
  // A password with an unescaped slash: what follows the first colon is no port.
  const colon = authority.indexOf(':');
  const late = match.lastIndexOf('@');
  if (colon === -1 || late <= start || /^\d*$/.test(authority.slice(colon + 1))) return undefined;
  return authority.startsWith('[') ? undefined : [start, late];
}

/** What follows the scheme, unless it is a word of a sentence ("Basic authentication"). */
function locateCredentials(match: string): readonly [number, number] | undefined {
  const start = match.search(/\s\S/) + 1;
  const value = match.slice(start);
  if (/^[A-Z]?[a-z]+[.]*$/.test(value) || value.length < 4) return undefined;
  return [start, match.length];
}

/**
 * Hints of the characters of a short text, for code that reads each of them anyway: the bits of all of them together show
 * for nearly all texts, without a search, that they hold no secret.
 */
export const CHARACTER_HINTS = new Uint8Array(128);

/** Between a key and its value. */
const SEPARATOR = 1;
/** In API keys, tokens and card numbers. */
const RARE_CHARACTER = 2;
const SPACE = 4;
/** In `Bearer`, `Basic`, `Negotiate` and `ApiKey`. */
const SCHEME = 8;

for (const [characters, hint] of [
  ['=:%', SEPARATOR],
  ['JICG_-.0123456789', RARE_CHARACTER],
  [' \t\n\v\f\r', SPACE],
  ['bBgK', SCHEME],
] as const) {
  for (const character of characters) CHARACTER_HINTS[character.charCodeAt(0)] = hint;
}

/**
 * Whether no built-in pattern matches a text.
 *
 * @param hints those of all its characters, which are ASCII
 */
export function areHarmless(hints: number, length: number): boolean {
  if (hints === 0) return true;
  if ((hints & SEPARATOR) !== 0) return false;
  return (
    length < SHORTEST_SECRET ||
    ((hints & RARE_CHARACTER) === 0 && (hints & (SPACE | SCHEME)) !== (SPACE | SCHEME))
  );
}
