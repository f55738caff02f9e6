import { type ConfigurationProblem, TelemetryError } from '../errors/telemetry.error.js';
import { type ApplicationPackage, applicationPackage } from './application-package.js';
import {
  type ConfigFileSettings,
  mergeOptions,
  type ReadConfigFile,
  withoutReplaced,
} from './config-file.js';
import { resolveDashboard } from './dashboard.js';
import { frozenList } from './declare-options.js';
import { readEnvironment } from './environment.js';
import { resolveIdentity } from './identity.js';
import { type InstrumentationSwitches, resolveInstrumentation } from './instrumentation.js';
import { resolveJaeger } from './jaeger.js';
import { resolveLimits } from './limits.js';
import { resolveLogging, resolveLogs } from './logging.js';
import { type MetricConfig, resolveMetrics, scrapePath } from './metrics.js';
import { resolveProcessEvents, resolveShutdownTimeout } from './process-events.js';
import { resolvePropagation } from './propagation.js';
import { resolveRedaction } from './redaction.js';
import { usesRatio } from './sampling.js';
import { resolveStore } from './store.js';
import type { TelemetryConfig } from './telemetry-config.interface.js';
import {
  environmentVariables,
  resolveGeneral,
  resolveStartCheck,
  type TelemetryOptions,
  telemetryOptionsRule,
} from './telemetry-options.js';
import { resolveTraces } from './traces.js';

/** Inputs of a configuration beside the options. */
export interface ConfigSources {
  /** Default `process.env`. */
  readonly env?: NodeJS.ProcessEnv;
  /** Where the options were written, for the error; default `TelemetryModule.forRoot()`. */
  readonly setIn?: string;
  /** Returns name and version of the application; default: of its package.json. Only called when they are not configured. */
  readonly findPackage?: () => Pick<ApplicationPackage, 'name' | 'version'>;
  /** Why spans cannot be sent to Jaeger as Thrift, with the remedy; default: they can. Only called for such an endpoint. */
  readonly findJaegerPackageProblem?: () => string | undefined;
  /** The switches of `instrumentation`; default none. */
  readonly instrumentations?: InstrumentationSwitches;
  /** Default: whether standard output is a terminal. */
  readonly isTerminal?: boolean;
  /** Reads the configuration file that the environment names; default: none is read. */
  readonly readConfigFile?: ReadConfigFile;
}

/** The variables that a function of a subject reads. */
type ReadBy<F extends (...args: never[]) => unknown> = Parameters<F>[1];

/** Values of the variables that are set and right. */
export type EnvironmentValues = ReadBy<typeof resolveGeneral> &
  ReadBy<typeof resolveIdentity> &
  ReadBy<typeof resolveJaeger> &
  ReadBy<typeof resolveTraces> &
  ReadBy<typeof resolvePropagation> &
  ReadBy<typeof resolveMetrics> &
  ReadBy<typeof resolveLogs> &
  ReadBy<typeof resolveDashboard> &
  ReadBy<typeof resolveStore> &
  ReadBy<typeof resolveProcessEvents>;

const NO_SWITCHES: InstrumentationSwitches = {};

/**
 * Decides every option: code wins over environment, environment over default. Objects of this library
 * are frozen, those of the application (processors, samplers, streams) are not.
 *
 * @throws TelemetryError `TELEMETRY_INVALID_OPTIONS`, listing every wrong option. A wrong environment
 *   variable is ignored and becomes a sentence in `warnings`.
 */
export function resolveConfig(inCode: TelemetryOptions = {}, sources: ConfigSources = {}): TelemetryConfig {
  const {
    setIn = 'TelemetryModule.forRoot()',
    findJaegerPackageProblem = () => undefined,
    findPackage = applicationPackage,
    instrumentations = NO_SWITCHES,
    isTerminal = process.stdout.isTTY,
  } = sources;
  requireValidOptions(inCode, setIn, instrumentations);
  const { options, variables, env, inFile, warnings } = readSources(inCode, instrumentations, sources);
  const identity = resolveIdentity(options, env, findPackage);
  const { environment } = identity;
  const metrics = resolveMetrics(options, env, inFile?.metrics);
  const served = resolveDashboard(options, env, environment, setIn);
  const general = resolveGeneral(options, env);
  const jaeger = resolveJaeger(
    options,
    env,
    variables.OTEL_EXPORTER_JAEGER_ENDPOINT,
    setIn,
    general.enabled ? findJaegerPackageProblem : () => undefined,
  );
  const unusable = [...listed(jaeger.problem), ...(served.problems ?? [])];
  if (unusable.length > 0) throw invalidOptionsError(unusable);
  const { dashboard } = served;
  const store = resolveStore(options, env, environment, dashboard);
  return Object.freeze({
    ...general,
    startCheck: resolveStartCheck(options, env, environment),
    ...identity,
    traces: resolveTraces(options, env, jaeger.endpoint, inFile?.traces),
    metrics,
    logs: resolveLogs(options, env, inFile?.logs),
    redaction: resolveRedaction(options),
    logging: resolveLogging(options, env, environment, isTerminal),
    dashboard,
    store,
    processEvents: resolveProcessEvents(options, env, environment, store),
    instrumentation: resolveInstrumentation(instrumentations, options.instrumentation, env, [
      scrapePath(options),
      ...(dashboard === undefined ? [] : [dashboard.path, `${dashboard.path}/*`]),
    ]),
    instrumentations: frozenList(options.instrumentations),
    ...resolvePropagation(options, env),
    shutdownTimeoutMs: resolveShutdownTimeout(options),
    limits: resolveLimits(options, env),
    warnings: Object.freeze([
      ...warnings,
      ...listed(jaeger.ignored).map(describeIgnored),
      ...(served.warnings ?? []),
      ...findIneffectiveVariables(options, env, metrics),
    ]),
  });
}

/** What decides beside defaults. */
interface ReadSources {
  /** Of code, over those of a configuration file. */
  readonly options: TelemetryOptions;
  /** The variables that count, as texts and as values. */
  readonly variables: NodeJS.ProcessEnv;
  readonly env: EnvironmentValues;
  /** Targets of a configuration file; undefined where there is none. */
  readonly inFile: ConfigFileSettings['otlp'] | undefined;
  readonly warnings: readonly string[];
}

/** Reads the environment, or the configuration file that it names. */
function readSources(
  inCode: TelemetryOptions,
  instrumentations: InstrumentationSwitches,
  { env: all = process.env, readConfigFile }: Pick<ConfigSources, 'env' | 'readConfigFile'>,
): ReadSources {
  const file = readConfigFile?.(all);
  const settings = file?.settings;
  const variables = settings === undefined ? all : withoutReplaced(all);
  const { values, problems } = readEnvironment(variables, environmentVariables(instrumentations));
  const distribution = readDistribution(settings?.distribution, instrumentations);
  return {
    options:
      settings === undefined
        ? inCode
        : mergeOptions({ ...settings.options, ...distribution.options }, inCode),
    variables,
    // Each value was read by the parser of its kind, from which its type is inferred.
    env: { ...values, ...settings?.values },
    inFile: settings?.otlp,
    warnings: [...(file?.warnings ?? []), ...[...distribution.problems, ...problems].map(describeIgnored)],
  };
}

/** Options of this library in a configuration file; one that is wrong is left out. */
function readDistribution(
  given: unknown,
  instrumentations: InstrumentationSwitches,
): { readonly options: TelemetryOptions; readonly problems: readonly ConfigurationProblem[] } {
  if (given === undefined || given === null) return { options: {}, problems: [] };
  const problems = validateOptions(given, 'file of OTEL_CONFIG_FILE', instrumentations);
  const wrong = new Set(problems.map(({ name }) => /^[^.[]*/.exec(name)?.[0]));
  const right = Object.entries(given).filter(([name]) => !wrong.has(name));
  return { options: Object.fromEntries(right), problems };
}

/** @throws TelemetryError `TELEMETRY_INVALID_OPTIONS`, listing every wrong option */
export function requireValidOptions(
  options: TelemetryOptions,
  setIn: string,
  instrumentations: InstrumentationSwitches,
): void {
  const wrong = validateOptions(options, setIn, instrumentations);
  if (wrong.length > 0) throw invalidOptionsError(wrong);
}

function listed<T>(item: T | undefined): readonly T[] {
  return item === undefined ? [] : [item];
}

/**
 * Whether these options keep telemetry in the store. A part of `resolveConfig()`, because a module asks
 * before the start; options that are wrong may give any answer, or throw.
 */
export function keepsTelemetry(
  inCode: TelemetryOptions,
  sources: Pick<ConfigSources, 'readConfigFile'>,
): boolean {
  const { options, env } = readSources(inCode, NO_SWITCHES, sources);
  if (!resolveGeneral(options, env).enabled) return false;
  const { environment } = resolveIdentity(options, env, applicationPackage);
  const { dashboard } = resolveDashboard(options, env, environment, '');
  return resolveStore(options, env, environment, dashboard) !== undefined;
}

/**
 * Every problem of `options`; an empty list when there is none.
 *
 * @param setIn where the options were written, for example `TelemetryModule.forRoot()`
 */
export function validateOptions(
  options: unknown,
  setIn: string,
  instrumentations: InstrumentationSwitches,
): ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = [];
  telemetryOptionsRule(instrumentations).check(options, '', (name, received, remedy) => {
    problems.push({ name, received, setIn, remedy });
  });
  return problems;
}

/** One error that lists every wrong option, for a terminal. */
function invalidOptionsError(problems: readonly ConfigurationProblem[]): TelemetryError {
  const count =
    problems.length === 1 ? '1 telemetry option is wrong' : `${problems.length} telemetry options are wrong`;
  const message = [`${count}, so the application was not started:`, ...problems.map(describeOption)].join(
    '\n\n',
  );
  return new TelemetryError('TELEMETRY_INVALID_OPTIONS', `${message}\n`, problems);
}

/** One or two sentences about an ignored variable, for `TelemetryConfig.warnings`. */
function describeIgnored({ name, received, setIn, remedy }: ConfigurationProblem): string {
  return `${name} in the ${setIn} is ${received}, which cannot be used. ${remedy}`;
}

function describeOption({ name, received, setIn, remedy }: ConfigurationProblem, index: number): string {
  return [
    `  ${index + 1}. ${name}`,
    `     received: ${received}`,
    `     set in:   ${setIn}`,
    `     remedy:   ${remedy}`,
  ].join('\n');
}

/** Sentences about variables that have the right form and yet no effect, or less than expected, with the remedy. */
function findIneffectiveVariables(
  options: TelemetryOptions,
  env: EnvironmentValues,
  metrics: MetricConfig,
): readonly string[] {
  const { OTEL_TRACES_SAMPLER: sampler, OTEL_METRIC_EXPORT_TIMEOUT: timeout } = env;
  const leavesOut = (option: 'otlpEndpoint' | 'jaegerEndpoint', exporter: string, signal: string): string =>
    `leaves out the ${option} that is set in code. Add ${exporter} to it to send ${signal} there.`;
  const checks: readonly (readonly [name: keyof EnvironmentValues, applies: boolean, why: string])[] = [
    [
      'OTEL_TRACES_SAMPLER_ARG',
      env.OTEL_TRACES_SAMPLER_ARG !== undefined &&
        options.sampling === undefined &&
        (sampler === undefined || !usesRatio(sampler)),
      'has no effect. Set OTEL_TRACES_SAMPLER=parentbased_traceidratio with it.',
    ],
    [
      'OTEL_EXPORTER_PROMETHEUS_HOST',
      env.OTEL_EXPORTER_PROMETHEUS_HOST !== undefined &&
        metrics.prometheus !== undefined &&
        metrics.prometheus.port === undefined,
      'has no effect. Set OTEL_EXPORTER_PROMETHEUS_PORT with it.',
    ],
    [
      'OTEL_METRIC_EXPORT_TIMEOUT',
      timeout !== undefined && timeout > metrics.exportIntervalMillis,
      `is longer than the interval between two exports and was cut to it. Write at most ${metrics.exportIntervalMillis}.`,
    ],
    [
      'OTEL_TRACES_EXPORTER',
      isLeftOut(env.OTEL_TRACES_EXPORTER, 'otlp') && options.otlpEndpoint !== undefined,
      leavesOut('otlpEndpoint', 'otlp', 'traces'),
    ],
    [
      'OTEL_TRACES_EXPORTER',
      isLeftOut(env.OTEL_TRACES_EXPORTER, 'jaeger') && options.jaegerEndpoint !== undefined,
      leavesOut('jaegerEndpoint', 'jaeger', 'traces'),
    ],
    [
      'OTEL_METRICS_EXPORTER',
      isLeftOut(env.OTEL_METRICS_EXPORTER, 'otlp') && options.otlpEndpoint !== undefined,
      leavesOut('otlpEndpoint', 'otlp', 'metrics'),
    ],
  ];
  return checks.flatMap(([name, applies, why]) => (applies ? [`${name} in the environment ${why}`] : []));
}

/** `none` is intended and needs no warning. */
function isLeftOut<T extends string>(chosen: readonly T[] | undefined, name: T): boolean {
  return chosen !== undefined && chosen.length > 0 && !chosen.includes(name);
}
