import { type ConfigurationProblem } from '../errors/telemetry.error.js';
import {
  ENVIRONMENT_VARIABLES,
  type EnvironmentValues,
  type EnvironmentVariableName,
} from './environment-variables.constants.js';
import { type EnvironmentVariable } from './environment-variable.interface.js';
import { parseEnvironmentValue } from './parse-environment-value.js';
import { HIDDEN, renderEndpoint, renderReceived } from './render-received.js';

/** What the environment says, read by the table, and everything that is wrong with it. */
export interface EnvironmentReading {
  readonly values: EnvironmentValues;
  readonly problems: readonly ConfigurationProblem[];
}

/** Reads every variable of `ENVIRONMENT_VARIABLES`; an empty one counts as not set, a wrong one is left out. */
export function readEnvironment(env: NodeJS.ProcessEnv): EnvironmentReading {
  const values: Partial<Record<EnvironmentVariableName, unknown>> = {};
  const problems: ConfigurationProblem[] = [];
  for (const name of Object.keys(ENVIRONMENT_VARIABLES) as EnvironmentVariableName[]) {
    const text = env[name]?.trim();
    if (text === undefined || text === '') continue;
    const variable = ENVIRONMENT_VARIABLES[name];
    const { value, remedy } = parseEnvironmentValue(text, variable);
    if (value !== undefined) values[name] = value;
    if (remedy !== undefined)
      problems.push({ name, received: renderVariable(variable, text), setIn: 'environment', remedy });
  }
  // Each value was read by the parser of its own kind; the table's types cannot follow it through the loop.
  return { values: values as EnvironmentValues, problems };
}

function renderVariable({ kind }: EnvironmentVariable, text: string): string {
  if (kind === 'headers') return HIDDEN;
  return kind === 'otlpEndpoint' || kind === 'jaegerEndpoint' ? renderEndpoint(text) : renderReceived(text);
}
