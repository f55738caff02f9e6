import { type Sampler } from '@opentelemetry/sdk-trace';

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
