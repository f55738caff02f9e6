import { frozenList, option, type OptionsOf, type Resolved } from './declare-options.js';
import {
  either,
  flagOr,
  listOf,
  must,
  oneOf,
  type OptionRule,
  renderKind,
  shape,
  text,
} from './option-rules.js';

const REDACTION_RULES = [
  'keys',
  'pairs',
  'error-properties',
  'error-queries',
  'url-credentials',
  'credentials',
  'jwt',
  'api-keys',
  'private-keys',
  'cards',
] as const;

/** Built-in rules that `redaction.disable` can switch off by name. */
export type RedactionRule = (typeof REDACTION_RULES)[number];

/** Where a secret was found. */
export interface FoundSecret {
  /** The built-in rule that found it, or `patterns` for a pattern of the application. */
  readonly rule: RedactionRule | 'patterns';
  /** The key of the value, where there is one. */
  readonly key: string | undefined;
}

/** Returns the text that replaces a secret. Never called again for its own result. */
export type ReplaceSecret = (secret: string, found: FoundSecret) => string;

/** Which secrets are removed from spans, metrics, log lines, resources and URLs before they are recorded. */
export interface RedactionOptions {
  /**
   * Further keys whose values are secrets: words in any style, or regular expressions.
   *
   * In addition to the built-in ones. A text matches whole words in any style: `customer number` matches `customerNumber`,
   * `x-customer-number` and `customer_number_2`. A regular expression is tested on the key.
   *
   * Default none.
   */
  keys?: readonly (string | RegExp)[];
  /**
   * Further regular expressions for secrets in texts.
   *
   * Texts are searched in windows of 4,096 characters that overlap by 512.
   *
   * Default none.
   */
  patterns?: readonly RegExp[];
  /** The replacement of a secret: a text, or a function that returns one. Default `[Redacted]`. */
  replace?: string | ReplaceSecret;
  /** Own properties of errors that are recorded in addition to the built-in ones. Default none. */
  errorProperties?: readonly string[];
  /** `true` switches redaction off, a list of names switches single built-in rules off. Default `false`. */
  disable?: boolean | readonly RedactionRule[];
}

/** Options for redaction. */
export interface RedactionSection {
  /**
   * Which secrets are removed from spans, metrics, log lines, resources and URLs. `false` switches redaction off.
   *
   * The built-in rules know the usual names of secrets, tokens, keys and card numbers. `false` is the same as `{ disable: true }`.
   *
   * Default: on, with all built-in rules.
   */
  redaction?: boolean | RedactionOptions;
}

/** `redaction`, resolved; `disable` is true when nothing is redacted. */
export type RedactionConfig = Resolved<RedactionOptions>;

const isRegExp = (value: unknown): value is RegExp =>
  Object.prototype.toString.call(value) === '[object RegExp]';

/** A quantified group with a quantifier inside, `(a+)+`: its time can double with each character of a text. */
const NESTED_QUANTIFIER = /\((?:[^()\\]|\\.)*(?:[+*]|\{\d+,\d*\})(?:[^()\\]|\\.)*\)(?:[+*]|\{\d+,\d*\})/;

const pattern: OptionRule = {
  check: (value, name, report) => {
    if (!isRegExp(value)) {
      report(name, renderKind(value), 'Write a regular expression, for example /\\bEMP-\\d{6}\\b/.');
      return;
    }
    if (new RegExp(value.source, value.flags.replace(/[gy]/g, '')).test(''))
      report(
        name,
        String(value),
        'It matches the empty text, which is everywhere: write one that requires a character.',
      );
    else if (NESTED_QUANTIFIER.test(value.source.replace(/\[(?:[^\]\\]|\\.)*\]/g, '.')))
      report(
        name,
        String(value),
        'A quantifier inside a quantified group can take minutes for one text: write it without, for example a+ for (a+)+.',
      );
  },
};

const REDACTION = {
  keys: listOf(
    either(
      isRegExp,
      pattern,
      must(
        (value) => typeof value === 'string' && /[\p{L}\p{N}]/u.test(value),
        'Write a name as a text, for example customer_number, or a regular expression.',
      ),
    ),
    'names and regular expressions',
  ),
  patterns: listOf(pattern, 'regular expressions'),
  replace: option(
    must(
      (value) => typeof value === 'string' || typeof value === 'function',
      'Write a text, or a function that returns one.',
    ),
    { default: '[Redacted]' },
  ),
  errorProperties: listOf(text('the name of a property'), 'names of properties'),
  disable: option(flagOr(listOf(oneOf(REDACTION_RULES), 'names of built-in rules, or true')), {
    default: false,
  }),
} satisfies OptionsOf<RedactionOptions>;

export const REDACTION_SECTION = {
  redaction: option(flagOr(shape(REDACTION, 'true, false or an object')), { see: 'redaction.md' }),
} satisfies OptionsOf<RedactionSection>;

/** Decides which secrets are removed from everything that is recorded. */
export function resolveRedaction({ redaction }: RedactionSection): RedactionConfig {
  const chosen = typeof redaction === 'object' ? redaction : {};
  const disable = chosen.disable ?? (redaction === false || REDACTION.disable.default);
  return Object.freeze({
    disable: typeof disable === 'boolean' ? disable : frozenList(disable),
    keys: frozenList(chosen.keys),
    patterns: frozenList(chosen.patterns),
    replace: chosen.replace ?? REDACTION.replace.default,
    errorProperties: frozenList(chosen.errorProperties),
  });
}
