import { type ConfigurationProblem } from '../errors/telemetry.error.js';
import { type InstrumentationSwitches } from './instrumentation.js';
import { telemetryOptionsRule } from './option-rules.constants.js';
import { type TelemetryOptions } from './telemetry-options.interface.js';

/**
 * Everything that is wrong with `options`, at once; an empty list when nothing is.
 *
 * @param setIn where the options were written, for example `TelemetryModule.forRoot()`
 */
export function validateOptions(
  options: TelemetryOptions,
  setIn: string,
  instrumentations: InstrumentationSwitches,
): ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = [];
  telemetryOptionsRule(instrumentations).check(options, '', (name, received, remedy) => {
    problems.push({ name, received, setIn, remedy });
  });
  return problems;
}
