import { REDACTION_RULES } from './known-values.constants.js';
import {
  type OptionRule,
  type RulesOf,
  either,
  flag,
  listOf,
  must,
  oneOf,
  renderKind,
  shape,
  text,
} from './option-rules.js';
import type { RedactionConfig } from './telemetry-config.interface.js';
import type { TelemetryOptions } from './telemetry-options.interface.js';

/** Built-in rules that `redaction.disable` can switch off by name. */
export type RedactionRule =
  | 'keys'
  | 'pairs'
  | 'error-properties'
  | 'error-queries'
  | 'url-credentials'
  | 'credentials'
  | 'jwt'
  | 'api-keys'
  | 'private-keys'
  | 'cards';

/** Where a secret was found. */
export interface FoundSecret {
  /** The built-in rule that found it, or `patterns` for a pattern of the application. */
  readonly rule: RedactionRule | 'patterns';
  /** The key of the value, where there is one. */
  readonly key: string | undefined;
}

/** Makes the text that stands in place of a secret. Never called twice for its own result. */
export type ReplaceSecret = (secret: string, found: FoundSecret) => string;

/** What is kept out of spans, metrics, log lines, resources and URLs before they are recorded. */
export interface RedactionOptions {
  /**
   * Further keys whose values are secrets, beside the built-in ones. A text matches whole words in any style: `customer number`
   * matches `customerNumber`, `x-customer-number` and `customer_number_2`. A regular expression is tested on the key.
   * Default none.
   */
  keys?: readonly (string | RegExp)[];
  /**
   * Further patterns of secrets in texts. Texts are searched in windows of 4,096 characters that overlap by 512. Default none.
   */
  patterns?: readonly RegExp[];
  /** What stands in place of a secret. Default `[Redacted]`. */
  replace?: string | ReplaceSecret;
  /** Own properties of errors that are kept beside the built-in ones. Default none. */
  errorProperties?: readonly string[];
  /** `true` switches redaction off, a list of names single built-in rules. Default `false`. */
  disable?: boolean | readonly RedactionRule[];
}

const isFlag = (value: unknown): boolean => typeof value === 'boolean';
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
        'It matches the empty text, which is everywhere: write one that needs a character.',
      );
    else if (NESTED_QUANTIFIER.test(value.source.replace(/\[(?:[^\]\\]|\\.)*\]/g, '.')))
      report(
        name,
        String(value),
        'A quantifier inside a quantified group can take minutes for one text: write it without, for example a+ for (a+)+.',
      );
  },
};

const redactionRules: RulesOf<RedactionOptions> = {
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
  replace: must(
    (value) => typeof value === 'string' || typeof value === 'function',
    'Write a text, or a function that returns one.',
  ),
  errorProperties: listOf(text('the name of a property'), 'names of properties'),
  disable: either(isFlag, flag, listOf(oneOf(REDACTION_RULES), 'names of built-in rules, or true')),
};

/** What `redaction` may be. */
export const REDACTION_RULE = either(isFlag, flag, shape(redactionRules, 'true, false or an object'));

/** Decides what is kept out of everything that is recorded. */
export function resolveRedaction({ redaction }: TelemetryOptions): RedactionConfig {
  const chosen = typeof redaction === 'object' ? redaction : {};
  const { disable = redaction === false } = chosen;
  return Object.freeze({
    disable: typeof disable === 'boolean' ? disable : Object.freeze([...disable]),
    keys: Object.freeze([...(chosen.keys ?? [])]),
    patterns: Object.freeze([...(chosen.patterns ?? [])]),
    replace: chosen.replace ?? '[Redacted]',
    errorProperties: Object.freeze([...(chosen.errorProperties ?? [])]),
  });
}
