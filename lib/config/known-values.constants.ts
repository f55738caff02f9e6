import type { RedactionRule } from './redaction.js';
import type { SamplerName, SpanKindName } from './sampling.js';
import {
  type OtlpProtocol,
  type PropagatorName,
  type TelemetryEngine,
  type TelemetryLogLevel,
} from './telemetry-options.interface.js';

/** Samplers of the specification that this library builds by name. */
export const SAMPLER_NAMES = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const satisfies readonly SamplerName[];

/** Span kinds in words. */
export const SPAN_KINDS = [
  'internal',
  'server',
  'client',
  'producer',
  'consumer',
] as const satisfies readonly SpanKindName[];

/** Ways to speak OTLP. */
export const OTLP_PROTOCOLS = [
  'grpc',
  'http/protobuf',
  'http/json',
] as const satisfies readonly OtlpProtocol[];

/** Propagators that can be asked for by name. */
export const PROPAGATOR_NAMES = [
  'tracecontext',
  'baggage',
  'b3',
  'b3multi',
] as const satisfies readonly PropagatorName[];

/** pino's levels, from the most to the least talkative. */
export const LOG_LEVELS = [
  'trace',
  'debug',
  'info',
  'warn',
  'error',
  'fatal',
  'silent',
] as const satisfies readonly TelemetryLogLevel[];

/** What a log line can look like. */
export const LOG_FORMATS = ['json', 'text', 'pretty'] as const;

/** Signals that OTLP carries; the names are those of its paths (`/v1/traces`). */
export const SIGNALS = ['traces', 'metrics', 'logs'] as const;

export type Signal = (typeof SIGNALS)[number];

/** What can record spans, by the names of the option `engine`. */
export const TELEMETRY_ENGINES: readonly TelemetryEngine[] = ['fast', 'sdk'];

/** Exemplar filters of the specification that mean something here: one without a span would lead nowhere. */
export const EXEMPLAR_FILTERS = ['trace_based', 'always_off'] as const;

/** Built-in rules of redaction, by the names of `redaction.disable`. */
export const REDACTION_RULES = [
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
] as const satisfies readonly RedactionRule[];
