import { type ConfigSources, resolveConfig } from '../../lib/config/resolve-config.js';
import { type TelemetryConfig } from '../../lib/config/telemetry-config.interface.js';
import { type TelemetryOptions } from '../../lib/config/telemetry-options.js';
import { INSTRUMENTATIONS } from '../../lib/instrumentation/registry.js';

/** Resolves without anything of the machine the test runs on: no variables, no package.json. */
export function resolve(
  options: TelemetryOptions = {},
  env: NodeJS.ProcessEnv = {},
  sources: ConfigSources = {},
): TelemetryConfig {
  return resolveConfig(options, {
    env,
    findPackage: () => ({ name: undefined, version: undefined }),
    isTerminal: false,
    instrumentations: INSTRUMENTATIONS,
    ...sources,
  });
}
