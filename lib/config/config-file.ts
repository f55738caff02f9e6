import { withoutUndefined } from './declare-options.js';
import type { EnvironmentVariable } from './environment.js';
import type { OtlpTarget, Signal } from './otlp.js';
import type { EnvironmentValues } from './resolve-config.js';
import type { TelemetryOptions } from './telemetry-options.js';

/** What a configuration file of OpenTelemetry sets, by the three ways in which this library can be set up. */
export interface ConfigFileSettings {
  /** Options; those in code win over them. */
  readonly options: TelemetryOptions;
  /** Values of variables that have no option, or less than one. */
  readonly values: EnvironmentValues;
  /** Where each signal is sent, unless code has an `otlpEndpoint`. */
  readonly otlp: Readonly<Record<Signal, readonly OtlpTarget[]>>;
  /** Options of this library under `distribution`, not checked yet. */
  readonly distribution: unknown;
}

/** A configuration file that was looked for. */
export interface ConfigFileReading {
  /** undefined where there is none that can be used: the environment decides. */
  readonly settings?: ConfigFileSettings;
  /** What of it cannot be used, in sentences with the remedy. */
  readonly warnings: readonly string[];
}

/** Reads the configuration file that the environment names; undefined where it names none. */
export type ReadConfigFile = (env: NodeJS.ProcessEnv) => ConfigFileReading | undefined;

/** Names the file. */
export const CONFIG_FILE_VARIABLE = 'OTEL_CONFIG_FILE';

export const CONFIG_FILE_VARIABLES = {
  [CONFIG_FILE_VARIABLE]: {
    kind: 'text',
    meaning:
      'Path of a [configuration file of OpenTelemetry](config-file.md), which replaces all other variables that begin with `OTEL_`.',
    otherwise: 'none',
  },
} as const satisfies Readonly<Record<string, EnvironmentVariable>>;

/** The environment without the variables that a configuration file replaces. */
export function withoutReplaced(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^OTEL_/i.test(name)));
}

/** Options in code over those of a file; attributes of the resource and options of Prometheus are merged by name. */
export function mergeOptions(inFile: TelemetryOptions, inCode: TelemetryOptions): TelemetryOptions {
  const { resourceAttributes, prometheus } = inFile;
  return {
    ...inFile,
    ...withoutUndefined(inCode),
    ...(resourceAttributes !== undefined && {
      resourceAttributes: { ...resourceAttributes, ...inCode.resourceAttributes },
    }),
    ...(prometheus !== undefined && { prometheus: { ...prometheus, ...inCode.prometheus } }),
  };
}
