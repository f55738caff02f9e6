import { type AnyValue, type Attributes } from '@opentelemetry/api';

import type { FoundSecret, RedactionRule, ReplaceSecret } from '../config/redaction.js';
import { type RedactionConfig } from '../config/redaction.js';
import { CleanTexts, LONGEST_CLEAN } from './clean-texts.js';
import { cutQueries, redactPairs } from './key-value-pairs.js';
import { type NestedValues, redactNested } from './redact-nested.js';
import { isCardNumber, RULE_BITS, SECRET_PATTERNS, type SecretPattern } from './secret-patterns.js';
import { isQuerySecret, type KeyKind, kindOfKey, wordsOf } from './sensitive-keys.js';
import { isShort, PAIRS_AND_OPTIONS, TextScreen } from './text-screen.js';

/** Keys are made by programmers, but an application may also make them of what users type. */
const MAX_KEYS = 4_096;
const MAX_REPLACEMENTS = 1_024;
/** How much of a text a pattern of the application sees at a time: its worst case grows with the square of it, or worse. */
const WINDOW = 4_096;
const OVERLAP = 512;
/** No card number is smaller. */
export const SMALLEST_CARD = 1e12;
/** Parts of the keys in a text that are worth a closer look. */
const HINTS =
  /passw|pwd|pswd|pass$|phrase|passcode|secret|token|auth|cookie|cred|key|sess|sid$|csrf|xsrf|card|number|social|cvv|cvc|csc|ssn|pin|otp|jwt|bearer|code|pass\b|sig/i;

/** What is remembered of a key. */
interface KnownKey {
  readonly kind: KeyKind;
  /** The last value that held no secret: most keys have the same one each time. */
  cleanText: string | undefined;
}

/**
 * What is kept out of everything that is recorded, decided by key and by the look of a text. Applied once where data enters, so
 * that every exporter, standard output, the store and the page see the same. Never throws.
 */
export class RedactionPolicy {
  /** Whether anything is redacted at all. */
  readonly enabled: boolean;
  /** Whether an error keeps only what `keepsErrorProperty()` allows. */
  readonly limitsErrors: boolean;
  /** Whether a text below a plain key that `areHarmless()` accepts holds no secret. */
  readonly trustsCharacters: boolean;
  /** Whether a function of the application makes the replacements, which may do anything. */
  readonly callsApplication: boolean;
  private readonly keys = new Map<string, KnownKey>();
  private readonly off: ReadonlySet<RedactionRule>;
  private readonly patterns: readonly SecretPattern[];
  private readonly ownPatterns: readonly RegExp[];
  private readonly ownWords: readonly (readonly string[])[];
  private readonly ownKeys: readonly RegExp[];
  private readonly errorProperties: ReadonlySet<string>;
  private readonly replacement: string | ReplaceSecret;
  private readonly clean = new CleanTexts();
  private readonly screen = new TextScreen((key, inQuery) => this.kindInText(key, inQuery) === 'plain');
  /** Keys in texts that say nothing about their value, in queries of URLs and elsewhere. */
  private readonly plainQueryKeys = new CleanTexts();
  private readonly plainTextKeys = new CleanTexts();
  /** What the application's `replace` returned: an attribute may pass here twice, and must not change then. */
  private readonly replacements = new Set<string>();

  /** @param onReplaceError called when the application's `replace` threw; the secret is replaced by `[Redacted]` then */
  constructor(
    config: RedactionConfig,
    private readonly onReplaceError: (error: unknown) => void = () => undefined,
  ) {
    const { disable, keys } = config;
    this.enabled = disable !== true;
    this.off = new Set(typeof disable === 'boolean' ? [] : disable);
    this.limitsErrors = this.enabled && !this.off.has('error-properties');
    this.patterns = SECRET_PATTERNS.filter(({ rule }) => !this.off.has(rule));
    this.ownPatterns = config.patterns.map((pattern) => searching(pattern));
    this.trustsCharacters = !this.enabled || this.ownPatterns.length === 0;
    this.ownWords = keys.filter((key) => typeof key === 'string').map(wordsOf);
    this.ownKeys = keys
      .filter((key) => key instanceof RegExp)
      .map((key) => new RegExp(key.source, flags(key)));
    this.errorProperties = new Set(config.errorProperties);
    this.replacement = config.replace;
    this.callsApplication = typeof config.replace === 'function';
  }

  /** The value of an attribute without secrets; the same value where there is none. */
  attribute<V extends AnyValue>(key: string, value: V): V | string {
    if (!this.enabled) return value;
    const known = this.keys.get(key) ?? this.judge(key);
    const { kind } = known;
    if (typeof value === 'string') {
      if (value === known.cleanText) return value;
      if (kind === 'plain') return this.plainText(known, value);
      return kind === 'errorText' ? this.errorText(value) : this.textOf(key, kind, value);
    }
    if (typeof value === 'boolean' || value === undefined || value === null) return value;
    if (typeof value === 'number')
      return kind === 'plain' && value < SMALLEST_CARD
        ? value
        : (this.number(key, kind, value) as V | string);
    if (kind === 'secret' || kind === 'secretText') return this.replaceAll(key, value);
    return this.nested(value) as V;
  }

  /** A record of attributes without secrets; the same object where there are none. */
  attributes<T extends Readonly<Attributes>>(attributes: T): T {
    if (!this.enabled) return attributes;
    let copy: Attributes | undefined;
    for (const key in attributes) {
      const value = attributes[key];
      const kept = this.attribute(key, value);
      if (kept !== value) (copy ??= { ...attributes })[key] = kept;
    }
    return (copy ?? attributes) as T;
  }

  /** A text without a key: a log message, the name of a span. */
  text(text: string): string {
    if (!this.enabled) return text;
    // Costs less than looking the text up.
    if (this.ownPatterns.length === 0 && isShort(text)) return text;
    if (this.clean.has(text)) return text;
    const rules = this.screen.rulesFor(text);
    const found = rules === 0 ? text : this.search(text, rules);
    const matched = this.ownPatterns.length === 0 ? found : this.matchOwn(found, undefined);
    if (matched === text) this.clean.add(text);
    return matched;
  }

  /** The message or stack of an error: also without the queries of the URLs in it. */
  errorText(text: string): string {
    if (!this.enabled) return text;
    const cut =
      this.off.has('error-queries') || !text.includes('?')
        ? text
        : cutQueries(text, (query) => this.replace(query, { rule: 'error-queries', key: undefined }));
    return this.text(cut);
  }

  /**
   * A value of any kind without secrets, down to its depths; the same value where there are none. Objects with secrets, and what
   * JSON would ask for another form of itself, are copied; nothing is changed.
   */
  nested(value: unknown, options?: NestedValues): unknown {
    return this.enabled ? redactNested(value, this, options) : value;
  }

  /** Whether an own property of an error is kept: a harmless one, or a number or flag, which is rarely what a user typed. */
  keepsErrorProperty(name: string, value: unknown): boolean {
    if (!this.limitsErrors || HARMLESS_ERROR_PROPERTIES.has(name) || this.errorProperties.has(name))
      return true;
    return (typeof value === 'number' || typeof value === 'boolean') && !HOLDING_VALUES.has(name);
  }

  /** What the value of a secret key becomes; undefined where the key is none. */
  ofSecretKey(key: string, value: unknown): string | undefined {
    const { kind } = this.keys.get(key) ?? this.judge(key);
    if (kind !== 'secret' && kind !== 'secretText') return undefined;
    const type = typeof value;
    if (value === null || type === 'undefined' || type === 'boolean' || type === 'function') return undefined;
    if (type === 'number' && kind === 'secretText') return undefined;
    return this.replaceAll(key, value);
  }

  /** Whether a key names a secret. */
  isSecretKey(key: string): boolean {
    const { kind } = this.keys.get(key) ?? this.judge(key);
    return this.enabled && (kind === 'secret' || kind === 'secretText');
  }

  /** Whether a key says nothing about its value. */
  isPlainKey(key: string): boolean {
    return !this.enabled || (this.keys.get(key) ?? this.judge(key)).kind === 'plain';
  }

  /** A text or a number below a key that is no secret by its name. */
  primitive(key: string | undefined, value: string | number): string | number {
    const kind = key === undefined ? 'plain' : (this.keys.get(key) ?? this.judge(key)).kind;
    if (typeof value === 'number') return this.number(key ?? '', kind, value);
    if (kind === 'identifier') return value;
    return kind === 'errorText' ? this.errorText(value) : this.text(value);
  }

  private textOf(key: string, kind: KeyKind, value: string): string {
    if (kind === 'identifier' || value === '') return value;
    return this.replace(value, { rule: 'keys', key });
  }

  private number(key: string, kind: KeyKind, value: number): number | string {
    if (kind === 'secret') return this.replace(String(value), { rule: 'keys', key });
    const isCard =
      value > SMALLEST_CARD &&
      kind === 'plain' &&
      Number.isSafeInteger(value) &&
      !this.off.has('cards') &&
      isCardNumber(String(value));
    return isCard ? this.replace(String(value), { rule: 'cards', key }) : value;
  }

  private replaceAll(key: string, value: unknown): string {
    return this.replace(typeof value === 'string' ? value : describe(value), { rule: 'keys', key });
  }

  private plainText(known: KnownKey, value: string): string {
    const text = this.text(value);
    if (text === value && value.length <= LONGEST_CLEAN) known.cleanText = value;
    return text;
  }

  private search(text: string, rules: number): string {
    let result = text;
    for (const { rule, mayMatch, pattern, locate } of this.patterns) {
      // A replacement of the application's may look like another secret.
      const skipped = (rules & RULE_BITS[rule]) === 0 && result === text;
      if (skipped || !mayMatch(result)) continue;
      result = result.replace(pattern, (match: string) => {
        const place = locate(match);
        if (place === undefined) return match;
        const [start, end] = place;
        const replaced = this.replace(match.slice(start, end), { rule, key: undefined });
        return match.slice(0, start) + replaced + match.slice(end);
      });
    }
    if (this.off.has('pairs') || ((rules & PAIRS_AND_OPTIONS) === 0 && result === text)) return result;
    return redactPairs(
      result,
      (key, inQuery) => this.judgeInText(key, inQuery),
      (secret, key) => this.replace(secret, { rule: 'pairs', key }),
    );
  }

  /** Texts have any number of keys: only those that look like one of a secret are judged. */
  private judgeInText(key: string, inQuery: boolean): KeyKind {
    const plain = inQuery ? this.plainQueryKeys : this.plainTextKeys;
    if (plain.has(key)) return 'plain';
    const kind = this.kindInText(key, inQuery);
    if (kind === 'plain') plain.add(key);
    return kind;
  }

  private kindInText(key: string, inQuery: boolean): KeyKind {
    if (inQuery && isQuerySecret(key)) return 'secret';
    if (!HINTS.test(key) && this.ownWords.length === 0 && this.ownKeys.length === 0) return 'plain';
    return this.keys.get(key)?.kind ?? this.kindOf(key);
  }

  private matchOwn(text: string, key: string | undefined): string {
    let result = text;
    for (const pattern of this.ownPatterns) result = this.matchInWindows(result, pattern, key);
    return result;
  }

  private matchInWindows(text: string, pattern: RegExp, key: string | undefined): string {
    const replace = (match: string): string =>
      match === '' ? match : this.replace(match, { rule: 'patterns', key });
    if (text.length <= WINDOW) return text.replace(pattern, replace);
    let result = '';
    let rest = text;
    while (rest.length > WINDOW) {
      // A match that begins in the overlap is found as a whole in the next window.
      const window = rest.slice(0, WINDOW);
      let done = WINDOW - OVERLAP;
      let last = 0;
      for (const match of window.matchAll(pattern)) {
        if (match.index >= WINDOW - OVERLAP) break;
        result += window.slice(last, match.index) + replace(match[0]);
        last = match.index + match[0].length;
        done = Math.max(done, last);
      }
      result += window.slice(last, done);
      rest = rest.slice(done);
    }
    return result + rest.replace(pattern, replace);
  }

  private replace(secret: string, found: FoundSecret): string {
    if (typeof this.replacement === 'string') return this.replacement;
    if (this.replacements.has(secret)) return secret;
    try {
      // The types promise a text; the application may return anything.
      const returned: unknown = this.replacement(secret, found);
      const replaced = String(returned);
      if (this.replacements.size >= MAX_REPLACEMENTS) this.replacements.clear();
      this.replacements.add(replaced);
      return replaced;
    } catch (error) {
      this.onReplaceError(error);
      return REDACTED;
    }
  }

  private judge(key: string): KnownKey {
    const known: KnownKey = { kind: this.kindOf(key), cleanText: undefined };
    if (this.keys.size < MAX_KEYS) this.keys.set(key, known);
    return known;
  }

  private kindOf(key: string): KeyKind {
    if (this.ownKeys.some((pattern) => pattern.test(key.slice(0, WINDOW)))) return 'secret';
    if (this.ownWords.length > 0) {
      const words = wordsOf(key);
      if (this.ownWords.some((own) => contains(words, own))) return 'secret';
    }
    const kind = kindOfKey(key);
    return this.off.has('keys') && (kind === 'secret' || kind === 'secretText') ? 'plain' : kind;
  }
}

/** Stands in place of a secret by default, as in pino. */
export const REDACTED = '[Redacted]';

/** Own properties of an error that are kept: they describe the failure and hold no data of users. */
const HARMLESS_ERROR_PROPERTIES = new Set(
  'code status statusCode errno syscall address port hostname path dest signal exitCode killed severity schema table column dataType constraint sqlState errorNumber retryable timeout method'.split(
    ' ',
  ),
);

/** Validators put there what they were given. */
const HOLDING_VALUES = new Set(['value', 'actual', 'expected', 'received', 'input', 'data']);

function contains(words: readonly string[], wanted: readonly string[]): boolean {
  return words.some((_, start) => wanted.every((word, index) => words[start + index] === word));
}

function searching(pattern: RegExp): RegExp {
  return new RegExp(pattern.source, `${flags(pattern)}g`);
}

/** Without those that keep a position between calls. */
function flags(pattern: RegExp): string {
  return pattern.flags.replace(/[gy]/g, '');
}

/** The text of a secret that is no text, for `replace`. */
function describe(value: unknown): string {
  try {
    // Undefined for a function, whatever the types say.
    const json: unknown = JSON.stringify(value);
    return typeof json === 'string' ? json : String(value);
  } catch {
    // Circular, or a getter that throws: it goes as a whole.
    return Object.prototype.toString.call(value);
  }
}
