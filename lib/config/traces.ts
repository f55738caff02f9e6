import type { Sampler, SpanLimits, SpanProcessor } from '@opentelemetry/sdk-trace';

import { decide, frozenList, option, type OptionsOf, type ValuesIn } from './declare-options.js';
import { type JaegerEndpoint, jaegerOtlpTarget, type JaegerTarget } from './jaeger.js';
import {
  type BatchLimits,
  type LimitSection,
  type LimitValues,
  resolveBatch,
  resolveSpanLimits,
} from './limits.js';
import { flag, having, listOf } from './option-rules.js';
import {
  type OtlpSection,
  type OtlpTarget,
  type OtlpValues,
  resolveOtlpTargets,
  withoutDuplicates,
} from './otlp.js';
import {
  type KeepConfig,
  resolveSampler,
  resolveSampling,
  type SamplerName,
  type SamplingRule,
  type SamplingSection,
  type SamplingValues,
} from './sampling.js';

/** Options for spans; `sampling` chooses which traces are recorded. */
export interface TraceSection {
  /** Prints each finished span to standard output, for debugging. Default `false`. Env `OTEL_TRACES_EXPORTER`. */
  enableConsole?: boolean;
  /** Further span processors. Default none. */
  spanProcessors?: readonly SpanProcessor[];
}

/** Destinations, sampling and limits of spans. */
export interface TraceConfig {
  readonly otlp: readonly OtlpTarget[];
  readonly jaeger: readonly JaegerTarget[];
  readonly console: boolean;
  readonly sampler: { readonly name: SamplerName; readonly ratio: number } | Sampler;
  readonly rules: readonly SamplingRule[];
  /** undefined: traces that the sampler does not choose are not recorded. */
  readonly keep: KeepConfig | undefined;
  readonly batch: BatchLimits;
  readonly limits: SpanLimits;
  readonly processors: readonly SpanProcessor[];
}

export const TRACE_SECTION = {
  enableConsole: option(flag, {
    default: false,
    env: {
      OTEL_TRACES_EXPORTER: {
        kind: 'list',
        choices: ['otlp', 'jaeger', 'console', 'none'],
        meaning:
          'Destinations of traces; one that is listed and has no address gets its local default address.',
        otherwise: 'each one that has an address',
        means: (exporters: readonly string[]) => exporters.includes('console'),
      },
    },
  }),
  spanProcessors: listOf(
    having(['onStart', 'onEnd', 'forceFlush', 'shutdown'], 'a span processor'),
    'span processors',
  ),
} satisfies OptionsOf<TraceSection>;

export type TraceValues = ValuesIn<typeof TRACE_SECTION>;

/**
 * Decides where spans go, which ones, and how large they may become.
 *
 * @param inFile targets of a configuration file
 */
export function resolveTraces(
  options: TraceSection & OtlpSection & SamplingSection & LimitSection,
  env: TraceValues & OtlpValues & SamplingValues & LimitValues,
  jaeger: JaegerEndpoint | undefined,
  inFile?: readonly OtlpTarget[],
): TraceConfig {
  const otlp = resolveOtlpTargets('traces', options, env, env.OTEL_TRACES_EXPORTER, inFile);
  return Object.freeze({
    otlp: withoutDuplicates(jaeger?.kind === 'otlp' ? [...otlp, jaegerOtlpTarget(jaeger)] : otlp),
    jaeger: Object.freeze(jaeger?.kind === 'thrift' ? [Object.freeze(jaeger.target)] : []),
    console: decide(TRACE_SECTION.enableConsole, options.enableConsole, env),
    sampler: resolveSampler(options, env),
    ...resolveSampling(options),
    batch: resolveBatch('BSP', env),
    limits: resolveSpanLimits(options, env),
    processors: frozenList(options.spanProcessors),
  });
}
