import { describeIgnored, invalidOptionsError } from './describe-problems.js';
import { type ApplicationPackage, applicationPackage } from './application-package.js';
import { findIneffectiveVariables } from './find-ineffective-variables.js';
import { resolveProcessEvents } from './process-events.js';
import { resolveIncoming } from './propagation.js';
import { readEnvironment } from './environment.js';
import { resolveIdentity } from './identity.js';
import { resolveDashboard } from './dashboard.js';
import { type InstrumentationSwitches, resolveInstrumentation } from './instrumentation.js';
import { resolveJaeger } from './jaeger.js';
import { resolveLimits } from './limits.js';
import { resolveLogging, resolveLogs } from './logging.js';
import { resolveMetrics } from './metrics.js';
import { resolveRedaction } from './redaction.js';
import { resolveStore } from './store.js';
import { resolveTraces } from './traces.js';
import { type TelemetryConfig } from './telemetry-config.interface.js';
import { type TelemetryOptions } from './telemetry-options.interface.js';
import { validateOptions } from './validate-options.js';

const SHUTDOWN_TIMEOUT_MS = 5000;

/** What a configuration is made of besides the options. */
export interface ConfigSources {
  /** Default `process.env`. */
  readonly env?: NodeJS.ProcessEnv;
  /** Where the options were written, for the error; default `TelemetryModule.forRoot()`. */
  readonly setIn?: string;
  /** Tells name and version of the application; default: its package.json. Only asked when they are not configured. */
  readonly findPackage?: () => Pick<ApplicationPackage, 'name' | 'version'>;
  /** Why spans cannot be sent to Jaeger as Thrift, with the remedy; default: they can. Only called for such an endpoint. */
  readonly findJaegerPackageProblem?: () => string | undefined;
  /** What `instrumentation` can switch; default nothing. */
  readonly instrumentations?: InstrumentationSwitches;
  /** Whether a person reads standard output; default: whether it is a terminal. */
  readonly isTerminal?: boolean;
}

/**
 * Decides every option: code wins over environment, environment over default. The result is frozen where it is ours;
 * what the user passed in (processors, samplers, streams) is left as it is.
 *
 * @throws TelemetryError `TELEMETRY_INVALID_OPTIONS`, listing every wrong option. A wrong environment variable never
 * throws: it becomes a sentence in `warnings` and what holds without it applies.
 */
export function resolveConfig(options: TelemetryOptions = {}, sources: ConfigSources = {}): TelemetryConfig {
  const {
    env: environment = process.env,
    setIn = 'TelemetryModule.forRoot()',
    findPackage = applicationPackage,
    findJaegerPackageProblem = () => undefined,
    instrumentations = {},
    isTerminal = process.stdout.isTTY,
  } = sources;
  const wrong = validateOptions(options, setIn, instrumentations);
  if (wrong.length > 0) throw invalidOptionsError(wrong);

  const { values: env, problems } = readEnvironment(environment);
  const identity = resolveIdentity(options, env, findPackage);
  const metrics = resolveMetrics(options, env);
  const served = resolveDashboard(options, env, identity.environment, setIn);
  const enabled = options.enabled ?? env.OTEL_SDK_DISABLED !== true;
  const jaeger = resolveJaeger(
    options,
    env,
    environment.OTEL_EXPORTER_JAEGER_ENDPOINT,
    setIn,
    enabled ? findJaegerPackageProblem : () => undefined,
  );
  const unusable = [...jaeger.problems, ...served.problems];
  if (unusable.length > 0) throw invalidOptionsError(unusable);
  const store = resolveStore(options, env, identity.environment, served.dashboard);
  return Object.freeze({
    enabled,
    engine: options.engine ?? 'fast',
    ...identity,
    traces: resolveTraces(options, env, jaeger.endpoint),
    metrics,
    logs: resolveLogs(options, env),
    redaction: resolveRedaction(options),
    logging: resolveLogging(options, env, identity.environment, isTerminal),
    dashboard: served.dashboard,
    store,
    processEvents: resolveProcessEvents(options.processEvents, env, identity.environment, store),
    instrumentation: resolveInstrumentation(instrumentations, options.instrumentation, [
      options.prometheus?.path ?? '/metrics',
      ...(served.dashboard === undefined ? [] : [served.dashboard.path, `${served.dashboard.path}/*`]),
    ]),
    instrumentations: Object.freeze([...(options.instrumentations ?? [])]),
    propagators: Object.freeze([
      ...(options.propagators ?? env.OTEL_PROPAGATORS ?? (['tracecontext', 'baggage'] as const)),
    ]),
    propagation: Object.freeze({
      incoming: resolveIncoming(options.propagation?.incoming, env.TELEMETRY_PROPAGATION_INCOMING),
    }),
    shutdownTimeoutMs: options.shutdownTimeoutMs ?? SHUTDOWN_TIMEOUT_MS,
    limits: resolveLimits(options, env),
    warnings: Object.freeze([
      ...[...problems, ...jaeger.ignored].map(describeIgnored),
      ...served.warnings,
      ...findIneffectiveVariables(options, env, { metrics }),
    ]),
  });
}
