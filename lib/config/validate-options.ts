import { type ConfigurationProblem } from '../errors/telemetry.error.js';
import { TELEMETRY_OPTIONS_RULE } from './option-rules.constants.js';
import { type TelemetryOptions } from './telemetry-options.interface.js';

/**
 * Everything that is wrong with `options`, at once; an empty list when nothing is.
 *
 * @param setIn where the options were written, for example `TelemetryModule.forRoot()`
 */
export function validateOptions(options: TelemetryOptions, setIn: string): ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = [];
  TELEMETRY_OPTIONS_RULE.check(options, '', (name, received, remedy) => {
    problems.push({ name, received, setIn, remedy });
  });
  return problems;
}
