import { context, ROOT_CONTEXT } from '@opentelemetry/api';

import { CONTROL_CONTEXT } from '../../logging/level-overrides.js';
import { writeOwnLine } from '../../logging/own-lines.js';
import { TelemetryLogger } from '../../logging/telemetry-logger.js';

/**
 * Logs who profiles the process, as a warning, outside of any context: lines of a request of the dashboard would not be stored or
 * exported.
 */
export function writeProfilingLine(message: string, fields: Readonly<Record<string, string | number>>): void {
  context.with(ROOT_CONTEXT, () => {
    writeOwnLine('warn', () => {
      new TelemetryLogger(CONTROL_CONTEXT).logWarning(message, fields);
    });
  });
}
