import { type ConfigurationProblem, TelemetryError } from '../errors/telemetry.error.js';

/** One error that lists every wrong option, to be read in a terminal. */
export function invalidOptionsError(problems: readonly ConfigurationProblem[]): TelemetryError {
  const count =
    problems.length === 1 ? '1 telemetry option is wrong' : `${problems.length} telemetry options are wrong`;
  const message = [`${count}, so the application was not started:`, ...problems.map(describeOption)].join(
    '\n\n',
  );
  return new TelemetryError('TELEMETRY_INVALID_OPTIONS', `${message}\n`, problems);
}

/** One sentence or two about a variable that could not be used, for `TelemetryConfig.warnings`. */
export function describeIgnored({ name, received, setIn, remedy }: ConfigurationProblem): string {
  return `${name} in the ${setIn} is ${received}, which cannot be used as it stands. ${remedy}`;
}

function describeOption({ name, received, setIn, remedy }: ConfigurationProblem, index: number): string {
  return [
    `  ${index + 1}. ${name}`,
    `     received: ${received}`,
    `     set in:   ${setIn}`,
    `     remedy:   ${remedy}`,
  ].join('\n');
}
