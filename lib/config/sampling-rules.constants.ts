import { SAMPLER_NAMES, SPAN_KINDS } from './known-values.constants.js';
import { type OptionRule, type ReportProblem, type RulesOf } from './option-rule.interface.js';
import { either, flag, having, isRecord, listOf, must, number, oneOf, shape } from './option-rules.js';
import { renderKind, renderReceived } from './render-received.js';
import {
  type KeepOptions,
  type KeepRuleOptions,
  type SamplingOptions,
  type SamplingRule,
} from './sampling-options.interface.js';

const RATIO = 'a number from 0 to 1, for example 0.1 for one trace in ten';
const CONDITIONS = ['name', 'route', 'method', 'kind', 'attributes'] as const;

const ratio = number(0, 1, RATIO);
const isFlag = (value: unknown): boolean => typeof value === 'boolean';

const keepRuleRules: RulesOf<KeepRuleOptions> = {
  errors: flag,
  slowerThanMs: number(0, Infinity, 'a number of milliseconds that is not negative, for example 500'),
};

const keepRules: RulesOf<KeepOptions> = {
  ...keepRuleRules,
  maxTraces: number(1, 1_000_000, 'a whole number of traces from 1, for example 2000', true),
  maxSpans: number(1, 10_000_000, 'a whole number of spans from 1, for example 10000', true),
  decisionTimeoutMs: number(1, 2 ** 31 - 1, 'a number of milliseconds from 1, for example 30000'),
};

const attributes: OptionRule = {
  check: (value, name, report) => {
    if (!isRecord(value)) {
      report(name, renderReceived(value), 'Write an object of attributes, for example { "tenant": "free" }.');
      return;
    }
    for (const [key, entry] of Object.entries(value))
      if (!(['string', 'number', 'boolean'].includes(typeof entry) || entry instanceof RegExp))
        report(
          `${name}.${key}`,
          renderReceived(entry),
          'Write a text, a number, a boolean or a regular expression.',
        );
  },
};

const ruleRules: RulesOf<SamplingRule> = {
  name: must(
    (value) => value instanceof RegExp || (typeof value === 'string' && value !== ''),
    'Write the name of a span (a prefix when it ends in *), or a regular expression.',
  ),
  route: must(
    (value) => value instanceof RegExp || (typeof value === 'string' && /^[/*]/.test(value)),
    'Write a route that starts with a slash, for example /orders/:id or /internal/*, or a regular expression.',
  ),
  method: must(
    (value) => typeof value === 'string' && /^[a-z]+$/i.test(value),
    'Write an HTTP method, for example POST.',
  ),
  kind: oneOf(SPAN_KINDS),
  attributes,
  ratio,
  keep: either((value) => value === false, flag, shape(keepRuleRules, 'false or { errors, slowerThanMs }')),
};

const rule = shape(ruleRules, 'an object, for example { route: "/health", ratio: 0 }');

/** A rule that says when and what; a list of them has no names of its own in the documentation. */
const samplingRule: OptionRule = {
  check: (value, name, report) => {
    rule.check(value, name, report);
    if (!isRecord(value)) return;
    if (!CONDITIONS.some((condition) => value[condition] !== undefined))
      report(
        name,
        renderKind(value),
        `Write at least one of ${CONDITIONS.join(', ')}; sampling.ratio is for everything else.`,
      );
    if (value.ratio === undefined && value.keep === undefined)
      report(name, renderKind(value), `Write a ratio: ${RATIO}.`);
  },
};

const samplingRules: RulesOf<SamplingOptions> = {
  sampler: either(
    isRecord,
    having(['shouldSample'], 'a sampler by name or an instance'),
    oneOf(SAMPLER_NAMES),
  ),
  ratio,
  rules: listOf(samplingRule, 'rules, for example [{ route: "/health", ratio: 0 }]'),
  keep: either(isFlag, flag, shape(keepRules, 'true, false or { errors, slowerThanMs }')),
};

const samplingShape = shape(samplingRules, `${RATIO}, or an object`);

/** What `sampling` may be. */
export const SAMPLING_RULE = either((value) => typeof value === 'number', ratio, {
  ...samplingShape,
  check: (value, name, report) => {
    samplingShape.check(value, name, report);
    if (isRecord(value)) checkTogether(value, name, report);
  },
});

/** What is right by itself and says nothing, or two things, beside the rest. */
function checkTogether(
  { sampler, rules, keep }: Readonly<Record<string, unknown>>,
  name: string,
  report: ReportProblem,
): void {
  const list: unknown[] = Array.isArray(rules) ? rules : [];
  if (isRecord(sampler) && list.length > 0)
    report(`${name}.rules`, renderKind(rules), 'A sampler of your own decides alone: put the rules into it.');
  const overrides = list.flatMap((entry, index) =>
    isRecord(entry) && entry.keep !== undefined ? [{ index, keep: entry.keep }] : [],
  );
  if (keep === undefined || keep === false) {
    for (const { index, keep: override } of overrides)
      report(
        `${name}.rules[${index}].keep`,
        renderReceived(override),
        'It changes what sampling.keep keeps: set that too.',
      );
  } else if (isRecord(keep) && keep.errors === false && keep.slowerThanMs === undefined) {
    if (!overrides.some((override) => isRecord(override.keep)))
      report(`${name}.keep`, renderKind(keep), 'It keeps nothing: set slowerThanMs, or leave errors on.');
  }
}
