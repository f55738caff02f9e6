import { context, ROOT_CONTEXT } from '@opentelemetry/api';

import { setWarningSink } from '../errors/warnings.js';
import { loggingState } from './logging-state.js';
import { writeOwnLine } from './own-lines.js';

/** Writes the library's own warnings as log lines; returns what sends them where they went before. */
export function installWarningSink(): () => void {
  return setWarningSink((message, code) => {
    // Outside any context: an export that fails belongs to no request, least of all to the one that is active just now.
    context.with(ROOT_CONTEXT, () => {
      writeOwnLine('warn', () => {
        loggingState().root?.logger.warn({ context: 'nestjs-telemetry', code }, message);
      });
    });
  });
}
