import { REDACTION_RULES } from './known-values.constants.js';
import { type OptionRule, type RulesOf } from './option-rule.interface.js';
import { either, flag, listOf, must, oneOf, shape, text } from './option-rules.js';
import { type RedactionOptions } from './redaction-options.interface.js';
import { renderKind } from './render-received.js';

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
