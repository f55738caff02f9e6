import type { Sampler } from '@opentelemetry/sdk-trace';
import { SAMPLER_NAMES, SPAN_KINDS } from './known-values.constants.js';
import {
  type OptionRule,
  type ReportProblem,
  type RulesOf,
  either,
  flag,
  having,
  isRecord,
  listOf,
  must,
  number,
  oneOf,
  renderKind,
  renderReceived,
  shape,
} from './option-rules.js';
import type { KeepConfig, TelemetryConfig } from './telemetry-config.interface.js';
import type { TelemetryOptions } from './telemetry-options.interface.js';
import type { EnvironmentValues } from './environment-variables.constants.js';

/** Which traces are recorded and sent. Default: what the caller decided, and everything that starts here. */
export interface SamplingOptions {
  /**
   * A sampler of the specification by its name, or an instance.
   * Default `parentbased_always_on`, or `parentbased_traceidratio` when `ratio` or `keep` is set in code (where a ratio
   * sampler of the environment stays). Env `OTEL_TRACES_SAMPLER`.
   */
  sampler?: SamplerName | Sampler;
  /**
   * Share of new traces to record, 0 to 1, for the two `traceidratio` samplers. Chosen by trace id: services with the
   * same ratio choose the same traces. Default 1, or 0.1 with `keep`. Env `OTEL_TRACES_SAMPLER_ARG`.
   */
  ratio?: number;
  /** Shares of their own for some of the traces that start here; the first rule that matches counts, else `ratio` does. Default none. */
  rules?: readonly SamplingRule[];
  /**
   * Send each local trace in which something failed or which was slow, beside those that `ratio` and `rules` choose.
   * What all spans of a trace are held back for until its local root ends. `true` keeps failed ones. Default false.
   */
  keep?: boolean | KeepOptions;
}

/** Matches by what is known when the first span of a trace starts; every condition that is given must hold. */
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
  /** What of the matching traces is kept beyond that share; `false` keeps and records nothing else. Default: as in `sampling.keep`. */
  keep?: false | KeepRuleOptions;
}

/** Span kinds in words. */
export type SpanKindName = 'internal' | 'server' | 'client' | 'producer' | 'consumer';

/** Which local traces matter enough to be sent whatever the ratio says. */
export interface KeepRuleOptions {
  /** Keep a trace when one of its spans has the status ERROR. Default true. */
  errors?: boolean;
  /** Keep a trace whose local root takes at least that many milliseconds. Default: however long it takes, that is no reason. */
  slowerThanMs?: number;
}

/** What is kept, and how much memory and time waiting for the decision may take. */
export interface KeepOptions extends KeepRuleOptions {
  /** Undecided traces that may be held at once; beyond, the oldest loses the spans that wait. Default 2000. */
  maxTraces?: number;
  /** Ended spans that may wait in all undecided traces together; beyond, the oldest trace loses its own. Default 10000. */
  maxSpans?: number;
  /** Longest wait for a local root to end, in milliseconds; then the trace loses the spans that wait. Default 30000. */
  decisionTimeoutMs?: number;
}

/** Samplers by the names of `OTEL_TRACES_SAMPLER`. */
export type SamplerName =
  | 'always_on'
  | 'always_off'
  | 'traceidratio'
  | 'parentbased_always_on'
  | 'parentbased_always_off'
  | 'parentbased_traceidratio';

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

const MAX_TRACES = 2000;
const MAX_SPANS = 10_000;
const DECISION_TIMEOUT_MS = 30_000;

/** Decides what holds beside the sampler: rules for some traces, and what is kept of those it does not choose. */
export function resolveSampling({
  sampling,
}: TelemetryOptions): Pick<TelemetryConfig['traces'], 'rules' | 'keep'> {
  const { rules = [], keep = false } = typeof sampling === 'object' ? sampling : {};
  return {
    rules: Object.freeze(rules.map(copyRule)),
    keep: keep === false ? undefined : resolveKeep(keep === true ? {} : keep),
  };
}

function resolveKeep({
  errors = true,
  slowerThanMs,
  maxTraces = MAX_TRACES,
  maxSpans = MAX_SPANS,
  decisionTimeoutMs = DECISION_TIMEOUT_MS,
}: Partial<KeepConfig>): KeepConfig {
  return Object.freeze({ errors, slowerThanMs, maxTraces, maxSpans, decisionTimeoutMs });
}

/** Frozen to the bottom, without touching what the user holds. */
function copyRule(rule: SamplingRule): SamplingRule {
  const { attributes, keep } = rule;
  return Object.freeze({
    ...rule,
    ...(attributes !== undefined && { attributes: Object.freeze({ ...attributes }) }),
    ...(typeof keep === 'object' && { keep: Object.freeze({ ...keep }) }),
  });
}

/** Share of the unremarkable traces that go out beside the kept ones where nobody says how many. */
const BACKGROUND_RATIO = 0.1;

/** Decides which traces are recorded; a ratio or `keep` in code picks a ratio sampler unless code names another. */
export function resolveSampler(
  { sampling }: TelemetryOptions,
  env: EnvironmentValues,
): TelemetryConfig['traces']['sampler'] {
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
    ratio: usesRatio(name) ? (ratio ?? env.OTEL_TRACES_SAMPLER_ARG ?? otherwise) : 1,
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
