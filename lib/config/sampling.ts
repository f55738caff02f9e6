import type { Sampler } from '@opentelemetry/sdk-trace';

import {
  decide,
  decideAll,
  option,
  type OptionsOf,
  type Resolved,
  type ValuesIn,
} from './declare-options.js';
import {
  either,
  flag,
  flagOr,
  having,
  isRecord,
  listOf,
  must,
  number,
  oneOf,
  type OptionRule,
  recordOf,
  renderKind,
  renderReceived,
  type ReportProblem,
  type RulesOf,
  shape,
  wholeNumber,
} from './option-rules.js';

const SAMPLER_NAMES = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** Samplers by the names of `OTEL_TRACES_SAMPLER`. */
export type SamplerName = (typeof SAMPLER_NAMES)[number];

const SPAN_KINDS = ['internal', 'server', 'client', 'producer', 'consumer'] as const;

/** Kinds of spans by name. */
export type SpanKindName = (typeof SPAN_KINDS)[number];

/** Which traces are recorded and sent. Default: the caller's decision, and every trace that starts here. */
export interface SamplingOptions {
  /**
   * A sampler of the specification by its name, or an instance.
   *
   * A ratio sampler of the environment stays when only `ratio` or `keep` is set in code.
   *
   * Default `parentbased_always_on`; `parentbased_traceidratio` when `ratio` or `keep` is set in code. Env `OTEL_TRACES_SAMPLER`.
   */
  sampler?: SamplerName | Sampler;
  /**
   * Share of new traces to record, 0 to 1, for the two `traceidratio` samplers.
   *
   * Chosen by trace id: services with the same ratio choose the same traces.
   *
   * Default 1; 0.1 with `sampling.keep`. Env `OTEL_TRACES_SAMPLER_ARG`.
   */
  ratio?: number;
  /**
   * Other shares for some of the traces that start here, by span name, route, method, kind or attributes.
   *
   * The first rule that matches counts, else `ratio` does.
   *
   * Default none.
   */
  rules?: readonly SamplingRule[];
  /**
   * Also sends each local trace that failed or was slow. `true` keeps failed ones.
   *
   * The spans of a trace are held back until its local root ends. They are sent in addition to the traces that `ratio` and `rules`
   * choose.
   *
   * Default `false`.
   */
  keep?: boolean | KeepOptions;
}

/** Options for sampling. */
export interface SamplingSection {
  /**
   * Which traces are recorded: a share from 0 to 1, or an object.
   * Default: the caller's decision, and every trace that starts here.
   */
  sampling?: number | SamplingOptions;
}

/** Matches by what is known when the first span of a trace starts; all given conditions must be met. */
export interface SamplingRule {
  /** Name of the span (`CleanupService.purge`), a prefix when it ends in `*`, or a pattern. */
  name?: string | RegExp;
  /**
   * Route of an HTTP request, as the server span has it: with the global prefix, parameters by name (`/api/orders/:id`),
   * `*` for the rest. Compared with the path, which is known on every platform before the router has run.
   */
  route?: string | RegExp;
  /** HTTP method. */
  method?: string;
  /** Kind of the span. */
  kind?: SpanKindName;
  /** Attributes the span starts with. */
  attributes?: Readonly<Record<string, string | number | boolean | RegExp>>;
  /** Share of the matching traces to record, 0 to 1. Default: the share of all others. */
  ratio?: number;
  /** Which of the matching traces are kept in addition; `false` keeps and records no others. Default: as in `sampling.keep`. */
  keep?: false | KeepRuleOptions;
}

/** Which local traces are sent regardless of the ratio. */
export interface KeepRuleOptions {
  /** Keeps a trace when one of its spans has the status ERROR. Default `true`. */
  errors?: boolean;
  /** Keeps a trace whose local root takes at least this many milliseconds. Default: slow traces are not kept. */
  slowerThanMs?: number;
}

/** Which traces are kept, and the memory and time that waiting for the decision may take. */
export interface KeepOptions extends KeepRuleOptions {
  /** Traces that may wait for a decision at the same time; when there are more, the oldest loses its waiting spans. Default 2000. */
  maxTraces?: number;
  /** Ended spans that may wait in all these traces together; when there are more, the oldest trace loses its own. Default 10000. */
  maxSpans?: number;
  /** Longest wait for a local root to end, in milliseconds; then the trace loses its waiting spans. Default 30000. */
  decisionTimeoutMs?: number;
}

/** `sampling.keep`, resolved. */
export interface KeepConfig extends Resolved<Omit<KeepOptions, 'slowerThanMs'>> {
  /** undefined: slow traces are not kept. */
  readonly slowerThanMs: number | undefined;
}

const RATIO = 'a number from 0 to 1, for example 0.1 for one trace in ten';
const CONDITIONS = ['name', 'route', 'method', 'kind', 'attributes'] as const;

const ratio = number(0, 1, RATIO);

const KEEP_RULE = {
  errors: option(flag, { default: true }),
  slowerThanMs: number(0, Infinity, 'a number of milliseconds that is not negative, for example 500'),
} satisfies OptionsOf<KeepRuleOptions>;

const KEEP = {
  ...KEEP_RULE,
  maxTraces: option(wholeNumber('a whole number of traces from 1, for example 2000', 1, 1_000_000), {
    default: 2_000,
  }),
  maxSpans: option(wholeNumber('a whole number of spans from 1, for example 10000', 1, 10_000_000), {
    default: 10_000,
  }),
  decisionTimeoutMs: option(number(1, 2 ** 31 - 1, 'a number of milliseconds from 1, for example 30000'), {
    default: 30_000,
  }),
} satisfies OptionsOf<KeepOptions>;

const attributes = recordOf(
  must(
    (value) => ['string', 'number', 'boolean'].includes(typeof value) || value instanceof RegExp,
    'Write a text, a number, a boolean or a regular expression.',
  ),
  'attributes, for example { "tenant": "free" }',
);

const conditions: RulesOf<SamplingRule> = {
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
  keep: either((value) => value === false, flag, shape(KEEP_RULE, 'false or { errors, slowerThanMs }')),
};

const rule = shape(conditions, 'an object, for example { route: "/health", ratio: 0 }');

/** A rule with a condition and an effect. */
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

const SAMPLING = {
  sampler: option(
    either(isRecord, having(['shouldSample'], 'a sampler by name or an instance'), oneOf(SAMPLER_NAMES)),
    {
      env: {
        OTEL_TRACES_SAMPLER: {
          kind: 'choice',
          choices: SAMPLER_NAMES,
          meaning: 'Which traces are recorded.',
          otherwise: '`parentbased_always_on`',
        },
      },
    },
  ),
  ratio: option(ratio, { env: { OTEL_TRACES_SAMPLER_ARG: { kind: 'ratio', otherwise: '1' } } }),
  rules: option(listOf(samplingRule, 'rules, for example [{ route: "/health", ratio: 0 }]'), {
    see: 'sampling.md#rules',
  }),
  keep: option(flagOr(shape(KEEP, 'true, false or { errors, slowerThanMs }')), {
    see: 'sampling.md#keep-what-matters',
  }),
} satisfies OptionsOf<SamplingOptions>;

const samplingShape = shape(SAMPLING, `${RATIO}, or an object`);

export const SAMPLING_SECTION = {
  sampling: option(
    either((value) => typeof value === 'number', ratio, {
      ...samplingShape,
      check: (value, name, report) => {
        samplingShape.check(value, name, report);
        if (isRecord(value)) checkTogether(value, name, report);
      },
    }),
    { see: 'sampling.md' },
  ),
} satisfies OptionsOf<SamplingSection>;

export type SamplingValues = ValuesIn<typeof SAMPLING>;

/** Finds options that are right alone, and have no effect or contradict each other together. */
function checkTogether(
  { sampler, rules, keep }: Readonly<Record<string, unknown>>,
  name: string,
  report: ReportProblem,
): void {
  const list: unknown[] = Array.isArray(rules) ? rules : [];
  if (isRecord(sampler) && list.length > 0)
    report(`${name}.rules`, renderKind(rules), 'A sampler instance ignores the rules: put them into it.');
  const overrides = list.flatMap((entry, index) =>
    isRecord(entry) && entry.keep !== undefined ? [{ index, keep: entry.keep }] : [],
  );
  if (keep === undefined || keep === false) {
    for (const { index, keep: override } of overrides)
      report(
        `${name}.rules[${index}].keep`,
        renderReceived(override),
        'It changes sampling.keep, which is not set: set that too.',
      );
  } else if (isRecord(keep) && keep.errors === false && keep.slowerThanMs === undefined) {
    if (!overrides.some((override) => isRecord(override.keep)))
      report(`${name}.keep`, renderKind(keep), 'It keeps nothing: set slowerThanMs, or leave errors on.');
  }
}

/** Share of the other traces with `keep`, where no ratio is set. */
const BACKGROUND_RATIO = 0.1;

/** Decides which traces are recorded; a ratio or `keep` in code selects a ratio sampler unless code names another. */
export function resolveSampler(
  { sampling }: SamplingSection,
  env: SamplingValues,
): { readonly name: SamplerName; readonly ratio: number } | Sampler {
  const { sampler, ratio, keep } =
    typeof sampling === 'number' ? ({ ratio: sampling } as const) : { ...sampling };
  if (typeof sampler === 'object') return sampler;
  const inEnvironment = env.OTEL_TRACES_SAMPLER;
  const chosenByKeep = isKeeping(keep) && sampler === undefined && inEnvironment === undefined;
  const name =
    sampler ?? (ratio === undefined && !chosenByKeep ? inEnvironment : ratioSampler(inEnvironment));
  if (name === undefined) return Object.freeze({ name: 'parentbased_always_on', ratio: 1 });
  const otherwise = chosenByKeep ? BACKGROUND_RATIO : 1;
  return Object.freeze({
    name,
    ratio: usesRatio(name) ? (decide(SAMPLING.ratio, ratio, env) ?? otherwise) : 1,
  });
}

/** Decides the rules for some traces, and which traces are kept beyond the sampler. */
export function resolveSampling({ sampling }: SamplingSection): {
  readonly rules: readonly SamplingRule[];
  readonly keep: KeepConfig | undefined;
} {
  const { rules = [], keep = false } = typeof sampling === 'object' ? sampling : {};
  return {
    rules: Object.freeze(rules.map(copyRule)),
    keep: keep === false ? undefined : Object.freeze(decideAll(KEEP, keep === true ? {} : keep, {})),
  };
}

/** Frozen in depth; the rule of the application stays unchanged. */
function copyRule(rule: SamplingRule): SamplingRule {
  const { attributes, keep } = rule;
  return Object.freeze({
    ...rule,
    ...(attributes !== undefined && { attributes: Object.freeze({ ...attributes }) }),
    ...(typeof keep === 'object' && { keep: Object.freeze({ ...keep }) }),
  });
}

/** Whether the ratio changes anything for this sampler. */
export function usesRatio(name: SamplerName): boolean {
  return name === 'traceidratio' || name === 'parentbased_traceidratio';
}

function isKeeping(keep: boolean | object | undefined): boolean {
  return keep !== undefined && keep !== false;
}

function ratioSampler(inEnvironment: SamplerName | undefined): SamplerName {
  return inEnvironment !== undefined && usesRatio(inEnvironment) ? inEnvironment : 'parentbased_traceidratio';
}
