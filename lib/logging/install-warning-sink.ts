import { setWarningSink } from '../errors/warnings.js';
import { loggingState } from './logging-state.js';

/** Writes the library's own warnings as log lines; returns what sends them where they went before. */
export function installWarningSink(): () => void {
  return setWarningSink((message, code) => {
    loggingState().root?.logger.warn({ context: 'nestjs-telemetry', code }, message);
  });
}
