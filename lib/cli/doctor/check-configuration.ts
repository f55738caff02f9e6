import { editDistance } from '../../config/option-rules.js';
import { resolveConfig } from '../../config/resolve-config.js';
import { type TelemetryConfig } from '../../config/telemetry-config.interface.js';
import { environmentVariables } from '../../config/telemetry-options.js';
import { checkSampling } from '../../doctor/check-sampling.js';
import { fault, type Finding, named, ok, type Result, warning } from '../../doctor/finding.js';
import { isErrorOf } from '../../errors/telemetry.error.js';
import { findJaegerPackageProblem } from '../../exporters/jaeger/jaeger-package.js';
import { INSTRUMENTATIONS } from '../../instrumentation/registry.js';
import { readConfigFile } from '../../runtime/config-file/read-config-file.js';

export interface CheckedConfiguration {
  readonly findings: readonly Finding[];
  /** undefined where the environment cannot be used at all. */
  readonly config: TelemetryConfig | undefined;
}

/** Resolves the variables as the module does, and names those that are wrong or switch telemetry off. */
export function checkConfiguration(env: NodeJS.ProcessEnv): CheckedConfiguration {
  const check = 'environment variables';
  const known = Object.keys(environmentVariables(INSTRUMENTATIONS));
  const results = findMisspelled(env, known);
  try {
    const config = resolveConfig(
      {},
      {
        env,
        setIn: 'the environment',
        instrumentations: INSTRUMENTATIONS,
        findJaegerPackageProblem,
        readConfigFile,
      },
    );
    results.push(...config.warnings.map(wrongVariable), ...findSwitchedOff(config, env));
    if (results.length === 0) results.push(ok('can be used.'));
    return { findings: named(check, results), config };
  } catch (error) {
    if (!isErrorOf(error, 'TELEMETRY_INVALID_OPTIONS')) throw error;
    results.push(
      ...error.problems.map(({ name, received, remedy }) =>
        fault(`${name} cannot be used.`, `${name}=${received}`, remedy),
      ),
    );
    return { findings: named(check, results), config: undefined };
  }
}

function wrongVariable(text: string): Result {
  const [finding, ...remedy] = text.split(/(?<=\.) (?=[A-Z])/);
  return fault('one has no effect.', finding ?? text, remedy.join(' ') || 'See docs/configuration.md.');
}

function findSwitchedOff({ enabled, traces }: TelemetryConfig, env: NodeJS.ProcessEnv): Result[] {
  const file = readConfigFile(env)?.settings === undefined ? undefined : env.OTEL_CONFIG_FILE;
  const results: Result[] = [];
  if (!enabled)
    results.push(
      fault(
        'telemetry is switched off.',
        file === undefined ? `OTEL_SDK_DISABLED=${env.OTEL_SDK_DISABLED}` : `disabled: true in ${file}`,
        `Remove ${file === undefined ? 'the variable' : 'it'}, or set it to false.`,
      ),
    );
  results.push(...checkSampling(traces));
  return results;
}

/** Variables that are not read, and differ by one or two letters from one that is. */
function findMisspelled(env: NodeJS.ProcessEnv, known: readonly string[]): Result[] {
  const candidates = Object.keys(env).filter(
    (name) => /^(?:OTEL|TELEMETRY)_/.test(name) && !known.includes(name),
  );
  return candidates.flatMap((name) => {
    const meant = known.find((each) => editDistance(name, each) <= 2);
    if (meant === undefined) return [];
    return [warning('one looks misspelled, and is not read.', name, `Write ${meant}, or remove it.`)];
  });
}
