import { CONFIG_FILE_VARIABLE, type ConfigFileReading } from '../../config/config-file.js';
import { loadSdkPart } from '../load-sdk-part.js';

/** The name of the variable before the schema was stable. */
const FORMER_VARIABLE = 'OTEL_EXPERIMENTAL_CONFIG_FILE';

/**
 * Reads the declarative configuration of OpenTelemetry that `OTEL_CONFIG_FILE` names; undefined where
 * it is not set. Synchronous, as the start is. Never throws: what is wrong becomes a warning.
 */
export function readConfigFile(env: NodeJS.ProcessEnv): ConfigFileReading | undefined {
  const path = env[CONFIG_FILE_VARIABLE]?.trim() ?? '';
  if (path !== '') return loadSdkPart().readNamedFile(path);
  return env[FORMER_VARIABLE] === undefined
    ? undefined
    : {
        warnings: [`${FORMER_VARIABLE} in the environment is not read. Rename it ${CONFIG_FILE_VARIABLE}.`],
      };
}
