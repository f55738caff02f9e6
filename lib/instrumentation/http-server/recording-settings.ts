import { type HttpServerConfig, type TraceResponseHeader } from '../../config/instrumentation.js';
import { type TelemetryConfig } from '../../config/telemetry-config.interface.js';
import { compileRoute } from '../../runtime/route-template.js';
import { type AttributesOf, createAttributesOf, createUserOf, type UserOf } from './application-hooks.js';

/** What the configuration decides for every request. */
export interface RecordingSettings {
  readonly ignores: IgnoreRule;
  readonly writesLines: boolean;
  /** Only these two headers identify a caller. */
  readonly extractsW3cOnly: boolean;
  /** Whether every caller is the parent of its request. */
  readonly trustsCallers: boolean;
  /** Whether a sampler reads attributes: all that are known must be there when it decides. */
  readonly describesAtStart: boolean;
  readonly spanAttributes: AttributesOf | undefined;
  readonly metricAttributes: AttributesOf | undefined;
  /** undefined where the application names no users. */
  readonly userOf: UserOf | undefined;
  /** undefined where no header shows the trace, so that nothing is done for it. */
  readonly responseHeaders: readonly TraceResponseHeader[] | undefined;
  /** Whether answers to exceptions show the id of their trace. */
  readonly traceIdInErrors: boolean;
}

export function createRecordingSettings(config: TelemetryConfig): RecordingSettings {
  const { propagators, traces, logging } = config;
  const {
    ignore = [],
    responseHeaders = [],
    traceIdInErrors = false,
    ...hooks
  }: Partial<HttpServerConfig> = config.instrumentation.httpServer ?? {};
  return {
    ignores: compileIgnoreRules(ignore),
    writesLines: logging.requestLog,
    extractsW3cOnly: propagators.every((name) => name === 'tracecontext' || name === 'baggage'),
    trustsCallers: config.propagation.incoming.http === 'trust',
    describesAtStart: !('name' in traces.sampler) || traces.rules.length > 0,
    spanAttributes: createAttributesOf('spanAttributes', hooks.spanAttributes),
    metricAttributes: createAttributesOf('metricAttributes', hooks.metricAttributes),
    userOf: createUserOf(hooks),
    responseHeaders: responseHeaders.length === 0 ? undefined : responseHeaders,
    traceIdInErrors,
  };
}

/** Whether a request is ignored, by its path or by the route it matched. */
type IgnoreRule = (pathOrRoute: string) => boolean;

/** Parameters, named wildcards and optional parts, which only templates of routes have. */
const TEMPLATE = /:[A-Za-z_$]|\*.|[{(]/;

/**
 * Compiles ignore rules: strings match exactly, or as a prefix when they end in `*`; templates of
 * routes (`/jobs/:id`) match the paths their router would give them, because Express knows the
 * route too late; regular expressions are tested.
 */
export function compileIgnoreRules(rules: readonly (string | RegExp)[]): IgnoreRule {
  // No Set: each path is another text, and hashing it costs more than comparing a few lengths.
  const exact: string[] = [];
  const prefixes: string[] = [];
  const patterns: RegExp[] = [];
  for (const rule of rules) {
    if (rule instanceof RegExp) {
      patterns.push(withoutPosition(rule));
    } else if (TEMPLATE.test(rule)) {
      exact.push(rule);
      patterns.push(compileRoute(rule));
    } else if (rule.endsWith('*')) {
      prefixes.push(rule.slice(0, -1));
    } else {
      exact.push(rule);
    }
  }
  return (path) => {
    if (exact.includes(path)) return true;
    for (const prefix of prefixes) if (path.startsWith(prefix)) return true;
    for (const pattern of patterns) if (pattern.test(path)) return true;
    return false;
  };
}

/** A global or sticky expression keeps its position, and would miss every second request. */
function withoutPosition(rule: RegExp): RegExp {
  return new RegExp(rule.source, rule.flags.replace(/[gy]/g, ''));
}
